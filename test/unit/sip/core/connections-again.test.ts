/** Calls that outlive the connection to a server outside: whoever was reached at an address is reached there again (RFC 3261 s.18). */
import { describe, expect, it } from 'vitest'
import {
  allListeners,
  SipWorld,
  TestAccounts,
  type Phone,
  type TestNode,
} from '../../../support/sip-phones.ts'

const HOST = '192.0.2.1'
const FRIEND = 'sip:friend@example.net'

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly far: Phone
}

function stage(transport: 'tcp' | 'tls' = 'tcp', identities?: readonly string[]): Stage {
  const world = new SipWorld()
  const node = world.node(HOST, { listeners: allListeners(HOST) }, new TestAccounts().add('alice'))
  const alice = world.phone('alice', node)
  const far = world.phone('friend', node, {
    transport,
    host: '10.0.0.9',
    ...(identities === undefined ? {} : { identities }),
  })
  node.resolveAnswer = () => ({ ok: true, addresses: [{ host: far.host, port: far.port, transport }] })
  return { world, node, alice, far }
}

/** Numbers of the flows that the node was told to open. */
function opened(node: TestNode): { readonly flow: number; readonly domain: string }[] {
  return node.actions.flatMap((action) =>
    action.kind === 'openFlow' ? [{ flow: action.flow, domain: action.domain }] : [],
  )
}

/** By the connection that the node has opened last. */
function answers({ far, node }: Pick<Stage, 'far' | 'node'>, method: string): void {
  far.flow = opened(node).at(-1)!.flow
  far.respond(far.requests(method).at(-1)!, 200)
}

/** A call that is up, and the connection it was set up by. */
function called({ alice, far, node }: Stage): { readonly sent: ReturnType<Phone['request']>; flow: number } {
  const sent = alice.request('INVITE', FRIEND)
  answers({ far, node }, 'INVITE')
  return { sent, flow: opened(node)[0]!.flow }
}

describe('a call whose server has closed the connection', () => {
  it.each(['tcp', 'tls'] as const)('S3261-18.1-04 is ended by a new one (%s)', (transport) => {
    const s = stage(transport, ['example.net'])
    const { sent, flow } = called(s)
    s.world.hangUp(s.node, flow)
    s.alice.inDialog('BYE', sent, s.alice.responses('INVITE', 200)[0]!)
    expect(opened(s.node).map(({ domain }) => domain)).toEqual(['example.net', 'example.net'])
    answers(s, 'BYE')
    expect(s.alice.statuses('BYE')).toEqual([200])
  })

  it('S3261-18.1-04 has its ACK brought by a new one', () => {
    const s = stage()
    const { sent, flow } = called(s)
    s.world.hangUp(s.node, flow)
    s.alice.inDialog('ACK', sent, s.alice.responses('INVITE', 200)[0]!)
    expect(s.far.requests('ACK')).toHaveLength(1)
  })

  it('S3261-18.4-01 is ended by a new one when the old one breaks under the request', () => {
    const s = stage()
    const { sent, flow } = called(s)
    s.alice.inDialog('BYE', sent, s.alice.responses('INVITE', 200)[0]!)
    expect(s.far.requests('BYE')).toHaveLength(1)
    s.world.hangUp(s.node, flow)
    s.world.settle()
    expect(opened(s.node)).toHaveLength(2)
    answers(s, 'BYE')
    expect(s.alice.statuses('BYE')).toEqual([200])
  })

  it('is over when nobody listens there any more', () => {
    const s = stage()
    const { sent, flow } = called(s)
    s.world.hangUp(s.node, flow)
    s.world.phones.splice(s.world.phones.indexOf(s.far), 1)
    s.alice.inDialog('BYE', sent, s.alice.responses('INVITE', 200)[0]!)
    expect(opened(s.node)).toHaveLength(2)
    expect(s.alice.statuses('BYE')).toEqual([480])
  })

  it('S5626-5.2-01 is ended by a node that has taken over, and not by its own connection of that number', () => {
    const s = stage()
    const { sent, flow } = called(s)
    const host = '192.0.2.7'
    const heir = s.world.node(host, { listeners: allListeners(host) }, s.node.accounts)
    const alice = s.world.phone('alice', heir)
    const someone = s.world.phone('someone', heir, { transport: 'tcp', host: '10.0.0.10' })
    const { port } = someone
    heir.resolveAnswer = () => ({ ok: true, addresses: [{ host: someone.host, port, transport: 'tcp' }] })
    alice.request('INVITE', 'sip:someone@example.org')
    expect(opened(heir)[0]?.flow).toBe(flow)
    const [ok] = s.alice.responses('INVITE', 200)
    const routes = ok!.values('record-route').reverse()
    alice.request('BYE', s.far.contact.slice(1, -1), {
      to: ok!.header('to') ?? '',
      callId: sent.callId,
      extra: routes.map((route) => `Route: ${route.replace(HOST, host)}`),
    })
    expect(someone.requests('BYE')).toHaveLength(0)
    expect(s.far.requests('BYE')).toHaveLength(1)
  })

  it('S5922-7.3-01 goes to nobody else who answers there by then', () => {
    const s = stage('tls', ['example.net'])
    const { sent, flow } = called(s)
    s.world.hangUp(s.node, flow)
    Object.assign(s.far, { identities: ['example.org'] })
    s.alice.inDialog('BYE', sent, s.alice.responses('INVITE', 200)[0]!)
    expect(s.far.requests('BYE')).toHaveLength(0)
    expect(s.alice.statuses('BYE')).toEqual([480])
  })
})
