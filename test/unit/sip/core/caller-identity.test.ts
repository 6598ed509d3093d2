import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type RequestInit,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const ALICE_ASSERTED = `<sip:alice@${DOMAIN}>`
const LIES = [
  `P-Asserted-Identity: "The Bank" <sip:bank@${DOMAIN}>`,
  `P-Preferred-Identity: <sip:bank@${DOMAIN}>`,
  `Remote-Party-ID: "The Bank" <sip:bank@${DOMAIN}>;party=calling`,
]

/** P-Asserted-Identity, P-Preferred-Identity and Remote-Party-ID of a message. */
function identityOf(message: SipMessage | undefined): string[] {
  expect(message).toBeDefined()
  return ['p-asserted-identity', 'p-preferred-identity', 'remote-party-id'].flatMap((name) =>
    message!.headers(name),
  )
}

describe('a phone of this node calls', () => {
  interface Setup {
    readonly world: SipWorld
    readonly node: TestNode
    readonly alice: Phone
    readonly bob: Phone
  }

  function setUp(auth: 'digest' | 'none' = 'digest', override: SettingsOverride = {}): Setup {
    const world = new SipWorld()
    const accounts = new TestAccounts()
      .add('alice', { aors: [`alice@${DOMAIN}`, `desk@${DOMAIN}`] })
      .add('bob')
    const node = world.node('192.0.2.1', { auth, ...override }, accounts)
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    expect(alice.registerFully().status).toBe(200)
    expect(bob.registerFully().status).toBe(200)
    return { world, node, alice, bob }
  }

  /** What Bob's phone is told when Alice calls. */
  function called(s: Setup, init: RequestInit = {}): string[] {
    const sent = s.alice.request('INVITE', BOB, init)
    if (s.alice.last().status === 407) s.alice.authenticate(sent, s.alice.last())
    return identityOf(s.bob.requests('INVITE').at(-1))
  }

  it('M-22 S3325-01 S-AU-02 the identity is the one that was proven, whatever the phone says', () => {
    const s = setUp()
    expect(called(s)).toEqual([ALICE_ASSERTED])
    expect(called(s, { extra: LIES })).toEqual([ALICE_ASSERTED])
    expect(called(s, { extra: [`P-Asserted-Identity: ${ALICE_ASSERTED}, <tel:+15551234>`] })).toEqual([
      ALICE_ASSERTED,
    ])
  })

  it('M-22 S3325-01 a phone may assert another AOR of its own account', () => {
    const own = `"Desk" <sip:desk@${DOMAIN}>`
    expect(called(setUp(), { extra: [`P-Asserted-Identity: ${own}`, ...LIES.slice(1)] })).toEqual([own])
  })

  describe('anonymously', () => {
    const PREFERRED = [`P-Preferred-Identity: <sip:desk@${DOMAIN}>`]

    it.each([
      '"Anonymous" <sip:anonymous@anonymous.invalid>',
      `"Anonymous" <sip:anonymous@${DOMAIN}>`,
      '<sip:c8oqz84zk7z@anonymous.invalid>',
    ])('S3325-01 S-AU-02 with From %s and credentials it is one of ours, and nobody learns who', (from) => {
      const s = setUp()
      const known = s.alice.request('INVITE', BOB)
      const challenge = s.alice.last()
      s.alice.authenticate({ ...known, init: { from, extra: PREFERRED } }, challenge)
      expect(s.alice.statuses('INVITE')).not.toContain(403)
      expect(identityOf(s.bob.requests('INVITE').at(-1))).toEqual([])
      expect(s.bob.requests('INVITE').at(-1)?.header('from')).toContain(from)
    })

    it('S3325-01 S-24 who wants to call outside is asked for credentials, and then named to trusted hosts', () => {
      const s = setUp()
      const gateway = s.world.phone('gateway', s.node)
      s.node.resolveAnswer = () => ({
        ok: true,
        addresses: [{ host: gateway.host, port: 5060, transport: 'udp' }],
      })
      const from = '<sip:anonymous@anonymous.invalid>'
      const sent = s.alice.request('INVITE', 'sip:+1555@example.net', { from, extra: PREFERRED })
      expect(s.alice.last().status).toBe(407)
      s.alice.authenticate(sent, s.alice.last())
      expect(identityOf(gateway.requests('INVITE')[0])).toEqual([])
      // Wrong credentials open nothing, and are asked for once more.
      const wrong = `Proxy-Authorization: Digest username="alice", realm="${DOMAIN}", nonce="x", uri="sip:x", response="0"`
      s.alice.request('INVITE', 'sip:+1555@example.net', { from, extra: [wrong] })
      expect(s.alice.last().status).toBe(407)
      expect(gateway.requests('INVITE')).toHaveLength(1)
    })

    it('S3325-01 where strangers are refused, or a gateway is for the number, it is asked as well', () => {
      const from = '<sip:anonymous@anonymous.invalid>'
      const closed = setUp('digest', { policy: { callOutside: 'all', strangers: 'refuse' } })
      const sent = closed.alice.request('INVITE', BOB, { from })
      expect(closed.alice.last().status).toBe(407)
      closed.alice.authenticate(sent, closed.alice.last())
      expect(closed.bob.requests('INVITE')).toHaveLength(1)
      closed.alice.request('INVITE', BOB, { from: '<sip:x@example.net>' })
      expect(closed.alice.last().status).toBe(403)
      const open = setUp('digest', {
        outside: {
          routes: [],
          gateway: 'sip:10.0.0.200:5060',
          telContext: undefined,
          dnsAlso: false,
          forwardToForeign: true,
        },
      })
      open.alice.request('INVITE', `sip:+49301234@${DOMAIN}`, { from })
      expect(open.alice.last().status).toBe(407)
    })

    it('S-24 a stranger stays one: our users are called, and nobody outside', () => {
      const s = setUp()
      const from = '<sip:anonymous@anonymous.invalid>'
      s.alice.request('INVITE', BOB, { from })
      expect(identityOf(s.bob.requests('INVITE')[0])).toEqual([])
    })
  })

  it('S3325-01 who asks for privacy is not named', () => {
    const s = setUp()
    expect(called(s, { extra: ['Privacy: critical; ID'] })).toEqual([])
    expect(called(s, { extra: ['Privacy: none', `P-Asserted-Identity: ${ALICE_ASSERTED}`] })).toHaveLength(1)
  })

  it('S3325-01 where nobody has to prove anything nothing is asserted', () => {
    expect(called(setUp('none'), { extra: LIES })).toEqual([])
  })

  it('S3325-01 the message is spliced: everything else stays as it came, body included', () => {
    const s = setUp()
    const sent = s.alice.request('MESSAGE', BOB, { extra: ['X-First: 1', LIES[0]!, 'X-Last: 2'], body: 'hi' })
    s.alice.authenticate(sent, s.alice.last())
    const message = s.bob.requests('MESSAGE')[0]!
    expect([message.header('x-first'), message.header('x-last')]).toEqual(['1', '2'])
    expect(Buffer.from(message.body).toString()).toBe('hi')
  })

  it('S3325-01 inside a dialog and in responses nobody proves anything, so nobody is named', () => {
    const s = setUp()
    const sent = s.alice.request('INVITE', BOB)
    s.alice.authenticate(sent, s.alice.last())
    const invite = s.bob.requests('INVITE')[0]!
    s.bob.respond(invite, 180, { extra: LIES })
    s.bob.respond(invite, 200, { extra: LIES })
    const ok = s.alice.responses('INVITE', 200)[0]!
    expect(identityOf(s.alice.responses('INVITE', 180)[0])).toEqual([])
    expect(identityOf(ok)).toEqual([])
    s.alice.inDialog('ACK', sent, ok, { extra: LIES })
    s.alice.inDialog('INFO', sent, ok, { extra: LIES })
    expect(identityOf(s.bob.requests('ACK')[0])).toEqual([])
    expect(identityOf(s.bob.requests('INFO')[0])).toEqual([])
  })

  it('M-22 S3325-01 a stranger is nobody, though he may call', () => {
    const s = setUp()
    const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
    eve.request('INVITE', BOB, { extra: LIES })
    expect(identityOf(s.bob.requests('INVITE')[0])).toEqual([])
  })
})

describe('a peer brings a call', () => {
  interface Pair {
    readonly world: SipWorld
    readonly b: TestNode
    /** A MESSAGE from Alice's node to Bob's; what Bob's phone is told. */
    send(extra: readonly string[], from?: string): string[]
    /** How often Bob's node has asked who may speak for whom. */
    asked(): number
  }

  function pair(override: Parameters<SipWorld['node']>[1] = {}, user?: string): Pair {
    const world = new SipWorld()
    const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
    const a = world.node('192.0.2.1', {}, accounts())
    const b = world.node('192.0.2.2', override, accounts())
    world.phone('alice', a).registerFully()
    const bob = world.phone('bob', b)
    bob.registerFully()
    bob.onMessage = (message) => {
      if (message.method === 'MESSAGE') bob.respond(message, 200)
    }
    const flow = world.join(a, b).b
    if (user !== undefined) b.input({ kind: 'peerFlowUp', flow, peer: a.hex, secure: false, user })
    let count = 0
    const send = (extra: readonly string[], from = `<sip:alice@${DOMAIN}>`): string[] => {
      const lines = [
        `MESSAGE ${BOB} SIP/2.0`,
        `Via: SIP/2.0/TLS ${a.hex}.${DOMAIN};branch=z9hG4bKpeer${++count}`,
        'Max-Forwards: 70',
        `From: ${from};tag=1`,
        `To: <${BOB}>`,
        `Call-ID: from-a-peer-${count}`,
        'CSeq: 1 MESSAGE',
        ...extra,
        'Content-Length: 0',
      ]
      b.input({ kind: 'flowData', flow, bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1') })
      world.settle()
      const told = bob.requests('MESSAGE')
      expect(told).toHaveLength(count)
      return identityOf(told.at(-1))
    }
    const asked = (): number => b.actions.filter((action) => action.kind === 'verifyCaller').length
    return { world, b, send, asked }
  }

  const TRUE = [`P-Asserted-Identity: ${ALICE_ASSERTED}`]

  it('M-22 the first call does not wait for the proof and goes without a name, the next ones have it', () => {
    const p = pair()
    expect(p.send(TRUE)).toEqual([])
    expect(p.send(TRUE)).toEqual([ALICE_ASSERTED])
    expect(p.send([...TRUE, ...LIES.slice(1)])).toEqual([ALICE_ASSERTED])
    expect(p.asked()).toBe(1)
    p.world.advance(301_000)
    expect(p.send(TRUE)).toEqual([])
    expect(p.asked()).toBe(2)
  })

  it('M-22 a peer that no registration of the user names is not believed, and is not asked about at every call', () => {
    const p = pair()
    p.b.callerAnswer = () => ({ verified: false, validMs: 30_000 })
    for (let i = 0; i < 5; i++) expect(p.send(TRUE)).toEqual([])
    expect(p.asked()).toBe(1)
    p.world.advance(31_000)
    p.b.callerAnswer = undefined
    p.send(TRUE)
    expect(p.send(TRUE)).toEqual([ALICE_ASSERTED])
  })

  it('M-22 who may speak for one user may not speak for another', () => {
    const p = pair()
    p.send(TRUE)
    expect(p.send(TRUE)).toEqual([ALICE_ASSERTED])
    expect(p.send(LIES)).toEqual([])
    expect(p.send([...TRUE, LIES[0]!])).toEqual([])
    expect(p.send([LIES[0]!], `<sip:bank@${DOMAIN}>`)).toEqual([])
    expect(p.send([LIES[0]!], `<sip:bank@${DOMAIN}>`)).toEqual([])
    expect(p.send(['P-Asserted-Identity: <sip:x@example.org>'], '<sip:x@example.org>')).toEqual([])
  })

  it('M-22 nothing is asked where there is no identity to keep', () => {
    const p = pair()
    p.send([])
    p.send(LIES)
    p.send([...TRUE, 'Privacy: id'])
    p.send(['P-Asserted-Identity: <tel:+15551234>'])
    expect(p.asked()).toBe(0)
  })

  it('M-22 the user whom the certificate of the peer names needs no question', () => {
    const p = pair({}, `alice@${DOMAIN}`)
    expect(p.send(TRUE)).toEqual([ALICE_ASSERTED])
    expect(p.asked()).toBe(0)
  })

  it('M-22 verifyCaller off believes peers', () => {
    const p = pair({ verifyCaller: 'off' })
    // P-Preferred-Identity is a wish, which nobody passes on (RFC 3325 s.9.2).
    expect(p.send(LIES)).toEqual([LIES[0], LIES[2]].map((line) => line!.slice(line!.indexOf(':') + 2)))
    expect(p.asked()).toBe(0)
  })

  it('M-22 made-up callers cost no more than a hundred open questions, and lost answers hold nothing', () => {
    const p = pair()
    p.b.callerAnswer = () => undefined
    const claim = (i: number): string[] =>
      p.send([`P-Asserted-Identity: <sip:u${i}@${DOMAIN}>`], `<sip:u${i}@${DOMAIN}>`)
    for (let i = 0; i < 150; i++) claim(i)
    expect(p.asked()).toBe(100)
    p.world.advance(60_000)
    claim(200)
    expect(p.asked()).toBe(101)
  })
})
