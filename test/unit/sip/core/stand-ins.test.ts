import { beforeEach, describe, expect, it } from 'vitest'
import { StandIns } from '../../../../src/sip/proxy/stand-ins.ts'
import type { Target } from '../../../../src/sip/proxy/targets.ts'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SentRequest,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')

/** alice at `a` has called bob, who is registered at `b` and `c`; the call goes by `b`. */
interface Call {
  readonly world: SipWorld
  readonly a: TestNode
  readonly b: TestNode
  readonly c: TestNode
  readonly alice: Phone
  readonly bob: Phone
  readonly sent: SentRequest
  readonly ok: SipMessage
  readonly invite: SipMessage
}

/** The phone registers at another node, too: the requests of both come to it; what is returned answers to the other one. */
function elsewhere(call: Pick<Call, 'world'>, phone: Phone, node: TestNode, contact?: string): Phone {
  const other = call.world.phone(phone.user, node, { host: phone.host })
  call.world.phones.pop()
  other.register({ callId: `other-${phone.user}`, ...(contact === undefined ? {} : { contact }) })
  return other
}

function call(contact?: string): Call {
  const world = new SipWorld()
  const [a, b, c] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((host) => world.node(host, {}, accounts()))
  if (a === undefined || b === undefined || c === undefined) throw new RangeError()
  const alice = world.phone('alice', a)
  const bob = world.phone('bob', b)
  expect(alice.registerFully().status).toBe(200)
  expect(bob.registerFully(contact === undefined ? {} : { contact }).status).toBe(200)
  const sent = alice.request('INVITE', BOB)
  const [invite] = bob.requests('INVITE')
  if (invite === undefined) throw new Error('not rung')
  bob.respond(invite, 200)
  const [ok] = alice.responses('INVITE', 200)
  if (ok === undefined) throw new Error('not answered')
  return { world, a, b, c, alice, bob, sent, ok, invite }
}

function kill({ world }: Call, node: TestNode): void {
  world.dead.add(node)
  world.cutPeerFlows()
}

describe('a request of a call whose next peer is gone', () => {
  let up: Call
  beforeEach(() => {
    up = call()
  })

  it('M-31 goes by another peer that has the phone, with the Contact of the call and without the routes of the dead one', () => {
    const { alice, bob, sent, ok, c } = up
    const other = elsewhere(up, bob, c)
    alice.inDialog('ACK', sent, ok)
    kill(up, up.b)
    alice.inDialog('INFO', sent, ok)
    const [info] = bob.requests('INFO')
    expect(info?.requestUri).toBe(`sip:bob@${bob.host}:5060`)
    expect(info?.has('route')).toBe(false)
    expect(info?.topVia.host).toBe(c.host)
    other.respond(info!, 200)
    expect(alice.statuses('INFO')).toEqual([200])
    // Now it is known: nobody asks the overlay again.
    const asked = (): number => up.a.actions.filter(({ kind }) => kind === 'locate').length
    const before = asked()
    alice.inDialog('BYE', sent, ok, { cseq: 3 })
    other.respond(bob.requests('BYE')[0]!, 200)
    expect(alice.statuses('BYE')).toEqual([200])
    expect(asked()).toBe(before)
  })

  it('M-31 the called side reaches the caller by the peer that the caller is registered at, too', () => {
    const other = elsewhere(up, up.alice, up.c)
    up.alice.inDialog('ACK', up.sent, up.ok)
    kill(up, up.a)
    up.bob.fromCallee('BYE', up.invite)
    const [bye] = up.alice.requests('BYE')
    expect(bye?.topVia.host).toBe(up.c.host)
    other.respond(bye!, 200)
    expect(up.bob.statuses('BYE')).toEqual([200])
  })

  it('M-31 the phone is registered at the very node of the other side: nobody else is asked', () => {
    elsewhere(up, up.bob, up.a)
    kill(up, up.b)
    const before = up.a.actions.filter(({ kind }) => kind === 'locate').length
    up.alice.inDialog('BYE', up.sent, up.ok)
    expect(up.bob.requests('BYE')[0]?.topVia.host).toBe(up.a.host)
    expect(up.a.actions.filter(({ kind }) => kind === 'locate')).toHaveLength(before)
  })

  it('M-31 an ACK too, though nobody answers it', () => {
    elsewhere(up, up.bob, up.c)
    kill(up, up.b)
    up.alice.inDialog('ACK', up.sent, up.ok)
    expect(up.bob.requests('ACK')).toHaveLength(1)
    expect(up.bob.requests('ACK')[0]?.topVia.host).toBe(up.c.host)
  })

  it('M-31 E44 nobody else has that phone, or only another phone of the user: 480 as before', () => {
    kill(up, up.b)
    up.alice.inDialog('INFO', up.sent, up.ok)
    expect(up.alice.statuses('INFO')).toEqual([480])
    up.world.phone('bob', up.c).registerFully()
    up.alice.inDialog('BYE', up.sent, up.ok, { cseq: 3 })
    expect(up.alice.statuses('BYE')).toEqual([480])
  })

  it('M-31 what the phone says is final, by whichever peer it has been asked', () => {
    const other = elsewhere(up, up.bob, up.c)
    up.alice.inDialog('INFO', up.sent, up.ok)
    up.bob.respond(up.bob.requests('INFO')[0]!, 480)
    expect(up.alice.statuses('INFO')).toEqual([480])
    expect(up.bob.requests('INFO')).toHaveLength(1)
    kill(up, up.b)
    up.alice.inDialog('BYE', up.sent, up.ok, { cseq: 3 })
    other.respond(up.bob.requests('BYE')[0]!, 481)
    expect(up.alice.statuses('BYE')).toEqual([481])
  })

  it('M-31 a route that leads on through somebody else is not cut short', () => {
    elsewhere(up, up.bob, up.c)
    kill(up, up.b)
    const extra = ['Route: <sip:edge.example.net;lr>']
    up.alice.inDialog('INFO', up.sent, up.ok, { extra })
    expect(up.alice.statuses('INFO')).toEqual([480])
  })

  it('M-31 a peer that is slow but alive says 100 and is waited for; one that says nothing is not', () => {
    const other = elsewhere(up, up.bob, up.c)
    up.alice.inDialog('INFO', up.sent, up.ok)
    up.world.advance(10_000)
    expect(up.bob.requests('INFO').every(({ topVia }) => topVia.host === up.b.host)).toBe(true)
    up.bob.respond(up.bob.requests('INFO')[0]!, 200)
    expect(up.alice.statuses('INFO')).toEqual([100, 200])
    // From here on what goes to b is swallowed.
    const listen = up.b.input.bind(up.b)
    up.b.input = (input) => {
      if (input.kind === 'timeout') listen(input)
    }
    up.alice.inDialog('BYE', up.sent, up.ok, { cseq: 3 })
    up.world.advance(4_900)
    expect(up.bob.requests('BYE')).toHaveLength(0)
    up.world.advance(200)
    expect(up.bob.requests('BYE')[0]?.topVia.host).toBe(up.c.host)
    other.respond(up.bob.requests('BYE')[0]!, 200)
    expect(up.alice.statuses('BYE').at(-1)).toBe(200)
  })
})

describe('a request of a call that another peer brings', () => {
  const brought = (up: Call, method: string, uri: string, to: string): string[] => {
    const flows = up.world.join(up.a, up.c)
    const text = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/TLS ${up.a.hex}.${DOMAIN};branch=z9hG4bK${method}${uri.length}${to.length}`,
      'Max-Forwards: 70',
      `From: <sip:alice@${DOMAIN}>;tag=1`,
      `To: ${to}`,
      'Call-ID: from-a-peer',
      `CSeq: 1 ${method}`,
      'Content-Length: 0',
    ]
    const before = up.c.actions.length
    up.c.input({ kind: 'flowData', flow: flows.b, bytes: Buffer.from(`${text.join('\r\n')}\r\n\r\n`) })
    up.world.settle()
    return up.c.actions
      .slice(before)
      .flatMap((one) =>
        one.kind === 'sendFlow' ? [Buffer.from(one.bytes).toString('latin1').slice(8, 11)] : [],
      )
  }

  it('M-31 M-20 S-24 only a phone that is registered here is reached, and only inside a call', () => {
    const up = call()
    elsewhere(up, up.bob, up.c)
    const contact = `sip:bob@${up.bob.host}:5060`
    const to = `<${BOB}>;tag=x`
    expect(brought(up, 'MESSAGE', contact, `<${BOB}>`)).toEqual(['403'])
    expect(brought(up, 'BYE', 'sip:bob@203.0.113.1:5060', to)).toEqual(['403'])
    expect(brought(up, 'BYE', contact, `<sip:carol@${DOMAIN}>;tag=x`)).toEqual(['403'])
    expect(brought(up, 'BYE', contact, '<sip:bob@example.org>;tag=x')).toEqual(['403'])
    expect(up.bob.requests('BYE')).toHaveLength(0)
    brought(up, 'BYE', contact, to)
    expect(up.bob.requests('BYE')).toHaveLength(1)
  })

  it('M-31 the phone shows the port of its connection, which is another one here: the only one of the user with that host is meant', () => {
    const up = call()
    const shown = (port: number): string => `sip:bob@192.168.1.5:${port};transport=tcp`
    const to = `<${BOB}>;tag=x`
    const back = up.world.phone('bob', up.c, { transport: 'tcp' })
    back.registerFully({ contact: `<${shown(40_017)}>` })
    expect(brought(up, 'BYE', shown(40_000).replace('.5', '.6'), to)).toEqual(['403'])
    expect(brought(up, 'INFO', shown(40_000).replace('bob', 'bobby'), to)).toEqual(['403'])
    brought(up, 'BYE', shown(40_000), to)
    expect(back.requests('BYE').map(({ requestUri }) => requestUri)).toEqual([shown(40_000)])
    up.world.phone('bob', up.c, { transport: 'tcp' }).registerFully({ contact: `<${shown(40_018)}>` })
    expect(brought(up, 'INFO', shown(40_000), to)).toEqual(['403'])
    up.world.phone('carol', up.c).registerFully({ contact: '<sip:carol@192.168.1.7:5062>' })
    expect(brought(up, 'BYE', 'sip:carol@192.168.1.7:5060', `<sip:carol@${DOMAIN}>;tag=x`)).toEqual(['403'])
  })

  it('M-31 S5627-6.1-02 the phone has given its GRUU of the other peer: it is found by its instance', () => {
    const instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000b>"'
    const world = new SipWorld()
    const [b, c] = ['192.0.2.2', '192.0.2.3'].map((host) => world.node(host, {}, accounts()))
    if (b === undefined || c === undefined) throw new RangeError()
    const bob = world.phone('bob', b)
    bob.register({ contact: `${bob.contact}${instance}`, extra: ['Supported: gruu'] })
    const gruu = /pub-gruu="([^"]*)"/.exec(bob.last().header('contact') ?? '')?.[1] ?? ''
    expect(gruu).toContain(b.gr)
    elsewhere({ world }, bob, c, `${bob.contact}${instance}`)
    const up = { world, a: b, c } as unknown as Call
    expect(brought(up, 'BYE', gruu, `<${BOB}>`)).toEqual(['403'])
    brought(up, 'BYE', gruu, `<${BOB}>;tag=x`)
    expect(bob.requests('BYE')[0]?.requestUri).toBe(`sip:bob@${bob.host}:5060`)
  })
})

describe('StandIns', () => {
  const target = { uri: 'sip:x@y' } as Target
  const dialog = (callId: string, tag = 'b') => ({ callId, to: { params: new Map([['tag', tag]]) } })

  it('remembers no more calls than it may, the oldest goes', () => {
    const ways = new StandIns()
    for (let i = 0; i < 10_001; i++) ways.found(dialog(`call ${i}`), 'aa', target)
    expect(ways.size).toBe(10_000)
    expect(ways.find(dialog('call 0'), 'aa', 'sip:x@y')).toBeUndefined()
    expect(ways.find(dialog('call 1'), 'aa', 'sip:x@z')?.uri).toBe('sip:x@z')
    expect(ways.find(dialog('call 1'), 'bb', 'sip:x@z')).toBeUndefined()
    ways.forget(dialog('call 1'), 'aa')
    expect(ways.find(dialog('call 1'), 'aa', 'sip:x@z')).toBeUndefined()
  })

  it('the two phones of a forked call have a way each, as have two calls of one Call-ID', () => {
    const ways = new StandIns()
    ways.found(dialog('call', 'desk'), 'aa', target)
    expect(ways.find(dialog('call', 'mobile'), 'aa', 'sip:x@y')).toBeUndefined()
    expect(ways.find(dialog('call', 'desk'), 'aa', 'sip:x@y')).toEqual(target)
  })
})
