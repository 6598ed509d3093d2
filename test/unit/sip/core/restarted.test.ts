/** Calls that are up when a node is started anew: its phones come back by other connections, of which the routes of their calls know nothing. */
import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type PhoneInit,
  type SentRequest,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BEFORE = '192.0.2.1'
const AFTER = '192.0.2.7'
const BOB: PhoneInit = { host: '10.0.0.9', transport: 'tcp' }
const AT_HOME = 'sip:bob@192.168.1.5:40000;transport=tcp'

interface Call {
  readonly world: SipWorld
  /** Another node with the same secret stands for the same node in its next life: of neither are the flow numbers. */
  readonly node: TestNode
  readonly alice: Phone
  readonly sent: SentRequest
  readonly ok: SipMessage
}

/** alice has called bob, who is on a connection, and the node has been started anew. */
function restarted(contact?: string, init: PhoneInit = BOB): Call {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('carol')
  const before = world.node(BEFORE, { listeners: allListeners(BEFORE) }, accounts)
  const caller = world.phone('alice', before, { host: '10.0.0.1' })
  const bob = world.phone('bob', before, init)
  expect(caller.registerFully().status).toBe(200)
  expect(bob.registerFully(of(contact)).status).toBe(200)
  const sent = caller.request('INVITE', `sip:bob@${DOMAIN}`)
  bob.respond(bob.requests('INVITE')[0]!, 200, of(contact))
  const [ok] = caller.responses('INVITE', 200)
  const node = world.node(AFTER, { listeners: allListeners(AFTER) }, accounts)
  return { world, node, alice: world.phone('alice', node, { host: '10.0.0.2' }), sent, ok: ok! }
}

function of(contact: string | undefined): { readonly contact?: string } {
  if (contact === undefined) return {}
  return { contact: contact.startsWith('<') ? contact : `<${contact}>` }
}

/** A phone has connected to the node again, by a port that NAT or system have chosen, and registers. */
function back(
  { world, node }: Call,
  user = 'bob',
  contact?: string,
  init = BOB,
  extra: readonly string[] = [],
): Phone {
  const phone = world.phone(user, node, init)
  phone.sourcePort += world.phones.length
  expect(phone.registerFully({ callId: `back-${world.phones.length}`, ...of(contact), extra }).status).toBe(
    200,
  )
  return phone
}

/** The caller's next request in the call, to the node as it is now. */
function asks({ alice, sent, ok }: Call, method: string, cseq = sent.cseq + 1): void {
  const contacts = ok.contacts()
  const uri = contacts.ok && contacts.value !== '*' ? contacts.value[0]!.uri : ''
  const routes = ok.values('record-route').reverse()
  alice.request(method, uri, {
    to: ok.header('to') ?? '',
    callId: sent.callId,
    fromTag: sent.fromTag,
    cseq,
    extra: routes.map((route) => `Route: ${route.replace(BEFORE, AFTER)}`),
  })
}

describe('a call that is up when the node of a phone on a connection is started anew', () => {
  it.each(['tcp', 'tls', 'ws', 'wss'] as const)(
    'S5626-5.3-01 finds the phone by its Contact (%s)',
    (transport) => {
      const init = { host: '10.0.0.9', transport }
      const call = restarted(undefined, init)
      const bob = back(call, 'bob', undefined, init)
      asks(call, 'BYE')
      expect(bob.requests('BYE')).toHaveLength(1)
      bob.respond(bob.requests('BYE')[0]!, 200)
      expect(call.alice.statuses('BYE')).toEqual([200])
    },
  )

  it('S7118-5.3-01 finds a browser by the name that it has made up, wherever it connects from', () => {
    const made = 'sip:bob@df7jal23ls0d.invalid;transport=ws'
    const call = restarted(made, { host: '10.0.0.9', transport: 'wss' })
    const bob = back(call, 'bob', made, { host: '10.9.9.9', transport: 'wss' })
    asks(call, 'INVITE')
    expect(bob.requests('INVITE').map(({ requestUri }) => requestUri)).toEqual([made])
    bob.respond(bob.requests('INVITE')[0]!, 200, of(made))
    asks(call, 'ACK')
    expect(bob.requests('ACK')).toHaveLength(1)
  })

  it('S5626-5.3-01 finds the only phone of the user there whose Contact shows the port of its connection', () => {
    const call = restarted(AT_HOME)
    const bob = back(call, 'bob', 'sip:bob@192.168.1.5:40017;transport=tcp')
    asks(call, 'BYE')
    expect(bob.requests('BYE').map(({ requestUri }) => requestUri)).toEqual([AT_HOME])
  })

  it('S5626-7-01 goes by the flow that the phone has registered last', () => {
    const flow = (n: number): string => `<${AT_HOME}>;+sip.instance="<urn:x:1>";reg-id=${n}`
    const outbound = ['Supported: path, outbound']
    const call = restarted(AT_HOME)
    const flows = [1, 2].map((n) => {
      call.world.advance(1_000)
      return back(call, 'bob', flow(n), BOB, outbound)
    })
    asks(call, 'BYE')
    expect(flows.map((phone) => phone.requests('BYE').length)).toEqual([0, 1])
  })

  it('S5626-5.3-01 E50 goes to nobody else', () => {
    const call = restarted(AT_HOME)
    const others = [
      back(call, 'carol', AT_HOME),
      back(call, 'bob', 'sip:bob@192.168.1.6:40000;transport=tcp'),
      back(call, 'bob', 'sip:bobby@192.168.1.5:40000;transport=tcp'),
    ]
    asks(call, 'BYE')
    for (const other of others) expect(other.requests('BYE')).toHaveLength(0)
    expect(call.alice.statuses('BYE')).toEqual([430])
  })
})
