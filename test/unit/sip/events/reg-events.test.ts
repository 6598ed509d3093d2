import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  testSettings,
  type Phone,
  type RequestInit,
  type SentRequest,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'
import { reginfo, type Document } from './reginfo-reader.ts'

const HOST = '192.0.2.1'
const AOR = `alice@${DOMAIN}`
const ALICE = `sip:${AOR}`

const accounts = (): TestAccounts =>
  new TestAccounts()
    .add('alice')
    .add('bob')
    .add('boss', { delegates: [AOR] })

/** A subscriber: answers NOTIFYs with 200 unless told otherwise, and reads what they say. */
class Watcher {
  readonly phone: Phone
  readonly documents: Document[] = []
  answer: (notify: SipMessage) => { status: number; extra?: readonly string[] } | undefined = () => ({
    status: 200,
  })

  constructor(phone: Phone) {
    this.phone = phone
    phone.onMessage = (message) => {
      if (message.method !== 'NOTIFY') return
      this.documents.push(reginfo(message))
      const answer = this.answer(message)
      if (answer !== undefined) phone.respond(message, answer.status, { extra: answer.extra ?? [] })
    }
  }

  get notifies(): SipMessage[] {
    return this.phone.requests('NOTIFY')
  }

  get last(): Document {
    const document = this.documents.at(-1)
    if (document === undefined) throw new Error('no document')
    return document
  }

  get states(): string[] {
    return this.notifies.map((notify) => notify.header('subscription-state') ?? '')
  }

  subscribe(init: RequestInit & { expires?: number } = {}): SentRequest {
    const expires = init.expires === undefined ? [] : [`Expires: ${init.expires}`]
    return this.phone.request('SUBSCRIBE', ALICE, {
      ...init,
      extra: ['Event: reg', ...expires, ...(init.extra ?? [])],
    })
  }

  /** A SUBSCRIBE inside the dialog that `sent` has made. */
  again(sent: SentRequest, init: RequestInit & { expires?: number; event?: string } = {}): SentRequest {
    const ok = this.phone.responses('SUBSCRIBE', 200)[0]!
    const expires = init.expires === undefined ? [] : [`Expires: ${init.expires}`]
    return this.phone.inDialog('SUBSCRIBE', sent, ok, {
      ...init,
      extra: [`Event: ${init.event ?? 'reg'}`, ...expires],
    })
  }
}

interface SetUp {
  readonly world: SipWorld
  readonly node: TestNode
  readonly desk: Phone
  readonly watcher: Watcher
}

function setUp(override: SettingsOverride = {}): SetUp {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', { lookup: 'localOnly', ...override }, accounts())
  const desk = world.phone('alice', node)
  return { world, node, desk, watcher: new Watcher(world.phone('alice', node)) }
}

const uris = (document: Document): string[] => document.contacts.map(({ uri }) => uri)

/** A node, and peers that ask it for alice's registrations. */
function peers() {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, accounts())
  const peer = (flow: number, user: string | undefined): void =>
    node.input({
      kind: 'peerFlowUp',
      flow,
      peer: `${flow}`.padStart(32, '0'),
      secure: false,
      ...(user === undefined ? {} : { user }),
    })
  const ask = (flow: number, extra: readonly string[] = []): string => {
    const text = [
      `SUBSCRIBE ${ALICE} SIP/2.0`,
      `Via: SIP/2.0/TLS peer.${DOMAIN};branch=z9hG4bK${flow}-${node.actions.length}`,
      `From: <${ALICE}>;tag=x`,
      `To: <${ALICE}>`,
      `Call-ID: north-${flow}-${node.actions.length}`,
      'CSeq: 1 SUBSCRIBE',
      'Max-Forwards: 70',
      `Contact: <sip:alice@10.9.9.9>`,
      'Event: reg',
      ...extra,
      'Content-Length: 0',
    ].join('\r\n')
    const before = node.actions.length
    node.input({ kind: 'flowData', flow, bytes: Buffer.from(`${text}\r\n\r\n`, 'latin1') })
    const sent = node.actions
      .slice(before)
      .flatMap((action) =>
        action.kind === 'sendFlow' && action.flow === flow
          ? [Buffer.from(action.bytes).toString('latin1')]
          : [],
      )
    return sent.map((each) => each.split('\r\n')[0]).join(' | ')
  }
  return { world, node, peer, ask }
}

describe('SUBSCRIBE for registrations (RFC 6665, RFC 3680)', () => {
  it('S3680-4-01 S6665-4.2-01 is answered for 3761 s, and a NOTIFY with everything follows at once', () => {
    const { desk, watcher } = setUp()
    desk.register({ contact: `${desk.contact};q=0.5` })
    watcher.subscribe()
    const ok = watcher.phone.responses('SUBSCRIBE')[0]!
    expect(ok.status).toBe(200)
    expect(ok.header('expires')).toBe('3761')
    expect(ok.header('contact')).toBe('<sip:192.0.2.1:5060>')
    const notify = watcher.notifies[0]!
    expect(notify.requestUri).toBe(`sip:alice@${watcher.phone.host}:5060`)
    expect(notify.header('subscription-state')).toBe('active;expires=3761')
    expect(notify.header('event')).toBe('reg')
    expect(notify.header('content-type')).toBe('application/reginfo+xml')
    expect(notify.from.params.get('tag')).toBe(ok.to.params.get('tag'))
    expect(notify.to.params.get('tag')).toBe('from')
    expect(watcher.last).toMatchObject({ version: 0, state: 'full', aor: ALICE, registration: 'active' })
    expect(watcher.last.contacts).toMatchObject([
      { uri: `sip:alice@${desk.host}:5060`, state: 'active', event: 'registered', attributes: { q: '0.5' } },
    ])
    expect(watcher.documents).toHaveLength(1)
  })

  it('S-24 S3680-4-01 a Contact elsewhere, of who may not call there: NOTIFYs go back to where the SUBSCRIBE came from, after a refresh, too', () => {
    for (const callOutside of ['none', 'all'] as const) {
      const { world, node, watcher } = setUp({ policy: { callOutside, strangers: 'allow' } })
      const elsewhere = new Watcher(world.phone('elsewhere', node, { host: '10.7.7.7' }))
      const contact = '<sip:alice@10.7.7.7:5060>'
      const sent = watcher.subscribe({ contact })
      watcher.again(sent, { contact })
      const here = callOutside === 'none' ? 2 : 0
      expect(watcher.notifies, callOutside).toHaveLength(here)
      expect(elsewhere.notifies, callOutside).toHaveLength(2 - here)
    }
  })

  it('S-10 S3680-4-01 more than can be kept for hours is refused, at the beginning and later', () => {
    const { world, node, watcher } = setUp()
    const long = (count: number): RequestInit => ({ to: `"${'x'.repeat(count)}" <${ALICE}>` })
    watcher.subscribe(long(3_900))
    expect(watcher.phone.responses('SUBSCRIBE').at(-1)?.status).toBe(200)
    const other = new Watcher(world.phone('alice', node))
    other.subscribe(long(4_096))
    expect(other.phone.last().status).toBe(400)
    other.subscribe({
      extra: Array.from({ length: 60 }, (_, i) => `Record-Route: <sip:${'r'.repeat(70)}${i}.example.org;lr>`),
    })
    expect(other.phone.last().status).toBe(400)
    const third = new Watcher(world.phone('alice', node))
    const sent = third.subscribe()
    third.again(sent, { contact: `<sip:alice@${third.phone.host}:5060;x=${'y'.repeat(4_096)}>` })
    expect(third.phone.last().status).toBe(400)
    expect(third.notifies).toHaveLength(1)
  })

  it('S3680-4-01 partial documents count on; nothing is said of a mere refresh', () => {
    const { world, node, desk, watcher } = setUp()
    watcher.subscribe()
    expect(watcher.last).toMatchObject({ state: 'full', registration: 'init', contacts: [] })
    world.advance(10_000)
    desk.register({ callId: 'desk', cseq: 1 })
    expect(watcher.last).toMatchObject({ version: 1, state: 'partial', registration: 'active' })
    const { id } = watcher.last.contacts[0]!
    desk.register({ callId: 'desk', cseq: 2 })
    world.advance(10_000)
    expect(watcher.documents).toHaveLength(2)
    const soft = world.phone('alice', node)
    soft.register({ extra: ['Expires: 60'] })
    expect(uris(watcher.last)).toEqual([`sip:alice@${soft.host}:5060`])
    world.advance(61_000)
    expect(watcher.last).toMatchObject({ version: 3, state: 'partial', registration: 'active' })
    expect(watcher.last.contacts).toMatchObject([{ state: 'terminated', event: 'expired' }])
    world.advance(5_000)
    desk.register({ contact: '*', extra: ['Expires: 0'] })
    expect(watcher.last).toMatchObject({ version: 4, registration: 'terminated' })
    expect(watcher.last.contacts).toMatchObject([{ id, state: 'terminated', event: 'unregistered' }])
  })

  it('S3680-4-01 not more than one NOTIFY in five seconds, and none behind one without an answer', () => {
    const { world, node, desk, watcher } = setUp()
    watcher.subscribe()
    desk.register()
    world.phone('alice', node).register()
    expect(watcher.documents).toHaveLength(1)
    world.advance(5_000)
    expect(watcher.documents).toHaveLength(2)
    expect(watcher.last.contacts).toHaveLength(2)
    world.advance(10_000)
    watcher.answer = () => undefined
    world.phone('alice', node).register()
    const unanswered = watcher.notifies.at(-1)!
    world.advance(6_000)
    const before = new Set(watcher.notifies.map((notify) => notify.cseq.number)).size
    world.phone('alice', node).register()
    world.advance(6_000)
    expect(new Set(watcher.notifies.map((notify) => notify.cseq.number)).size).toBe(before)
    watcher.answer = () => ({ status: 200 })
    watcher.phone.respond(unanswered, 200)
    world.advance(1)
    expect(watcher.last).toMatchObject({ version: 3, state: 'partial' })
    expect(watcher.last.contacts).toHaveLength(1)
  })

  it('S6665-4.2-01 Expires 0 is a fetch: everything once, and no subscription', () => {
    const { node, desk, watcher, world } = setUp()
    desk.register()
    watcher.subscribe({ expires: 0 })
    expect(watcher.phone.responses('SUBSCRIBE')[0]!.header('expires')).toBe('0')
    expect(watcher.states).toEqual(['terminated;reason=timeout'])
    expect(uris(watcher.last)).toEqual([`sip:alice@${desk.host}:5060`])
    world.advance(10_000)
    world.phone('alice', node).register()
    expect(watcher.documents).toHaveLength(1)
  })

  it('S6665-4.2-02 too short gets 423, too long less than it asked for, never more', () => {
    const { watcher } = setUp()
    const granted = (expires: number): string | undefined => {
      watcher.subscribe({ expires })
      return watcher.phone.responses('SUBSCRIBE').at(-1)!.header('expires')
    }
    watcher.subscribe({ expires: 59 })
    expect(watcher.phone.last().status).toBe(423)
    expect(watcher.phone.last().header('min-expires')).toBe('60')
    expect([granted(60), granted(7_200), granted(100_000)]).toEqual(['60', '7200', '7200'])
  })

  it('S6665-4.2-02 a refresh brings everything again, takes a new Contact, and 0 ends it', () => {
    const { world, desk, watcher } = setUp()
    desk.register()
    const sent = watcher.subscribe({ expires: 600 })
    world.advance(300_000)
    watcher.again(sent, { expires: 600, cseq: 2 })
    expect(watcher.phone.responses('SUBSCRIBE').at(-1)!.status).toBe(200)
    expect(watcher.last).toMatchObject({ version: 1, state: 'full' })
    world.advance(599_000)
    expect(watcher.documents).toHaveLength(2)
    watcher.again(sent, { expires: 0, cseq: 3 })
    expect(watcher.states.at(-1)).toBe('terminated;reason=timeout')
    watcher.again(sent, { expires: 600, cseq: 4 })
    expect(watcher.phone.last().status).toBe(481)
  })

  it('S6665-4.2-02 without a refresh it ends with its time, and says so', () => {
    const { world, watcher } = setUp()
    const sent = watcher.subscribe({ expires: 60 })
    world.advance(61_000)
    expect(watcher.states).toEqual(['active;expires=60', 'terminated;reason=timeout'])
    watcher.again(sent, { cseq: 2 })
    expect(watcher.phone.last().status).toBe(481)
  })

  it('S3261-12-01 E51 481 in a dialog that is not ours; 500 for a CSeq that does not rise', () => {
    const { watcher } = setUp()
    watcher.subscribe({ to: `<${ALICE}>;tag=nobody` })
    expect(watcher.phone.last().status).toBe(481)
    const sent = watcher.subscribe({ cseq: 7 })
    watcher.again(sent, { cseq: 7, branch: 'z9hG4bKagain' })
    expect(watcher.phone.last().status).toBe(500)
    watcher.again(sent, { cseq: 8, event: 'reg;id=2' })
    expect(watcher.phone.last().status).toBe(481)
    watcher.again(sent, { cseq: 9 })
    expect(watcher.documents).toHaveLength(2)
  })

  it('S6665-4.2-01 E52 E43 other packages go to the phone; the node itself knows none, and nobody gets another format', () => {
    const { desk, watcher } = setUp()
    desk.register()
    watcher.phone.request('SUBSCRIBE', ALICE, { extra: ['Event: presence'] })
    watcher.phone.request('SUBSCRIBE', ALICE)
    expect(desk.requests('SUBSCRIBE')).toHaveLength(2)
    for (const extra of [['Event: presence'], [], ['Event: reg']]) {
      watcher.phone.request('SUBSCRIBE', `sip:${DOMAIN}`, { extra })
      expect(watcher.phone.last().status).toBe(489)
      expect(watcher.phone.last().header('allow-events')).toBe('reg')
    }
    watcher.subscribe({ extra: ['Accept: application/pidf+xml'] })
    expect(watcher.phone.last().status).toBe(406)
    expect(watcher.phone.last().header('warning')).toMatch(/^399 /)
    watcher.subscribe({ extra: ['Accept: application/*'] })
    expect(watcher.documents).toHaveLength(1)
    watcher.subscribe({ extra: ['Require: wonder'] })
    expect(watcher.phone.last().status).toBe(420)
  })

  it.each([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])(
    'S6665-4.2-01 a NOTIFY that gets %i ends the subscription',
    (status) => {
      const { world, desk, watcher, node } = setUp()
      watcher.subscribe()
      world.advance(10_000)
      watcher.answer = () => ({ status })
      desk.register()
      watcher.answer = () => ({ status: 200 })
      world.advance(100_000)
      world.phone('alice', node).register()
      expect(watcher.documents).toHaveLength(2)
    },
  )

  it('S6665-4.2-01 one that gets 503 does not: everything is told again when the phone has said so', () => {
    const { world, desk, watcher } = setUp()
    watcher.subscribe()
    world.advance(10_000)
    watcher.answer = () => ({ status: 503, extra: ['Retry-After: 20'] })
    desk.register()
    expect(watcher.documents).toHaveLength(2)
    watcher.answer = () => ({ status: 200 })
    world.advance(19_000)
    expect(watcher.documents).toHaveLength(2)
    world.advance(2_000)
    expect(watcher.last).toMatchObject({ version: 2, state: 'full', registration: 'active' })
  })

  it('S6665-4.2-01 one without any answer ends it, and nothing is left', () => {
    const { world, node, desk, watcher } = setUp()
    watcher.answer = () => undefined
    watcher.subscribe({ expires: 7_200 })
    world.advance(33_000)
    watcher.answer = () => ({ status: 200 })
    desk.register({ extra: ['Expires: 60'] })
    world.advance(100_000)
    expect(new Set(watcher.documents.map(({ version }) => version))).toEqual(new Set([0]))
    expect(node.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('S6665-4.2-01 subscriptions are bounded, for one user and for all', () => {
    const { world, watcher } = setUp()
    for (let i = 0; i < 21; i++) watcher.subscribe()
    expect(watcher.phone.statuses('SUBSCRIBE').filter((status) => status === 200)).toHaveLength(20)
    expect(watcher.phone.last().status).toBe(503)
    expect(watcher.phone.last().has('retry-after')).toBe(true)
    watcher.subscribe({ expires: 0 })
    expect(watcher.states.at(-1)).toBe('terminated;reason=timeout')
    const { limits } = testSettings('192.0.2.9')
    const override = { lookup: 'localOnly', limits: { ...limits, subscriptionsMax: 1 } } as const
    const small = world.node('192.0.2.9', override, accounts())
    const other = new Watcher(world.phone('alice', small))
    other.subscribe()
    other.subscribe()
    expect(other.phone.statuses('SUBSCRIBE')).toEqual([200, 503])
  })

  it('a node that leaves tells who watches when to come back', () => {
    const { node, watcher } = setUp()
    watcher.subscribe()
    node.input({ kind: 'drain' })
    node.world.settle()
    expect(watcher.states.at(-1)).toMatch(/^terminated;reason=probation;retry-after=\d+$/)
    watcher.subscribe()
    expect(watcher.phone.last().status).toBe(503)
  })
})

describe('who may watch', () => {
  it('S3680-4-02 S-23 the owner and who may register for him, with their credentials; nobody else', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly', auth: 'digest' }, accounts())
    const watchers = new Map<string, Watcher>()
    const subscribe = (user: string, init: RequestInit = {}): number => {
      const watcher = watchers.get(user) ?? new Watcher(world.phone(user, node))
      watchers.set(user, watcher)
      const { phone } = watcher
      const sent = watcher.subscribe(init)
      const challenge = phone.responses('SUBSCRIBE').at(-1)!
      if (challenge.status === 401) phone.authenticate(sent, challenge)
      return phone.statuses('SUBSCRIBE').at(-1)!
    }
    expect(subscribe('alice')).toBe(200)
    expect(subscribe('boss')).toBe(200)
    expect(subscribe('bob')).toBe(403)
    expect(subscribe('bob', { from: `<${ALICE}>` })).toBe(403)
    expect(subscribe('mallory', { from: '<sip:mallory@example.org>' })).toBe(403)
  })

  it('S3680-4-02 of peers only one that speaks for the user by its certificate, or that the overlay names', () => {
    const { world, node, peer, ask } = peers()
    peer(-1, AOR)
    expect(ask(-1)).toBe(`SIP/2.0 200 OK | NOTIFY sip:alice@10.9.9.9 SIP/2.0`)
    peer(-2, `bob@${DOMAIN}`)
    expect(ask(-2)).toContain('403')
    node.callerAnswer = () => ({ verified: true, validMs: 60_000 })
    expect(ask(-2, [`P-Asserted-Identity: <${ALICE}>`])).toContain('403')
    world.settle()
    expect(ask(-2, [`P-Asserted-Identity: <${ALICE}>`])).toContain('200')
  })
})

describe('how NOTIFYs go', () => {
  it('S3261-12-01 by the Record-Routes of the SUBSCRIBE, in their order; a strict router gets what it wants', () => {
    const { world, node, watcher } = setUp()
    const proxy = world.phone('bob', node)
    const asked: string[] = []
    node.resolveAnswer = (host) => {
      asked.push(host)
      return { ok: true, addresses: [{ host: proxy.host, port: 5060, transport: 'udp' }] }
    }
    watcher.subscribe({ extra: ['Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>'] })
    const notifies = (): readonly SipMessage[] => proxy.requests('NOTIFY')
    expect(watcher.phone.responses('SUBSCRIBE')[0]!.values('record-route')).toHaveLength(2)
    expect(notifies()[0]!.values('route')).toEqual(['<sip:p2.example;lr>', '<sip:p1.example;lr>'])
    proxy.respond(notifies()[0]!, 200)
    watcher.subscribe({ extra: ['Record-Route: <sip:p2.example>, <sip:p1.example;lr>'] })
    const strict = notifies()[1]!
    expect(strict.requestUri).toBe('sip:p2.example')
    expect(strict.values('route')).toEqual(['<sip:p1.example;lr>', `<sip:alice@${watcher.phone.host}:5060>`])
    expect(asked).toEqual(['p2.example', 'p2.example'])
  })

  it('to a phone behind a NAT by the way it came, over TCP by its connection, and by a new one when that is gone', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly' }, accounts())
    const hidden = new Watcher(world.phone('alice', node, { privateHost: '192.168.1.9' }))
    hidden.subscribe()
    expect(hidden.documents).toHaveLength(1)
    const stream = new Watcher(world.phone('alice', node, { transport: 'tcp' }))
    stream.subscribe()
    expect(stream.phone.responses('SUBSCRIBE')[0]!.header('contact')).toBe(
      '<sip:192.0.2.1:5060;transport=tcp>',
    )
    expect(stream.documents).toHaveLength(1)
    world.advance(10_000)
    stream.phone.disconnect()
    world.phone('alice', node).register()
    expect(stream.documents).toHaveLength(2)
    expect(node.actions.filter(({ kind }) => kind === 'openFlow')).toHaveLength(1)
  })

  it.each(['tcp', 'ws'] as const)(
    'S5626-7-03 to the phone by the connection that it has registered by since (%s)',
    (transport) => {
      const world = new SipWorld()
      const node = world.node(HOST, { lookup: 'localOnly', listeners: allListeners(HOST) }, accounts())
      const stream = new Watcher(world.phone('alice', node, { transport }))
      stream.phone.register()
      const sent = stream.subscribe({ expires: 600 })
      world.advance(10_000)
      stream.phone.disconnect()
      stream.phone.register()
      world.phone('alice', node).register()
      expect(stream.documents).toHaveLength(2)
      stream.again(sent, { expires: 600, cseq: 2 })
      expect(stream.phone.statuses('SUBSCRIBE')).toEqual([200, 200])
    },
  )

  it('adapter-mapping 5.2 once more to a peer whose flow breaks under one: it is opened again, and where that cannot be nobody listens', () => {
    const { world, node, peer, ask } = peers()
    peer(-1, AOR)
    expect(ask(-1)).toContain('NOTIFY')
    node.input({ kind: 'flowClosed', flow: -1 })
    world.advance(0)
    const opened = node.actions.filter(({ kind }) => kind === 'openPeerFlow')
    expect(opened).toMatchObject([{ address: `node:${'-1'.padStart(32, '0')}` }])
    world.advance(60_000)
    world.phone('alice', node).register()
    expect(node.actions.filter(({ kind }) => kind === 'openPeerFlow')).toHaveLength(1)
  })

  it('S5626-7-03 once more, when it has come back by another flow before the first was known to be broken', () => {
    const world = new SipWorld()
    const node = world.node(HOST, { lookup: 'localOnly' }, accounts())
    const outbound = {
      contact: '<sip:alice@10.0.0.1;transport=tcp>;+sip.instance="<urn:x:1>";reg-id=1',
      extra: ['Supported: path, outbound'],
    }
    const stream = new Watcher(world.phone('alice', node, { transport: 'tcp' }))
    stream.phone.register(outbound)
    stream.subscribe({ expires: 600 })
    const { flow } = stream.phone
    world.advance(10_000)
    stream.phone.drop = true
    world.phone('alice', node).register()
    expect(stream.documents).toHaveLength(1)
    stream.phone.drop = false
    stream.phone.flow = 0
    stream.phone.register(outbound)
    world.hangUp(node, flow)
    world.advance(0)
    expect(stream.documents.map(({ state }) => state)).toEqual(['full', 'full'])
    expect(stream.last.contacts).toHaveLength(2)
  })

  it('S3261-18.1-01 S3261-18.1-02 a large one goes over TCP, and by UDP where nobody listens there', () => {
    const { world, node, watcher } = setUp()
    for (let i = 0; i < 8; i++) world.phone('alice', node).register({ extra: ['Supported: gruu'] })
    watcher.subscribe()
    expect(node.actions.some(({ kind }) => kind === 'openFlow')).toBe(true)
    expect(watcher.last.contacts).toHaveLength(8)
    const [notify] = watcher.notifies
    expect(notify!.topVia.transport).toBe('UDP')
  })
})

describe('contacts of other nodes', () => {
  it('M-05 S3680-4-01 are told with `remote`, come and go as the overlay says', () => {
    const world = new SipWorld()
    const a = world.node('192.0.2.1', {}, accounts())
    const b = world.node('192.0.2.2', {}, accounts())
    const watcher = new Watcher(world.phone('alice', a))
    world.phone('alice', b).register()
    const sent = watcher.subscribe({ expires: 600 })
    expect(watcher.documents).toHaveLength(1)
    world.advance(5_000)
    expect(watcher.last).toMatchObject({ version: 1, state: 'partial' })
    expect(watcher.last.contacts).toMatchObject([
      { uri: `${ALICE};gr=${b.gr}`, state: 'active', event: 'created', parameters: { remote: '' } },
    ])
    expect(watcher.documents.map(({ registration }) => registration)).toEqual(['init', 'active'])
    a.foreignAnswer = () => []
    watcher.again(sent, { expires: 600, cseq: 2 })
    expect(watcher.last).toMatchObject({ state: 'full', registration: 'active' })
    world.advance(5_000)
    expect(watcher.last.contacts).toMatchObject([{ state: 'terminated', event: 'expired' }])
    expect(watcher.last.registration).toBe('terminated')
  })
})
