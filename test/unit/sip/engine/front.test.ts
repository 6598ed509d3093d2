import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/common/random.ts'
import type { Decision } from '../../../../src/sip/engine/index.ts'
import { DRACHTIO_CAPABILITIES, EMBEDDED_CAPABILITIES, frontUri } from '../../../../src/sip/engine/index.ts'
import { NO_OUTSIDE_RULES } from '../../../../src/sip/proxy/index.ts'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import { FRONT_LISTENER } from '../../../../src/sip/transaction/index.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
/** Where the engine takes SIP; the first phone of a world has this address. */
const ENGINE = { host: '10.0.0.1', port: 5060 }

interface Asking {
  readonly from?: string
  readonly host?: string
  readonly transport?: 'udp' | 'tcp' | 'tls' | 'ws'
  readonly contact?: string
  readonly extra?: readonly string[]
  readonly via?: string
}

/** Asks as the engine does; what it would send goes nowhere. */
class Engine {
  readonly node: TestNode
  readonly phone: Phone
  private id = 0
  private readonly world: SipWorld

  constructor(world: SipWorld, override: SettingsOverride = {}, accounts = hosted()) {
    this.world = world
    this.node = world.node(
      '192.0.2.1',
      { front: { ...ENGINE, capabilities: DRACHTIO_CAPABILITIES }, ...override },
      accounts,
    )
    // Requests of the node to the engine end here.
    this.phone = world.phone('engine', this.node)
    this.node.input({ kind: 'frontUp', addresses: [{ host: '203.0.113.9', port: 5060 }] })
  }

  get lastId(): number {
    return this.id
  }

  ask(method: string, uri: string, asking: Asking = {}): Decision | undefined {
    const host = asking.host ?? '10.9.9.9'
    const user = asking.from ?? 'alice'
    const id = ++this.id
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: ${asking.via ?? `SIP/2.0/UDP ${host}:5060;branch=z9hG4bK${id}`}`,
      'Max-Forwards: 70',
      `From: <sip:${user}@${DOMAIN}>;tag=f`,
      `To: <${method === 'REGISTER' ? `sip:${user}@${DOMAIN}` : uri}>`,
      `Call-ID: call-${id}`,
      `CSeq: ${id} ${method}`,
      `Contact: ${asking.contact ?? `<sip:${user}@${host}:5060>`}`,
      ...(asking.extra ?? []),
      'Content-Length: 0',
    ]
    return this.askRaw(`${lines.join('\r\n')}\r\n\r\n`, host, asking.transport ?? 'udp')
  }

  askRaw(text: string, host: string, transport: 'udp' | 'tcp' | 'tls' | 'ws' = 'udp'): Decision | undefined {
    const id = this.id
    const bytes = Buffer.from(text, 'latin1')
    this.node.input({ kind: 'asked', id, transport, host, port: 5060, bytes })
    this.world.settle()
    return this.decision(id)
  }

  askBytes(bytes: Uint8Array, host: string): Decision | undefined {
    const id = ++this.id
    this.node.input({ kind: 'asked', id, transport: 'udp', host, port: 5060, bytes })
    this.world.settle()
    return this.decision(id)
  }

  decision(id: number): Decision | undefined {
    const found = this.node.actions.filter((action) => action.kind === 'decide' && action.id === id)
    expect(found.length).toBeLessThan(2)
    const [action] = found
    return action?.kind === 'decide' ? action.decision : undefined
  }

  register(user: string, asking: Asking = {}): Decision | undefined {
    return this.ask('REGISTER', `sip:${DOMAIN}`, { from: user, ...asking })
  }

  /** The engine sends what it was told to forward, with the header that it was told to add. */
  handOver(decision: Decision | undefined): { name: string; sent: ReturnType<Phone['request']> } {
    if (decision?.kind !== 'forward') throw new Error('not forwarded')
    const [uri = ''] = decision.targets
    const [[header, name] = ['', '']] = decision.headers
    expect([uri, header, decision.targets.length]).toEqual(['sip:192.0.2.1:5060', 'X-Ringbridge-Handover', 1])
    return { name, sent: this.claim(name) }
  }

  /** Brings a name along, whether it is one or not. */
  claim(name: string): ReturnType<Phone['request']> {
    return this.phone.request('INVITE', 'sip:192.0.2.1:5060', {
      from: `<sip:alice@${DOMAIN}>`,
      to: `<${BOB}>`,
      extra: [`X-Ringbridge-Handover: ${name}`],
    })
  }

  received(method: string): SipMessage[] {
    return this.phone.requests(method)
  }
}

function hosted(): TestAccounts {
  return new TestAccounts().add('alice').add('bob').add('carol')
}

describe('an engine in front asks what to do', () => {
  it('a REGISTER is answered by the registrar, with its Contacts and without Service-Route', () => {
    const engine = new Engine(new SipWorld())
    const decision = engine.register('bob', { host: '10.0.0.20' })
    expect(decision).toMatchObject({ kind: 'respond', status: 200 })
    if (decision?.kind !== 'respond') throw new Error('no answer')
    expect(decision.headers.filter(([name]) => name === 'Contact').map(([, value]) => value)).toEqual([
      '<sip:bob@10.0.0.20:5060>;expires=3600',
    ])
    expect(decision.headers.map(([name]) => name)).not.toContain('Service-Route')
    expect(engine.node.published.get(`bob@${DOMAIN}`)).toBe(1)
    expect(engine.node.core.bindings(`bob@${DOMAIN}`)).toMatchObject([{ transport: 'udp', flow: 'address' }])
  })

  it('with digest nobody registers or calls without credentials', () => {
    const engine = new Engine(new SipWorld(), { auth: 'digest' })
    const challenge = engine.register('bob')
    expect(challenge).toMatchObject({ kind: 'respond', status: 401 })
    expect(engine.ask('INVITE', BOB)).toMatchObject({ kind: 'respond', status: 407 })
    if (challenge?.kind !== 'respond') throw new Error('no challenge')
    const [, value = ''] = challenge.headers.find(([name]) => name === 'WWW-Authenticate') ?? []
    const nonce = /nonce="([^"]+)"/.exec(value)?.[1] ?? ''
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const uri = `sip:${DOMAIN}`
    const response = md5(`${md5(`bob:${DOMAIN}:pw-bob`)}:${nonce}:00000001:cn:auth:${md5(`REGISTER:${uri}`)}`)
    const credentials = `Authorization: Digest username="bob", realm="${DOMAIN}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cn"`
    expect(engine.register('bob', { extra: [credentials] })).toMatchObject({ kind: 'respond', status: 200 })
  })

  it('a call between its own phones is forwarded by the engine itself, to all of them at once', () => {
    const engine = new Engine(new SipWorld())
    engine.register('bob', { host: '10.0.0.20' })
    engine.register('bob', { host: '10.0.0.21', transport: 'tcp', contact: '<sip:bob@10.0.0.21:5060>' })
    expect(engine.ask('INVITE', BOB)).toEqual({
      kind: 'forward',
      targets: ['sip:bob@10.0.0.20:5060', 'sip:bob@10.0.0.21:5060;transport=tcp'],
      atOnce: true,
      stay: true,
      headers: [],
    })
    expect(engine.ask('MESSAGE', BOB)).toMatchObject({ kind: 'forward', stay: false })
    expect(engine.node.core.instruments.callAttempts.get('local|proxy')).toBe(1)
    engine.node.input({ kind: 'carriedOut', id: engine.lastId - 1, status: 486 })
    expect(engine.node.core.instruments.callResults.get('local|busy')).toBe(1)
  })

  it('phones behind a NAT are named by the address that they came from, those on streams by their Contact', () => {
    const engine = new Engine(new SipWorld())
    const via = 'SIP/2.0/UDP 192.168.1.7:5060;branch=z9hG4bKnat;rport'
    engine.register('bob', { host: '198.51.100.7', via, contact: '<sip:bob@192.168.1.7:5060;ob>' })
    engine.register('carol', { host: '198.51.100.8', transport: 'ws', contact: '<sip:c1@a1b2.invalid>' })
    expect(engine.ask('INVITE', BOB)).toMatchObject({ targets: ['sip:bob@198.51.100.7:5060;ob'] })
    expect(engine.ask('INVITE', `sip:carol@${DOMAIN}`)).toMatchObject({
      targets: ['sip:c1@a1b2.invalid;transport=ws'],
    })
  })

  it('q decides the order where the engine can keep it, else the embedded stack forks', () => {
    const engine = new Engine(new SipWorld())
    engine.register('bob', { host: '10.0.0.20', contact: '<sip:bob@10.0.0.20:5060>;q=0.2' })
    engine.register('bob', { host: '10.0.0.21', contact: '<sip:bob@10.0.0.21:5060>;q=0.9' })
    expect(engine.ask('INVITE', BOB)).toMatchObject({
      kind: 'forward',
      targets: ['sip:bob@10.0.0.21:5060', 'sip:bob@10.0.0.20:5060'],
      atOnce: false,
    })
    engine.register('bob', { host: '10.0.0.22', contact: '<sip:bob@10.0.0.22:5060>;q=0.2' })
    const decision = engine.ask('INVITE', BOB)
    const { name, sent } = engine.handOver(decision)
    expect(name).toMatch(/^[0-9a-f]{32}$/)
    // One phone rings first; when it is busy, the two others together.
    expect(engine.received('INVITE').map((invite) => invite.requestUri)).toEqual(['sip:bob@10.0.0.21:5060'])
    engine.phone.respond(engine.received('INVITE')[0]!, 486)
    expect(engine.received('INVITE').map((invite) => invite.requestUri)).toEqual([
      'sip:bob@10.0.0.21:5060',
      'sip:bob@10.0.0.20:5060',
      'sip:bob@10.0.0.22:5060',
    ])
    expect(engine.phone.statuses('INVITE')).toEqual([100])
    expect(sent.method).toBe('INVITE')
  })

  it('what it forwards for the embedded stack it passes on: the branch is known to nobody else', () => {
    const engine = new Engine(new SipWorld())
    engine.register('bob', { host: '10.0.0.20' })
    const forged = 'P-Asserted-Identity: <sip:boss@dht.example.com>'
    const decision = engine.ask('INVITE', BOB, { extra: [forged] })
    engine.handOver(decision)
    const invite = engine.received('INVITE')[0]!
    expect(invite.requestUri).toBe('sip:bob@10.0.0.20:5060')
    expect(invite.has('p-asserted-identity')).toBe(false)
    const back = { via: invite.headers('via')[0]!, host: '192.0.2.1' }
    expect(engine.ask('INVITE', invite.requestUri, back)).toMatchObject({
      kind: 'forward',
      targets: ['sip:bob@10.0.0.20:5060'],
      stay: true,
    })
    // The same words with another branch are somebody else's: an address outside that alice calls.
    const other = { ...back, via: back.via.replace(/branch=[^;]+/, 'branch=z9hG4bKguess') }
    expect(engine.ask('INVITE', `sip:${'x'.repeat(8)}@192.0.2.1`, other)).toMatchObject({ status: 404 })
  })

  it('a name under which a request was handed over works once, and only for half a minute', () => {
    const world = new SipWorld()
    const engine = new Engine(world)
    const far = world.node('192.0.2.2', {}, hosted())
    const bob = world.phone('bob', far)
    expect(bob.registerFully().status).toBe(200)
    const { name } = engine.handOver(engine.ask('INVITE', BOB))
    expect(bob.requests('INVITE')).toHaveLength(1)
    bob.respond(bob.requests('INVITE')[0]!, 486)
    expect(bob.requests('INVITE')[0]!.has('x-ringbridge-handover')).toBe(false)
    engine.claim(name)
    // Nobody's claim: an ordinary request for this node itself.
    expect(engine.phone.last().status).toBe(405)
    const late = engine.ask('INVITE', BOB)
    world.advance(33_000)
    engine.handOver(late)
    expect(engine.phone.last().status).toBe(405)
    expect(bob.requests('INVITE')).toHaveLength(1)
  })

  it('a user at another peer is called by way of the embedded stack, and answers back through it', () => {
    const world = new SipWorld()
    const engine = new Engine(world, { auth: 'none' })
    const far = world.node('192.0.2.2', {}, hosted())
    const bob = world.phone('bob', far)
    bob.registerFully()
    const { sent } = engine.handOver(engine.ask('INVITE', BOB))
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    bob.respond(invite, 200)
    expect(engine.phone.statuses('INVITE')).toEqual([100, 180, 200])
    engine.phone.inDialog('ACK', sent, engine.phone.responses('INVITE', 200)[0]!)
    expect(bob.requests('ACK')).toHaveLength(1)
    bob.fromCallee('BYE', invite)
    expect(engine.received('BYE')).toHaveLength(1)
  })

  it('a call of another peer for a phone behind the engine goes to the engine', () => {
    const world = new SipWorld()
    const engine = new Engine(world)
    const via = 'SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bKnat;rport'
    engine.register('bob', { host: '198.51.100.7', via, contact: '<sip:bob@10.0.0.20:5060>' })
    const far = world.node('192.0.2.2', {}, hosted())
    const alice = world.phone('alice', far)
    alice.registerFully()
    alice.request('INVITE', BOB)
    expect(engine.received('INVITE').map(({ requestUri }) => requestUri)).toEqual([
      'sip:bob@198.51.100.7:5060',
    ])
    engine.phone.respond(engine.received('INVITE')[0]!, 603)
    expect(alice.last().status).toBe(603)
  })

  it('while the engine is away its phones are nowhere, and are back with it', () => {
    const world = new SipWorld()
    const engine = new Engine(world)
    engine.register('bob', { host: '10.0.0.20' })
    const far = world.node('192.0.2.2', {}, hosted())
    const alice = world.phone('alice', far)
    alice.registerFully()
    engine.node.input({ kind: 'frontDown' })
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
    expect(engine.received('INVITE')).toHaveLength(0)
    engine.node.input({ kind: 'frontUp', addresses: [] })
    alice.request('INVITE', BOB)
    expect(engine.received('INVITE')).toHaveLength(1)
  })

  it('nothing is decided any more about what was cancelled or asked by a connection that is gone', () => {
    const world = new SipWorld()
    const engine = new Engine(world)
    engine.node.locateAnswer = () => undefined
    const ask = (): number => {
      expect(engine.ask('INVITE', BOB)).toBeUndefined()
      return engine.lastId
    }
    const cancelled = ask()
    engine.node.input({ kind: 'withdrawn', id: cancelled })
    const lost = ask()
    engine.node.input({ kind: 'frontDown' })
    world.advance(60_000)
    expect(engine.decision(cancelled)).toBeUndefined()
    expect(engine.decision(lost)).toBeUndefined()
    expect(engine.node.core.instruments.callResults.get('overlay|cancelled')).toBe(1)
  })

  it('a user whom nobody knows is 404, one who is not registered 480', () => {
    const engine = new Engine(new SipWorld())
    expect(engine.ask('INVITE', `sip:nobody@${DOMAIN}`)).toMatchObject({ kind: 'respond', status: 404 })
    expect(engine.ask('INVITE', BOB)).toMatchObject({ kind: 'respond', status: 480 })
  })

  it('the redirect role answers with the Contacts of the phones', () => {
    const roles = { registrar: true, proxy: false, redirect: true }
    const engine = new Engine(new SipWorld(), { roles, redirectProxies: ['198.51.100.9:5060'] })
    engine.register('bob', { host: '10.0.0.20' })
    expect(engine.ask('INVITE', BOB)).toEqual({
      kind: 'redirect',
      status: 302,
      reason: 'Moved Temporarily',
      contacts: [expect.stringMatching(/^<sip:bob@10\.0\.0\.20:5060>;q=1\.0;expires=/)],
    })
  })

  it.each([
    ['a sips Request-URI', 'INVITE', `sips:bob@${DOMAIN}`, {}, 416],
    ['a Path', 'REGISTER', `sip:${DOMAIN}`, { extra: ['Path: <sip:edge.example.com;lr>'] }, 420],
    ['Require: outbound', 'REGISTER', `sip:${DOMAIN}`, { extra: ['Require: outbound'] }, 420],
    ['Require: gruu', 'REGISTER', `sip:${DOMAIN}`, { extra: ['Require: gruu'] }, 420],
    ['the reg event package', 'SUBSCRIBE', BOB, { extra: ['Event: reg'] }, 489],
    ['a Route to somewhere else', 'INVITE', BOB, { extra: ['Route: <sip:192.0.2.77;lr>'] }, 403],
    ['a Contact at the engine', 'REGISTER', `sip:${DOMAIN}`, { contact: '<sip:x@203.0.113.9>' }, 403],
    ['a node that is none', 'INVITE', `sip:bob@${DOMAIN};gr`, {}, 404],
  ] as const)('%s in %s is refused', (_what, method, uri, asking, status) => {
    expect(new Engine(new SipWorld()).ask(method, uri, asking)).toMatchObject({ kind: 'respond', status })
  })

  it('its own Route, OPTIONS to its address and reg-id without outbound are taken', () => {
    const engine = new Engine(new SipWorld())
    const contact = '<sip:bob@10.0.0.20:5060>;+sip.instance="<urn:uuid:1>";reg-id=1'
    const supported = { extra: ['Supported: outbound, path'] }
    const saved = engine.register('bob', { host: '10.0.0.20', contact, ...supported })
    expect(saved).toMatchObject({ status: 200 })
    if (saved?.kind !== 'respond') throw new Error('not saved')
    expect(saved.headers.map(([name]) => name)).not.toContain('Require')
    const route = { extra: ['Route: <sip:203.0.113.9;lr>'] }
    expect(engine.ask('INVITE', BOB, route)).toMatchObject({ kind: 'forward' })
    expect(engine.ask('OPTIONS', 'sip:203.0.113.9')).toMatchObject({ kind: 'respond', status: 200 })
  })

  describe('S-24 a Contact elsewhere, of who may not call there', () => {
    const GATEWAY = '203.0.113.99'
    const CONTACTS = [
      `sip:+900555@${GATEWAY};transport=tcp`,
      `sip:+900555@${GATEWAY}:5080`,
      `sip:+900555@gateway.example.org;transport=tcp`,
      `sip:+900555@10.0.0.20:5060;transport=tcp;maddr=${GATEWAY}`,
      `sip:+900555@x.invalid;transport=ws;maddr=${GATEWAY}`,
    ]
    const called = (
      callOutside: 'all' | 'none',
      transport: 'udp' | 'tcp' | 'tls' | 'ws',
      contact: string,
    ) => {
      const engine = new Engine(new SipWorld(), { policy: { callOutside, strangers: 'allow' } })
      const asking = { host: '10.0.0.20', transport, contact: `<${contact}>` }
      expect(engine.register('bob', asking)).toMatchObject({ status: 200 })
      const decision = engine.ask('INVITE', BOB)
      return decision?.kind === 'forward' ? decision.targets.join() : JSON.stringify(decision)
    }

    it('is not what the engine gets to send to, on whatever connection it has been registered', () => {
      for (const contact of CONTACTS) {
        for (const transport of ['udp', 'tcp', 'tls', 'ws'] as const) {
          const target = called('none', transport, contact)
          expect(target, `${contact} by ${transport}`).not.toContain('gateway')
          expect(target, `${contact} by ${transport}`).not.toContain(GATEWAY)
          expect(target, `${contact} by ${transport}`).toMatch(/10\.0\.0\.20|x\.invalid/)
        }
      }
      expect(called('none', 'tcp', `sip:bob@${GATEWAY}`)).toBe('sip:bob@10.0.0.20:5060;transport=tcp')
    })

    it('nor where it is a sips URI', () => {
      const reach = {
        transport: 'tls',
        flow: 0,
        listener: FRONT_LISTENER,
        host: '10.0.0.20',
        port: 40_000,
      } as const
      const uri = (contact: string, pinned = true): string => frontUri({ contact, reach, pinned })
      expect(uri(`sips:+900555@${GATEWAY}`)).toBe('sips:+900555@10.0.0.20:40000')
      expect(uri(`sips:bob@10.0.0.20:5061;maddr=${GATEWAY}`)).toBe('sips:bob@10.0.0.20:5061')
      expect(uri('sips:bob@10.0.0.20:5061')).toBe('sips:bob@10.0.0.20:5061')
      expect(uri(`sips:bob@${GATEWAY}`, false)).toBe(`sips:bob@${GATEWAY}`)
    })

    it('stays what it is on a stream for everybody else, by whose user and host the engine knows the connection', () => {
      const contact = 'sip:bob@192.168.1.7:5060;transport=tcp'
      expect(called('all', 'tcp', contact)).toBe(contact)
      expect(called('none', 'tcp', 'sip:bob@10.0.0.20:5060;transport=tcp')).toBe(
        'sip:bob@10.0.0.20:5060;transport=tcp',
      )
      expect(called('none', 'ws', 'sip:bob@df7jal23.invalid;transport=ws')).toBe(
        'sip:bob@df7jal23.invalid;transport=ws',
      )
    })
  })

  it('RFC 3261 s.16.6 item 7: the name in a Contact is not for us to look up; the phone is where its REGISTER came from', () => {
    const engine = new Engine(new SipWorld())
    engine.register('bob', { host: '10.0.0.20', contact: '<sip:bob@phone.example.org>' })
    expect(engine.ask('INVITE', BOB)).toMatchObject({
      kind: 'forward',
      targets: ['sip:bob@10.0.0.20:5060'],
    })
    expect(engine.node.actions.filter(({ kind }) => kind === 'resolve')).toEqual([])
  })

  it('a Contact that is another user here rings that user', () => {
    const engine = new Engine(new SipWorld())
    engine.register('carol', { host: '10.0.0.30' })
    for (const transport of ['udp', 'tcp'] as const) {
      engine.register('bob', { host: '10.0.0.20', transport, contact: `<sip:carol@${DOMAIN}>` })
      expect(engine.ask('INVITE', BOB), transport).toMatchObject({ targets: ['sip:carol@10.0.0.30:5060'] })
    }
  })

  it('where a route of the operator says the way, the embedded stack goes it', () => {
    const outside = {
      ...NO_OUTSIDE_RULES,
      gateway: 'sip:198.51.100.50:5080',
      routes: [{ domain: 'partner.example', to: 'sip:198.51.100.60:5060;lr' }],
    }
    const engine = new Engine(new SipWorld(), { outside, telDomain: DOMAIN })
    const targetOf = (uri: string): string => {
      const decision = engine.ask('INVITE', uri)
      return decision?.kind === 'forward' ? decision.targets.join() : JSON.stringify(decision)
    }
    expect(targetOf('sip:dave@elsewhere.example')).toBe('sip:dave@elsewhere.example')
    // The URI itself names the gateway.
    expect(targetOf(`sip:+4930123@${DOMAIN}`)).toBe('sip:+4930123@198.51.100.50:5080;user=phone')
    expect(targetOf('sip:dave@partner.example')).toBe('sip:192.0.2.1:5060')
    // The engine writes no other Request-URI over one that is not its own.
    expect(targetOf('tel:+4930123')).toBe('sip:192.0.2.1:5060')
  })

  it.each([
    ['tcp', 'sip:198.51.100.50:5080;transport=tcp'],
    ['tls', 'sip:198.51.100.50:5080;transport=tls'],
  ])(
    'S3263-4.1-01 what goes to the gateway by %s passes the embedded stack: its URI says nothing of it',
    (transport, gateway) => {
      const engine = new Engine(new SipWorld(), { outside: { ...NO_OUTSIDE_RULES, gateway } })
      engine.handOver(engine.ask('INVITE', `sip:+4930123@${DOMAIN}`))
      const opened = engine.node.actions.filter(({ kind }) => kind === 'openFlow')
      expect(opened).toMatchObject([{ host: '198.51.100.50', port: 5080, transport }])
    },
  )

  it('S-24 a maddr of the caller does not lead past the route of the operator', () => {
    const outside = {
      ...NO_OUTSIDE_RULES,
      routes: [{ domain: 'partner.example', to: 'sip:partner.example' }],
    }
    const engine = new Engine(new SipWorld(), { outside })
    expect(engine.ask('INVITE', 'sip:dave@partner.example')).toMatchObject({
      targets: ['sip:dave@partner.example'],
    })
    engine.handOver(engine.ask('INVITE', 'sip:dave@partner.example;maddr=203.0.113.66'))
  })

  it('S3261-22-01 a call by a trunk passes the embedded stack, which answers the challenge of its other side', () => {
    const account = { username: 'me', password: 'secret', realm: undefined }
    const trunk = { name: 'prov', uri: 'sip:198.51.100.50:5080', account, registration: undefined }
    const world = new SipWorld()
    const engine = new Engine(world, {
      outside: { ...NO_OUTSIDE_RULES, gateway: 'trunk:prov' },
      trunks: [{ ...trunk, numbers: new Map(), incoming: undefined }],
    })
    const provider = world.phone('provider', engine.node, { host: '198.51.100.50', port: 5080 })
    engine.handOver(engine.ask('INVITE', `sip:+4930123@${DOMAIN}`))
    const uri = 'sip:+4930123@198.51.100.50:5080;user=phone'
    expect(provider.requests('INVITE').map(({ requestUri }) => requestUri)).toEqual([uri])
    const asked = 'Proxy-Authenticate: Digest realm="provider.example", nonce="n", algorithm=MD5, qop="auth"'
    provider.respond(provider.requests('INVITE')[0]!, 407, { extra: [asked] })
    expect(provider.requests('INVITE')[1]?.header('proxy-authorization')).toContain('username="me"')
    provider.respond(provider.requests('INVITE')[1]!, 200)
    expect(engine.phone.statuses('INVITE')).toEqual([100, 200])
  })

  it('every question gets an answer, whatever the engine shows', () => {
    const engine = new Engine(new SipWorld())
    for (const text of ['', 'nonsense', 'SIP/2.0 200 OK\r\n\r\n', 'INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n']) {
      expect(engine.askBytes(Buffer.from(text), '10.9.9.9'), text).toMatchObject({ kind: 'respond' })
    }
  })

  it('broken in any way, a request gets one answer, and the next one is served', () => {
    const engine = new Engine(new SipWorld())
    engine.register('bob', { host: '10.0.0.20' })
    const random = new SeededRandom('broken')
    const whole = [
      `INVITE ${BOB} SIP/2.0`,
      'Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKx',
      'Route: <sip:203.0.113.9;lr>',
      'Max-Forwards: 70',
      `From: <sip:alice@${DOMAIN}>;tag=f`,
      `To: <${BOB}>`,
      'Call-ID: x',
      'CSeq: 1 INVITE',
      'Contact: <sip:alice@10.9.9.9>',
      'P-Asserted-Identity: <sip:alice@10.9.9.9>',
      'X-Ringbridge-Handover: 00',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from(whole, 'latin1')
      for (let i = random.int(6); i >= 0; i--) bytes[random.int(bytes.length)] = random.int(256)
      const cut = random.int(4) === 0 ? bytes.subarray(0, random.int(bytes.length)) : bytes
      const host = `10.7.${round >> 8}.${round & 255}`
      const decision = engine.askBytes(cut, host)
      // An ACK is never answered (RFC 3261 s.17.1.1.3), and no engine asks about one.
      if (!cut.toString('latin1').startsWith('ACK')) expect(decision, cut.toString('latin1')).toBeDefined()
    }
    expect(engine.ask('INVITE', BOB)).toMatchObject({ kind: 'forward' })
    expect(engine.node.core.instruments.sipMalformed.get('internal|udp')).toBe(0)
  })

  it('a flood of one address is refused, not left waiting in the engine', () => {
    const engine = new Engine(new SipWorld(), {})
    const statuses = new Set<number | undefined>()
    for (let i = 0; i < 1_500; i++) {
      const decision = engine.ask('OPTIONS', 'sip:203.0.113.9')
      statuses.add(decision?.kind === 'respond' ? decision.status : undefined)
    }
    expect([...statuses].sort()).toEqual([200, 503])
  })

  it('a caller who has proven himself is named to the phone by the engine', () => {
    const world = new SipWorld()
    const engine = new Engine(world, { auth: 'digest' })
    const ask = (method: string, uri: string, from: string): Decision | undefined => {
      const first = engine.ask(method, uri, { from, host: `10.0.1.${from.length}` })
      if (first?.kind !== 'respond') throw new Error('not challenged')
      const [header = '', value = ''] = first.headers.find(([name]) => name.endsWith('-Authenticate')) ?? []
      const nonce = /nonce="([^"]+)"/.exec(value)?.[1] ?? ''
      const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
      const response = md5(
        `${md5(`${from}:${DOMAIN}:pw-${from}`)}:${nonce}:00000001:cn:auth:${md5(`${method}:${uri}`)}`,
      )
      const name = header.startsWith('WWW') ? 'Authorization' : 'Proxy-Authorization'
      const credentials = `${name}: Digest username="${from}", realm="${DOMAIN}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cn"`
      return engine.ask(method, uri, { from, host: `10.0.1.${from.length}`, extra: [credentials] })
    }
    expect(ask('REGISTER', `sip:${DOMAIN}`, 'bob')).toMatchObject({ status: 200 })
    expect(ask('INVITE', BOB, 'alice')).toMatchObject({
      kind: 'forward',
      headers: [['P-Asserted-Identity', `<sip:alice@${DOMAIN}>`]],
    })
  })
})

describe('the table in docs/engines.md', () => {
  it('has a row for every capability, and says what the code says', () => {
    const text = readFileSync(new URL('../../../../docs/engines.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `(\w+)` \| (yes|no) \| (yes|no) \|/gm)].map(([, ...row]) => row)
    const word = (can: boolean): string => (can ? 'yes' : 'no')
    const expected = Object.entries(EMBEDDED_CAPABILITIES).map(([name, can]) => {
      return [name, word(can), word(DRACHTIO_CAPABILITIES[name as keyof typeof DRACHTIO_CAPABILITIES])]
    })
    expect(rows.sort()).toEqual(expected.sort())
  })
})
