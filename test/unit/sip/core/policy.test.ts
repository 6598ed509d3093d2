import { describe, expect, it } from 'vitest'
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
const OUTSIDE = 'sip:carol@203.0.113.9'

interface Setup {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

function setUp(override: SettingsOverride = {}, may?: boolean): Setup {
  const world = new SipWorld()
  const accounts = new TestAccounts()
    .add('alice', may === undefined ? {} : { mayCallOutside: may })
    .add('bob')
  const node = world.node('192.0.2.1', { auth: 'digest', ...override }, accounts)
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node)
  expect(bob.registerFully().status).toBe(200)
  return { world, node, alice, bob }
}

/** Sends, answers a challenge, and gives the first final status; 0 when the request has been passed on. */
function status({ alice }: Setup, uri: string, init: RequestInit = {}): number {
  const sent = alice.request('MESSAGE', uri, init)
  if (alice.statuses('MESSAGE').at(-1) !== 407) return alice.statuses('MESSAGE').at(-1) ?? 0
  const before = alice.statuses('MESSAGE').length
  alice.authenticate(sent, alice.last())
  return alice.statuses('MESSAGE')[before] ?? 0
}

describe('credentials on their way', () => {
  it('S3261-22-03 those for our realm end here; those for others go on, whatever they look like', () => {
    const s = setUp()
    const kept = [
      'Digest username="x", realm="elsewhere", nonce="1", uri="sip:x", response="2"',
      `Digest username="x", realm="else", opaque="realm=\\"${DOMAIN}\\"", nonce="1", uri="sip:x", response="2"`,
      'Basic eDp5',
    ]
    const sent = s.alice.request('INVITE', BOB)
    s.alice.authenticate(
      { ...sent, init: { extra: kept.map((value) => `Proxy-Authorization: ${value}`) } },
      s.alice.responses('INVITE', 407)[0]!,
    )
    expect(s.bob.requests('INVITE')[0]!.headers('proxy-authorization')).toEqual(kept)
  })
})

describe('who may call outside', () => {
  it.each([
    ['all', undefined, 0],
    ['all', false, 403],
    ['listed', undefined, 403],
    ['listed', true, 0],
    ['none', true, 403],
  ] as const)('S-24 callOutside %s, account %s: %s', (callOutside, may, expected) => {
    const s = setUp({ policy: { callOutside, strangers: 'allow' } }, may)
    expect(status(s, OUTSIDE)).toBe(expected)
    // Users of the domain are inside, whoever calls.
    expect(status(s, BOB)).toBe(0)
    expect(s.bob.requests('MESSAGE')).toHaveLength(1)
  })

  it('S-24 a preloaded Route is no way around it', () => {
    const s = setUp({ policy: { callOutside: 'none', strangers: 'allow' } })
    expect(status(s, BOB, { extra: ['Route: <sip:203.0.113.9;lr>'] })).toBe(403)
  })

  it('S-24 a route of a call that came from outside is no way out again, whoever has it', () => {
    const s = setUp({ policy: { callOutside: 'none', strangers: 'allow' } })
    const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
    eve.request('INVITE', BOB)
    const invite = s.bob.requests('INVITE')[0]!
    s.bob.respond(invite, 200)
    const routes = invite.values('record-route').map((route) => `Route: ${route}`)
    // The route of that very call, and no call that it belongs to.
    for (const method of ['INVITE', 'MESSAGE', 'REFER']) {
      s.bob.request(method, 'sip:+900555@10.0.0.99', { callId: invite.callId, extra: routes })
      expect(s.bob.last().status).toBe(403)
      expect(eve.requests(method)).toHaveLength(0)
    }
    s.bob.fromCallee('BYE', invite)
    expect(eve.requests('BYE')).toHaveLength(1)
  })

  it('S-24 nor is a Route to another node of the overlay, which may let calls out', () => {
    const barred = setUp({ policy: { callOutside: 'none', strangers: 'allow' } })
    const open = setUp()
    for (const [s, asked] of [
      [barred, 0],
      [open, 1],
    ] as const) {
      const exit = s.world.node('192.0.2.2', {}, new TestAccounts())
      const extra = [`Route: <sip:${exit.hex}.${DOMAIN};lr>`]
      expect(status(s, OUTSIDE, { extra })).toBe(403)
      expect(s.node.actions.filter(({ kind }) => kind === 'openPeerFlow')).toHaveLength(asked)
    }
  })

  it('S-24 nor is a Contact elsewhere, of who may not call there: calls to him go back to where he registered from', () => {
    for (const [may, rung] of [
      [undefined, 0],
      [true, 1],
    ] as const) {
      const s = setUp({ policy: { callOutside: 'listed', strangers: 'allow' } }, may)
      const gateway = s.world.phone('gateway', s.node, { host: '203.0.113.9' })
      expect(s.alice.registerFully({ contact: '<sip:+900555@203.0.113.9>' }).status).toBe(200)
      s.bob.authenticate(s.bob.request('MESSAGE', `sip:alice@${DOMAIN}`), s.bob.last())
      expect(gateway.requests('MESSAGE')).toHaveLength(rung)
      expect(s.alice.requests('MESSAGE')).toHaveLength(1 - rung)
    }
  })

  it('S-24 without digest nobody is listed', () => {
    const s = setUp({ auth: 'none', policy: { callOutside: 'listed', strangers: 'allow' } }, true)
    expect(status(s, OUTSIDE)).toBe(403)
  })

  it('strangers are kept out where the operator says so; users of the domain are not', () => {
    const s = setUp({ policy: { callOutside: 'all', strangers: 'refuse' } })
    const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
    eve.request('INVITE', BOB)
    expect(eve.statuses('INVITE')).toEqual([403])
    expect(status(s, BOB)).toBe(0)
  })
})

describe('trusted sources', () => {
  const TRUSTED = { networks: ['10.0.0.3'], mayCallOutside: false }
  const ASSERTED = ['P-Asserted-Identity: "Carol" <sip:carol@example.org>, <tel:+15551234>']

  /** A proxy at 10.0.0.3 that speaks for a user of ours. */
  function withProxy(override: SettingsOverride = {}): Setup & { readonly proxy: Phone } {
    const s = setUp({ trusted: [TRUSTED], ...override })
    return { ...s, proxy: s.world.phone('carol', s.node) }
  }

  it('S3325-01 are not challenged, and what they assert is passed on', () => {
    const s = withProxy()
    s.proxy.request('INVITE', BOB, { extra: [...ASSERTED, 'P-Preferred-Identity: <sip:x@example.org>'] })
    const invite = s.bob.requests('INVITE')[0]!
    expect(invite.header('p-asserted-identity')).toBe('"Carol" <sip:carol@example.org>, <tel:+15551234>')
    expect(invite.has('p-preferred-identity')).toBe(false)
  })

  it('S3325-01 RFC 3325 s.9.3: with id privacy the name stops here, since phones are not trusted', () => {
    const s = withProxy()
    s.proxy.request('INVITE', BOB, { extra: [...ASSERTED, 'Privacy: id;critical'] })
    const invite = s.bob.requests('INVITE')[0]!
    expect(invite.has('p-asserted-identity')).toBe(false)
    expect(invite.header('privacy')).toBe('id;critical')
  })

  it('S3325-01 a caller who asks for privacy is named to a trusted next hop', () => {
    const s = withProxy()
    status(s, 'sip:carol@10.0.0.3:5060', { extra: ['Privacy: id'] })
    expect(s.proxy.requests('MESSAGE')[0]!.header('p-asserted-identity')).toBe(`<sip:alice@${DOMAIN}>`)
    const other = s.world.phone('dave', s.node)
    status(s, `sip:dave@${other.host}:5060`, { extra: ['Privacy: id'] })
    expect(other.requests('MESSAGE')[0]!.has('p-asserted-identity')).toBe(false)
  })

  it('S3325-01 what a trusted side asserts in its answer reaches the caller, unless it asks for privacy', () => {
    const s = withProxy()
    const sent = s.alice.request('INVITE', 'sip:carol@10.0.0.3:5060')
    s.alice.authenticate(sent, s.alice.last())
    const invite = s.proxy.requests('INVITE')[0]!
    s.proxy.respond(invite, 180, { extra: [...ASSERTED, 'Privacy: id'] })
    s.proxy.respond(invite, 200, { extra: ASSERTED })
    expect(s.alice.responses('INVITE', 180)[0]!.has('p-asserted-identity')).toBe(false)
    expect(s.alice.responses('INVITE', 200)[0]!.has('p-asserted-identity')).toBe(true)
  })

  it('S-24 may have requests forwarded to other domains only where that is said', () => {
    const shut = withProxy()
    shut.proxy.request('MESSAGE', OUTSIDE)
    expect(shut.proxy.statuses('MESSAGE')).toEqual([403])
    const open = withProxy({ trusted: [{ ...TRUSTED, mayCallOutside: true }] })
    open.proxy.request('MESSAGE', OUTSIDE)
    expect(open.proxy.statuses('MESSAGE')).toEqual([])
  })

  it('S-28 registers nobody: REGISTER is challenged all the same', () => {
    const s = withProxy()
    s.proxy.request('REGISTER', `sip:${DOMAIN}`, { to: `<${BOB}>`, from: `<${BOB}>` })
    expect(s.proxy.statuses('REGISTER')).toEqual([401])
  })

  it('S-44 are never throttled', () => {
    const perSource = { requests: { perSecond: 1, burst: 2 }, strangers: { perSecond: 1, burst: 2 } }
    const { limits } = {
      limits: { headBytesMax: 65_536, headersMax: 256, viaMax: 70, bodyBytesMax: 262_144 },
    }
    const s = withProxy({
      limits: { ...limits, transactionsMax: 10_000, flowsMax: 10, authFailuresMax: 5, perSource },
    })
    const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
    for (let i = 0; i < 10; i++) {
      s.proxy.request('MESSAGE', BOB)
      eve.request('MESSAGE', BOB)
    }
    expect(s.bob.requests('MESSAGE').filter((m) => m.header('from')!.includes('carol'))).toHaveLength(10)
    expect(s.bob.requests('MESSAGE').filter((m) => m.header('from')!.includes('eve'))).toHaveLength(2)
  })
})

describe('a TLS certificate instead of credentials', () => {
  const certified = (s: Setup, user: string, identities: readonly string[]): Phone =>
    s.world.phone(user, s.node, { transport: 'tcp', identities })

  it('S-AU-02 a phone whose certificate names a hosted user registers and calls without a challenge', () => {
    const s = setUp()
    const phone = certified(s, 'alice', ['sip:alice@DHT.example.com', 'phone7.example.com'])
    phone.register()
    expect(phone.statuses('REGISTER')).toEqual([200])
    phone.request('INVITE', BOB)
    const invite = s.bob.requests('INVITE')[0]!
    expect(invite.header('p-asserted-identity')).toBe(`<sip:alice@${DOMAIN}>`)
  })

  it('S-AU-02 S-28 it proves that user and nobody else', () => {
    const s = setUp()
    const phone = certified(s, 'bob', [`sip:alice@${DOMAIN}`])
    phone.register()
    phone.request('MESSAGE', BOB)
    expect(phone.statuses('REGISTER')).toEqual([401])
    expect(phone.statuses('MESSAGE')).toEqual([407])
    const asAlice = certified(s, 'alice', [`sip:alice@${DOMAIN}`])
    asAlice.request('REGISTER', `sip:${DOMAIN}`, { to: `<${BOB}>` })
    expect(asAlice.statuses('REGISTER')).toEqual([403])
  })

  it.each([[DOMAIN], [`sip:${DOMAIN}`], ['sip:nobody@dht.example.com'], ['alice@dht.example.com']])(
    'S-AU-02 %s names no user here: digest as ever',
    (identity) => {
      const phone = certified(setUp(), 'alice', [identity])
      phone.register()
      expect(phone.statuses('REGISTER')).toEqual([401])
      expect(phone.registerFully().status).toBe(200)
    },
  )

  it('S3325-01 a trusted source may be known by its certificate, on whatever address it is', () => {
    const s = setUp({ trusted: [{ identities: ['sip:pbx.example.org'], mayCallOutside: true }] })
    const pbx = certified(s, 'carol', ['pbx.example.org'])
    pbx.request('MESSAGE', OUTSIDE)
    expect(pbx.statuses('MESSAGE')).toEqual([])
    const other = certified(s, 'carol', ['other.example.org'])
    other.request('MESSAGE', OUTSIDE)
    expect(other.statuses('MESSAGE')).toEqual([407])
  })
})
