/** Peer G: calls through a trunk, both ways, and the registration that keeps it up. */
import { describe, expect, it } from 'vitest'
import type { OutsideRules, SipAction, TrunkSettings } from '../../../../src/sip/core/contract.ts'
import { challenge, NonceWindow, verify, digestHash } from '../../../../src/sip/auth/index.ts'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const REALM = 'provider.example'
const SECRET = new Uint8Array(32).fill(9)
const GATEWAY = '10.0.0.9'
const BOB = `bob@${DOMAIN}`

const TRUNK: TrunkSettings = {
  name: 'line',
  uri: `sip:${GATEWAY}`,
  account: { username: 'me', password: 'secret', realm: undefined },
  registration: undefined,
  numbers: new Map(),
  incoming: undefined,
}
const RULES: OutsideRules = {
  routes: [],
  gateway: 'trunk:line',
  telContext: undefined,
  dnsAlso: false,
  forwardToForeign: true,
}

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
  /** The other side of the trunk. */
  readonly gateway: Phone
}

function stage(trunk: Partial<TrunkSettings> = {}, settings: SettingsOverride = {}): Stage {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('+4930123')
  const trunks = [{ ...TRUNK, ...trunk }]
  const node = world.node('192.0.2.1', { outside: RULES, trunks, ...settings }, accounts)
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node)
  bob.registerFully()
  const gateway = world.phone('+4940555', node, { host: GATEWAY, fromDomain: REALM })
  return { world, node, alice, bob, gateway }
}

/** Digest as the other side checks it: a challenge when there are no good credentials. */
class Guard {
  readonly window = new NonceWindow()
  private readonly phone: Phone
  private readonly rules = { realm: REALM, secret: SECRET, algorithms: ['MD5' as const] }

  constructor(phone: Phone) {
    this.phone = phone
  }

  /** True when the request may pass; it has been answered otherwise. */
  admits(request: SipMessage, status: 401 | 407, stale = false): boolean {
    const proxy = status === 407
    const account = { ha1: new Map([['MD5', digestHash('MD5', 'me', REALM, 'secret')]]) }
    const verdict = verify(
      this.phone.world.now,
      {
        method: request.method,
        uri: request.requestUri,
        credentials: request.headers(proxy ? 'proxy-authorization' : 'authorization'),
      },
      this.rules,
      this.window,
      { byName: (name) => (name === 'me' ? account : undefined) },
    )
    if (verdict.kind === 'ok') return true
    this.refuse(request, status, stale)
    return false
  }

  refuse(request: SipMessage, status: 401 | 407, stale = false): void {
    const name = status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
    const values = challenge(this.phone.world.now, this.rules, { stale })
    this.phone.respond(request, status, { extra: values.map((value) => `${name}: ${value}`) })
  }
}

function taken<K extends SipAction['kind']>(node: TestNode, kind: K): Extract<SipAction, { kind: K }>[] {
  return node.actions.filter((action): action is Extract<SipAction, { kind: K }> => action.kind === kind)
}

const NUMBER = `sip:+15551234@${DOMAIN}`

describe('calls through a trunk', () => {
  it.each([401, 407] as const)(
    'S3261-22-01 a %i of the trunk is answered here, the caller hears of the call alone; what follows has credentials at once',
    (status) => {
      const s = stage()
      const guard = new Guard(s.gateway)
      const sent = s.alice.request('INVITE', NUMBER)
      const [first] = s.gateway.requests('INVITE')
      expect(first?.requestUri).toBe(`sip:+15551234@${GATEWAY};user=phone`)
      expect(guard.admits(first!, status)).toBe(false)
      const second = s.gateway.requests('INVITE')[1]!
      expect(guard.admits(second, status)).toBe(true)
      expect(second.topVia.branch).not.toBe(first?.topVia.branch)
      expect(second.cseq.number).toBe(first?.cseq.number)
      s.gateway.respond(second, 200)
      expect(s.alice.statuses('INVITE')).toEqual([100, 200])
      // Inside the dialog and in the next one nobody is asked again.
      s.alice.inDialog('BYE', sent, s.alice.responses('INVITE', 200)[0]!)
      expect(guard.admits(s.gateway.requests('BYE')[0]!, status)).toBe(true)
      s.alice.request('INVITE', NUMBER)
      expect(guard.admits(s.gateway.requests('INVITE')[2]!, status)).toBe(true)
      expect(s.gateway.requests('INVITE')).toHaveLength(3)
    },
  )

  it('S7616-3.3-01 a nonce that is too old is replaced, once', () => {
    const s = stage()
    const guard = new Guard(s.gateway)
    s.alice.request('INVITE', NUMBER)
    guard.refuse(s.gateway.requests('INVITE')[0]!, 407)
    guard.refuse(s.gateway.requests('INVITE')[1]!, 407, true)
    expect(guard.admits(s.gateway.requests('INVITE')[2]!, 407)).toBe(true)
    s.gateway.respond(s.gateway.requests('INVITE')[2]!, 486)
    expect(s.alice.statuses('INVITE')).toEqual([100, 486])
  })

  it.each([401, 407] as const)(
    'S3261-16.10-01 a %i that crosses the CANCEL of its call is no affair of the caller: 487',
    (status) => {
      const s = stage()
      const guard = new Guard(s.gateway)
      const sent = s.alice.request('INVITE', NUMBER)
      const [first] = s.gateway.requests('INVITE')
      s.gateway.respond(first!, 100)
      s.alice.cancel(sent)
      guard.refuse(first!, status)
      expect(s.gateway.requests('INVITE')).toHaveLength(1)
      expect(s.alice.statuses('INVITE')).toEqual([100, 487])
    },
  )

  it('credentials that the trunk does not take are no affair of the caller: 502', () => {
    const s = stage({ account: { username: 'me', password: 'wrong', realm: undefined } })
    const guard = new Guard(s.gateway)
    s.alice.request('INVITE', NUMBER)
    expect(guard.admits(s.gateway.requests('INVITE')[0]!, 407)).toBe(false)
    expect(guard.admits(s.gateway.requests('INVITE')[1]!, 407)).toBe(false)
    expect(s.gateway.requests('INVITE')).toHaveLength(2)
    expect(s.alice.statuses('INVITE')).toEqual([100, 502])
  })

  it('only challenges of its realm are answered, and without an account none: those are for the caller', () => {
    const other = stage({ account: { username: 'me', password: 'secret', realm: 'else.example' } })
    other.alice.request('INVITE', NUMBER)
    new Guard(other.gateway).refuse(other.gateway.requests('INVITE')[0]!, 407)
    expect(other.alice.last().status).toBe(502)
    const open = stage({ account: undefined })
    open.alice.request('INVITE', NUMBER)
    new Guard(open.gateway).refuse(open.gateway.requests('INVITE')[0]!, 407)
    expect(open.alice.last().status).toBe(407)
    expect(open.alice.last().header('proxy-authenticate')).toContain(REALM)
  })

  it('S-24 a challenge of anybody else gets no credentials of ours', () => {
    const s = stage()
    const other = s.world.phone('friend', s.node)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: other.host, port: 5060, transport: 'udp' }],
    })
    s.alice.request('INVITE', 'sip:friend@example.net')
    new Guard(other).refuse(other.requests('INVITE')[0]!, 407)
    expect(other.requests('INVITE')).toHaveLength(1)
    expect(s.alice.last().status).toBe(407)
  })
})

describe('calls of a trunk', () => {
  const RULED = { networks: [`${GATEWAY}/32`] }

  it('reach whom the number means: by the list, as AOR of the number, or whoever takes the rest', () => {
    const s = stage({
      ...RULED,
      numbers: new Map([['+4930777', BOB]]),
      incoming: `alice@${DOMAIN}`,
    })
    s.alice.registerFully()
    const desk = s.world.phone('+4930123', s.node)
    desk.registerFully()
    const call = (uri: string): void => {
      s.gateway.request('INVITE', uri)
    }
    call('sip:+49-30-777@192.0.2.1:5060')
    call(`sip:+4930777@${DOMAIN};user=phone`)
    call('sip:+4930777@provider.example')
    expect(s.bob.requests('INVITE')).toHaveLength(3)
    call('sip:+4930123@192.0.2.1')
    expect(desk.requests('INVITE')).toHaveLength(1)
    call('sip:+4930999@192.0.2.1')
    expect(s.alice.requests('INVITE')).toHaveLength(1)
    call(`sip:bob@${DOMAIN}`)
    expect(s.bob.requests('INVITE')).toHaveLength(4)
  })

  it('nobody has the number: 404, and nothing goes out by another line at our expense', () => {
    const s = stage(RULED)
    s.gateway.request('INVITE', 'sip:+15551234@192.0.2.1')
    expect(s.gateway.last().status).toBe(404)
    s.gateway.request('INVITE', 'sip:friend@example.net')
    expect(s.gateway.last().status).toBe(404)
    s.gateway.request('INVITE', BOB.replace(/^/, 'sip:'), { extra: ['Route: <sip:10.0.0.99;lr>'] })
    expect(s.gateway.last().status).toBe(403)
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
    expect(taken(s.node, 'resolve')).toEqual([])
  })

  it('are believed when they say who calls, and need no digest even in the name of our domain', () => {
    const s = stage({ ...RULED, numbers: new Map([['+4930777', BOB]]) }, { auth: 'digest' })
    const asserted = `<sip:+4940555@${REALM};user=phone>`
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1', {
      from: `<sip:+4940555@${DOMAIN}>`,
      extra: [`P-Asserted-Identity: ${asserted}`],
    })
    expect(s.bob.requests('INVITE')[0]?.values('p-asserted-identity')).toEqual([asserted])
  })

  it('are known by the rule given and by nothing else', () => {
    const s = stage({ networks: ['10.1.0.0/16'], numbers: new Map([['+4930777', BOB]]) })
    s.alice.request('INVITE', NUMBER)
    expect(s.gateway.requests('INVITE')).toHaveLength(1)
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1')
    expect(s.gateway.last().status).toBe(404)
  })

  it('without a rule are known by where requests to the trunk went', () => {
    const s = stage({ numbers: new Map([['+4930777', BOB]]) })
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1')
    expect(s.gateway.last().status).toBe(404)
    s.alice.request('INVITE', NUMBER)
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1')
    expect(s.bob.requests('INVITE')).toHaveLength(1)
    // Another port of that host is somebody else.
    const neighbour = s.world.phone('eve', s.node, { host: GATEWAY, port: 5099, fromDomain: REALM })
    neighbour.request('INVITE', 'sip:+4930777@192.0.2.1')
    expect(neighbour.last().status).toBe(404)
  })
})

describe('a trunk that is registered', () => {
  const REGISTERED: Partial<TrunkSettings> = {
    registration: { user: 'me', expiresS: 600 },
    numbers: new Map([['+4930777', BOB]]),
    incoming: `alice@${DOMAIN}`,
  }

  function registers(s: Stage): SipMessage[] {
    const all = s.gateway.requests('REGISTER')
    return all.filter((each, at) => all.findIndex((one) => one.cseq.number === each.cseq.number) === at)
  }

  function grant(s: Stage, request: SipMessage, expires: number): void {
    s.gateway.respond(request, 200, {
      contact: `${request.header('contact') ?? ''};expires=${expires}`,
    })
  }

  it.each([
    ['is known by its certificate on the connection that this node has opened, too', 'tls', 1],
    ['has proven nothing on a connection without TLS, whatever name this node has asked for', 'tcp', 0],
  ] as const)('S5922-7.3-01 S3261-18.1-04 %s', (_what, transport, calls) => {
    const world = new SipWorld()
    const trunk = { ...TRUNK, ...REGISTERED, uri: `sip:${REALM};transport=${transport}`, identities: [REALM] }
    const accounts = new TestAccounts().add('bob')
    const host = '192.0.2.1'
    const node = world.node(host, { trunks: [trunk], listeners: allListeners(host) }, accounts)
    const bob = world.phone('bob', node)
    bob.register()
    const gateway = world.phone('+4940555', node, {
      host: GATEWAY,
      fromDomain: REALM,
      transport,
      identities: [REALM],
    })
    const { port } = gateway
    node.resolveAnswer = () => ({ ok: true, addresses: [{ host: GATEWAY, port, transport }] })
    world.advance(0)
    gateway.flow = taken(node, 'openFlow')[0]!.flow
    gateway.request('INVITE', `sip:+4930777@${host}`)
    expect(bob.requests('INVITE')).toHaveLength(calls)
  })

  it.each([
    ['before it', '<sip:me@10.9.9.9:5060>;expires=3600, <sip:me@192.0.2.1:5060>;expires=100'],
    ['after it', '<sip:me@192.0.2.1:5060>;expires=100, <sip:me@10.9.9.9:5060>;expires=50'],
    ['and ours is rewritten', '<sip:me@10.9.9.9:5060>;expires=3600, <sip:me@203.0.113.1:61000>;expires=100'],
  ])(
    'S3261-10.2-03 lasts as long as its own Contact, whoever else has registered the line: %s',
    (_where, contact) => {
      const s = stage(REGISTERED)
      s.world.advance(0)
      s.gateway.respond(registers(s)[0]!, 200, { contact })
      s.world.advance(89_999)
      expect(registers(s)).toHaveLength(1)
      s.world.advance(1)
      expect(registers(s)).toHaveLength(2)
    },
  )

  it('S3261-10.2-03 S3261-22-01 registers with digest, again in time, and not at all when this node leaves', () => {
    const s = stage(REGISTERED)
    const guard = new Guard(s.gateway)
    s.world.advance(0)
    const [first] = registers(s)
    expect(first?.requestUri).toBe(`sip:${GATEWAY}`)
    expect(first?.header('to')).toBe(`<sip:me@${GATEWAY}>`)
    expect(first?.header('contact')).toBe('<sip:me@192.0.2.1:5060>')
    expect(first?.header('expires')).toBe('600')
    expect(guard.admits(first!, 401)).toBe(false)
    const second = registers(s)[1]!
    expect(guard.admits(second, 401)).toBe(true)
    expect(second.callId).toBe(first?.callId)
    expect(second.cseq.number).toBe(2)
    grant(s, second, 100)
    expect(s.node.core.snapshot().trunks.get('registered')).toBe(1)
    s.world.advance(89_999)
    expect(registers(s)).toHaveLength(2)
    s.world.advance(1)
    // With credentials at once.
    expect(guard.admits(registers(s)[2]!, 401)).toBe(true)
    grant(s, registers(s)[2]!, 100)
    s.node.input({ kind: 'drain' })
    s.world.settle()
    const last = registers(s)[3]!
    expect(last.header('expires')).toBe('0')
    s.gateway.respond(last, 200)
    s.world.advance(7_200_000)
    expect(registers(s)).toHaveLength(4)
  })

  it('rings for the number in To when it is called by what it has registered', () => {
    const s = stage(REGISTERED)
    s.alice.registerFully()
    s.world.advance(0)
    grant(s, registers(s)[0]!, 600)
    s.gateway.request('INVITE', 'sip:me@192.0.2.1:5060', { to: `<sip:+4930777@${REALM}>` })
    expect(s.bob.requests('INVITE')).toHaveLength(1)
    s.gateway.request('INVITE', 'sip:me@192.0.2.1:5060', { to: `<sip:me@${REALM}>` })
    expect(s.alice.requests('INVITE')).toHaveLength(1)
  })

  it.each<[string, Partial<TrunkSettings>]>([
    ['known by where they are registered', {}],
    ['known by its address', { networks: [`${GATEWAY}/32`] }],
  ])('M-04 one of two at the same provider brings its own calls: %s', (_how, rule) => {
    const first = { ...TRUNK, ...REGISTERED, ...rule }
    const numbers = new Map([['+4930888', `+4930123@${DOMAIN}`]])
    const registration = { user: 'you', expiresS: 600 }
    const second = { ...first, name: 'second', registration, numbers, incoming: `+4930123@${DOMAIN}` }
    const s = stage({}, { trunks: [first, second] })
    s.alice.registerFully()
    const desk = s.world.phone('+4930123', s.node)
    desk.registerFully()
    s.world.advance(0)
    for (const each of s.gateway.requests('REGISTER')) grant(s, each, 600)
    s.gateway.request('INVITE', 'sip:you@192.0.2.1:5060', { to: `<sip:you@${REALM}>` })
    s.gateway.request('INVITE', 'sip:+4930888@192.0.2.1:5060')
    expect(desk.requests('INVITE')).toHaveLength(2)
    s.gateway.request('INVITE', 'sip:me@192.0.2.1:5060', { to: `<sip:me@${REALM}>` })
    expect(s.alice.requests('INVITE')).toHaveLength(1)
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1:5060')
    expect(s.bob.requests('INVITE')).toHaveLength(1)
  })

  it('S3261-22-01 one of two at the same provider speaks for itself in its calls, too', () => {
    const challenged = (s: Stage): string | undefined => {
      const extra = [`Proxy-Authenticate: Digest realm="${REALM}", nonce="n1", qop="auth"`]
      s.gateway.respond(s.gateway.requests('BYE').at(-1)!, 407, { extra })
      const again = s.gateway.requests('BYE').at(-1)!
      return /username="(\w+)"/.exec(again.header('proxy-authorization') ?? '')?.[1]
    }
    const first = { ...TRUNK, ...REGISTERED }
    const account = { username: 'you', password: 'other', realm: undefined }
    const registration = { user: 'you', expiresS: 600 }
    const second = { ...first, name: 'second', account, registration, incoming: `+4930123@${DOMAIN}` }
    const s = stage({}, { trunks: [first, second], outside: { ...RULES, gateway: 'trunk:second' } })
    const desk = s.world.phone('+4930123', s.node)
    desk.registerFully()
    s.world.advance(0)
    for (const each of s.gateway.requests('REGISTER')) grant(s, each, 600)
    const sent = s.alice.request('INVITE', NUMBER)
    s.gateway.respond(s.gateway.requests('INVITE')[0]!, 200)
    s.alice.inDialog('BYE', sent, s.alice.last())
    expect(challenged(s)).toBe('you')
    s.gateway.request('INVITE', 'sip:you@192.0.2.1:5060', { to: `<sip:you@${REALM}>` })
    const invite = desk.requests('INVITE')[0]!
    desk.respond(invite, 200)
    desk.fromCallee('BYE', invite)
    expect(challenged(s)).toBe('you')
  })

  it('M-04 is told from a user where this node goes by the name of its domain', () => {
    for (const [user, rings] of [['me', 'bob'] as const, ['alice', 'alice'] as const]) {
      const s = stage({ ...REGISTERED, registration: { user, expiresS: 600 } })
      s.alice.registerFully()
      s.world.advance(0)
      grant(s, registers(s)[0]!, 600)
      s.gateway.request('INVITE', `sip:${user}@${DOMAIN}:5060`, { to: `<sip:+4930777@${REALM}>` })
      expect(s.bob.requests('INVITE')).toHaveLength(rings === 'bob' ? 1 : 0)
      expect(s.alice.requests('INVITE')).toHaveLength(rings === 'alice' ? 1 : 0)
    }
  })

  it('S3261-11-01 is up when this node says so, whether or not the phone that takes its calls is there', () => {
    const s = stage(REGISTERED)
    s.alice.registerFully()
    s.world.advance(0)
    grant(s, registers(s)[0]!, 600)
    s.gateway.request('OPTIONS', 'sip:me@192.0.2.1:5060')
    expect(s.gateway.last().status).toBe(200)
    expect(s.alice.requests('OPTIONS')).toHaveLength(0)
    s.gateway.request('OPTIONS', 'sip:+4930777@192.0.2.1:5060')
    expect(s.bob.requests('OPTIONS')).toHaveLength(1)
  })

  it('S3261-10.3-12 asks for longer when the registrar wants that', () => {
    const s = stage(REGISTERED)
    s.world.advance(0)
    s.gateway.respond(registers(s)[0]!, 423, { extra: ['Min-Expires: 1800'] })
    expect(registers(s)[1]?.header('expires')).toBe('1800')
    s.gateway.respond(registers(s)[1]!, 423, { extra: ['Min-Expires: 99999999'] })
    expect(registers(s)).toHaveLength(2)
    expect(s.node.core.snapshot().trunks.get('failed')).toBe(1)
  })

  it('tries again after failures: soon when it failed, late when it was refused, when it was asked to', () => {
    const s = stage(REGISTERED)
    const answers: [number, readonly string[]][] = [
      [500, []],
      [500, []],
      [403, []],
      [503, ['Retry-After: 900']],
    ]
    const times: number[] = []
    s.gateway.onMessage = (message) => {
      if (message.method !== 'REGISTER' || !message.isRequest) return
      times.push(s.world.now.ms)
      const [status, extra] = answers[times.length - 1] ?? [200, []]
      s.gateway.respond(message, status, { extra })
    }
    s.world.advance(3_000_000)
    const pauses = times.slice(1, 5).map((time, index) => time - (times[index] ?? 0))
    const between = (pause: number | undefined, least: number, most: number): void => {
      expect(pause).toBeGreaterThanOrEqual(least)
      expect(pause).toBeLessThanOrEqual(most)
    }
    between(pauses[0], 15_000, 30_000)
    between(pauses[1], 30_000, 60_000)
    between(pauses[2], 300_000, 600_000)
    between(pauses[3], 900_000, 900_000)
    expect(s.node.core.snapshot().trunks.get('registered')).toBe(1)
  })

  describe('at one of several servers that know nothing of each other’s nonces', () => {
    /** DNS names them in another order each time. */
    function several(s: Stage): [Phone, Phone] {
      const other = s.world.phone('other', s.node)
      const addresses = [s.gateway, other].map(({ host }) => ({
        host,
        port: 5060,
        transport: 'udp' as const,
      }))
      s.node.resolveAnswer = () => ({ ok: true, addresses: [...addresses.reverse()] })
      return [s.gateway, other]
    }

    it('S3261-22-01 S3261-10.2-03 the REGISTER with credentials goes to the one that has asked for them', () => {
      const s = stage({ ...REGISTERED, uri: 'sip:provider.example' })
      const [gateway, other] = several(s)
      s.world.advance(0)
      const guard = new Guard(other)
      expect(guard.admits(other.requests('REGISTER')[0]!, 401)).toBe(false)
      expect(gateway.requests('REGISTER')).toHaveLength(0)
      expect(guard.admits(other.requests('REGISTER')[1]!, 401)).toBe(true)
    })

    it('S3261-22-01 S3263-4.3-01 what the next one asks is no refusal of what the first was answered', () => {
      const s = stage({ ...REGISTERED, uri: 'sip:provider.example' })
      const [gateway, other] = several(s)
      s.world.advance(0)
      new Guard(other).refuse(other.requests('REGISTER')[0]!, 401)
      other.respond(other.requests('REGISTER')[1]!, 503)
      const guard = new Guard(gateway)
      guard.refuse(gateway.requests('REGISTER')[0]!, 401)
      expect(guard.admits(gateway.requests('REGISTER')[1]!, 401)).toBe(true)
      grant(s, gateway.requests('REGISTER')[1]!, 600)
      expect(s.node.core.snapshot().trunks.get('registered')).toBe(1)
    })

    it('S3261-22-01 S3263-4.3-01 nor is it for a call', () => {
      const s = stage({ uri: 'sip:provider.example' })
      const [gateway, other] = several(s)
      s.alice.request('INVITE', NUMBER)
      new Guard(other).refuse(other.requests('INVITE')[0]!, 407)
      other.respond(other.requests('INVITE')[1]!, 503)
      const guard = new Guard(gateway)
      guard.refuse(gateway.requests('INVITE')[0]!, 407)
      expect(guard.admits(gateway.requests('INVITE')[1]!, 407)).toBe(true)
      gateway.respond(gateway.requests('INVITE')[1]!, 200)
      expect(s.alice.statuses('INVITE')).toEqual([100, 200])
    })
  })

  it('S3263-4.3-01 goes to the next address when one is silent or says 503', () => {
    const s = stage({ ...REGISTERED, uri: 'sip:provider.example' })
    const other = s.world.phone('other', s.node)
    const third = s.world.phone('third', s.node)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [s.gateway, other, third].map(({ host }) => ({
        host,
        port: 5060,
        transport: 'udp' as const,
      })),
    })
    s.gateway.drop = true
    s.world.advance(3_999)
    expect(other.requests('REGISTER')).toHaveLength(0)
    s.world.advance(1)
    other.respond(other.requests('REGISTER')[0]!, 503)
    expect(third.requests('REGISTER')).toHaveLength(1)
    third.respond(third.requests('REGISTER')[0]!, 200)
    expect(s.node.core.snapshot().trunks.get('registered')).toBe(1)
  })
})

describe('calls of a trunk for users of other nodes', () => {
  it('M-20 go there by their AOR: the number in the Request-URI means nothing to that node', () => {
    const s = stage({ networks: [GATEWAY], numbers: new Map([['+4930777', `carol@${DOMAIN}`]]) })
    const far = s.world.node('192.0.2.2', {}, new TestAccounts().add('carol'))
    const carol = s.world.phone('carol', far)
    carol.registerFully()
    s.gateway.request('INVITE', 'sip:+4930777@192.0.2.1:5060')
    expect(carol.requests('INVITE')).toHaveLength(1)
    const sent = s.node.actions.flatMap((action) =>
      action.kind === 'sendFlow' ? [Buffer.from(action.bytes).toString('latin1')] : [],
    )
    expect(sent.find((text) => text.startsWith('INVITE'))).toContain(`INVITE sip:carol@${DOMAIN} SIP/2.0`)
  })
})
