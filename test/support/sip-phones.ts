/**
 * Scripted phones around one or more SIP cores in virtual time. The overlay is a stand-in and says so: `locate` looks
 * into the other cores' published sets, `openPeerFlow` joins two cores by a pair of byte queues. Nothing is lost or late
 * unless a test says so with `drop`.
 */
import { createHash } from 'node:crypto'
import { SeededRandom } from '../../src/common/random.ts'
import type { Now } from '../../src/common/time.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import type {
  Account,
  Accounts,
  ForeignContact,
  LocateOutcome,
  PublishOutcome,
  RecordOperation,
  ResolveOutcome,
  SipAction,
  SipInput,
  SipListener,
  SipSettings,
} from '../../src/sip/core/contract.ts'
import { SipCore } from '../../src/sip/core/sip-core.ts'
import { digestHash } from '../../src/sip/auth/index.ts'
import { bracketed, parseMessage, type SipMessage } from '../../src/sip/message/index.ts'
import { StreamFramer } from '../../src/sip/transport/index.ts'

export const DOMAIN = 'dht.example.com'

export class TestAccounts implements Accounts {
  private readonly accounts: Account[] = []

  add(
    user: string,
    init: {
      aors?: readonly string[]
      delegates?: readonly string[]
      domain?: string
      mayCallOutside?: boolean
    } = {},
  ): this {
    const domain = init.domain ?? DOMAIN
    const ha1 = new Map([
      ['MD5', digestHash('MD5', user, DOMAIN, `pw-${user}`)],
      ['SHA-256', digestHash('SHA-256', user, DOMAIN, `pw-${user}`)],
    ])
    const aors = init.aors ?? [`${user}@${domain}`]
    const may = init.mayCallOutside
    this.accounts.push({
      username: user,
      ha1,
      aors,
      delegates: init.delegates ?? [],
      ...(may === undefined ? {} : { mayCallOutside: may }),
    })
    return this
  }

  remove(user: string): void {
    this.accounts.splice(
      0,
      this.accounts.length,
      ...this.accounts.filter(({ username }) => username !== user),
    )
  }

  byUsername(username: string): Account | undefined {
    return this.accounts.find((account) => account.username === username)
  }

  byAor(aor: string): Account | undefined {
    return this.accounts.find((account) => account.aors[0] === aor)
  }
}

export type SettingsOverride = Partial<SipSettings>

export type PhoneTransport = SipListener['transport']

/** One listener of each transport at `host`, on the ports of RFC 3261 and RFC 7118. */
export function allListeners(host: string): SipListener[] {
  const ports = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 } as const
  return Object.entries(ports).map(([transport, port], id) => ({
    id,
    transport: transport as PhoneTransport,
    host,
    port,
    advertisedHost: host,
  }))
}

export function testSettings(host: string, override: SettingsOverride = {}): SipSettings {
  return {
    roles: { registrar: true, proxy: true, redirect: false },
    domains: [DOMAIN],
    auth: 'none',
    listeners: [
      { id: 0, transport: 'udp', host, port: 5060, advertisedHost: host },
      { id: 1, transport: 'tcp', host, port: 5060, advertisedHost: host },
    ],
    peerIdentity: undefined,
    minExpiresS: 60,
    defaultExpiresS: 3600,
    maxExpiresS: 7200,
    flowGraceS: 30,
    maxForks: 10,
    maxBindings: 10,
    lookup: 'parallel',
    recursionDepth: 5,
    recursionLocates: 20,
    recurse3xx: true,
    redirectProxies: [],
    redirectUse305: false,
    appAttachBudgetMs: { invite: 8_000, other: 5_000 },
    locateBudgetMs: { invite: 10_000, other: 6_000 },
    secret: new Uint8Array(32).fill(7),
    limits: {
      headBytesMax: 65_536,
      headersMax: 256,
      viaMax: 70,
      bodyBytesMax: 262_144,
      transactionsMax: 10_000,
      flowsMax: 1_000,
      authFailuresMax: 5,
    },
    ...override,
  }
}

/** One core with its listeners at `host`:5060. */
export class TestNode {
  readonly core: SipCore
  readonly world: SipWorld
  readonly host: string
  readonly hex: string
  readonly accounts: TestAccounts
  /** Every action the core has taken, for tests that look at them. */
  readonly actions: SipAction[] = []
  /** What the core has published last, by AOR. */
  readonly published = new Map<string, number>()
  /** Of these, the AORs whose phones all take sips only (M-13). */
  readonly secureOnly = new Set<string>()
  private readonly listeners: readonly SipListener[]
  publishAnswer: ((aor: string) => PublishOutcome | undefined) | undefined = undefined
  locateAnswer: ((aor: string) => LocateOutcome | undefined) | undefined = undefined
  /** Records that outlive the node, and whether the disk takes more; undefined lets writes hang. */
  readonly disk = new Map<string, Uint8Array>()
  diskAnswer: ((operations: readonly RecordOperation[]) => boolean) | undefined = () => true
  foreignAnswer: ((aor: string) => readonly ForeignContact[] | undefined) | undefined = undefined
  resolveAnswer: ((host: string) => ResolveOutcome) | undefined = undefined
  callerAnswer:
    ((aor: string, peer: string) => { verified: boolean; validMs: number } | undefined) | undefined =
    undefined
  peersReachable = true

  constructor(world: SipWorld, host: string, override: SettingsOverride = {}, accounts = new TestAccounts()) {
    this.world = world
    this.host = host
    this.accounts = accounts
    this.hex = createHash('sha1').update(host).digest('hex').slice(0, 32)
    this.listeners = override.listeners ?? testSettings(host).listeners
    const peerIdentity = { overlay: DOMAIN, hex: this.hex, gr: `ARA${this.hex.slice(0, 16)}` }
    this.core = new SipCore(
      { accounts, random: new SeededRandom(host), trace: NO_TRACE },
      testSettings(host, { peerIdentity, ...override }),
    )
    this.input({ kind: 'overlayAvailable', available: true })
  }

  listenerOf(transport: PhoneTransport): number {
    const found = this.listeners.find((listener) => listener.transport === transport)
    if (found === undefined) throw new Error(`${this.host} has no ${transport} listener`)
    return found.id
  }

  get gr(): string {
    return `ARA${this.hex.slice(0, 16)}`
  }

  input(input: SipInput): void {
    this.core.step(this.world.now, input)
    for (const action of this.core.drain()) {
      this.actions.push(action)
      this.world.act(this, action)
    }
  }
}

interface Pipe {
  readonly node: TestNode
  readonly flow: number
  readonly deliver: (bytes: Uint8Array) => void
  readonly closed: () => void
  /** Leads to another node. */
  readonly peer?: boolean
}

export class SipWorld {
  now: Now = { ms: 1_000, wall: 1_700_000_000_000 }
  readonly nodes: TestNode[] = []
  readonly phones: Phone[] = []
  /** Cannot be connected to; use `cutPeerFlows` for what they have open. */
  readonly dead = new Set<TestNode>()
  private readonly queue: (() => void)[] = []
  private readonly pipes: Pipe[] = []
  private nextFlow = 2

  node(host: string, override: SettingsOverride = {}, accounts?: TestAccounts): TestNode {
    const node = new TestNode(this, host, override, accounts ?? new TestAccounts())
    this.nodes.push(node)
    return node
  }

  phone(user: string, node: TestNode, init: PhoneInit = {}): Phone {
    const phone = new Phone(this, user, node, init.host ?? `10.0.0.${this.phones.length + 1}`, init)
    this.phones.push(phone)
    return phone
  }

  /** Delivers until nothing is under way. */
  settle(): void {
    for (let next = this.queue.shift(), count = 0; next !== undefined; next = this.queue.shift()) {
      if (++count > 100_000) throw new Error('the world does not come to rest')
      next()
    }
  }

  /** Lets time pass, firing every deadline on the way. */
  advance(ms: number): void {
    const end = this.now.ms + ms
    this.settle()
    for (;;) {
      const due = Math.min(...this.nodes.map((node) => node.core.nextDeadline()))
      if (due > end) break
      this.setTime(Math.max(due, this.now.ms))
      for (const node of this.nodes)
        if (node.core.nextDeadline() <= this.now.ms) node.input({ kind: 'timeout' })
      this.settle()
    }
    this.setTime(end)
  }

  later(work: () => void): void {
    this.queue.push(work)
  }

  /** A connection from a phone, to the listener of its transport. */
  connect(phone: Phone, node: TestNode): number {
    const flow = this.nextFlow
    this.nextFlow += 2
    this.pipes.push({
      node,
      flow,
      deliver: (bytes) => phone.bytes(bytes, flow),
      closed: () => phone.closed(flow),
    })
    this.later(() =>
      node.input({
        kind: 'flowAccepted',
        flow,
        listener: node.listenerOf(phone.transport),
        host: phone.host,
        port: phone.sourcePort,
        ...(phone.identities === undefined ? {} : { identities: phone.identities }),
      }),
    )
    return flow
  }

  /** The phone's end of a connection is gone. */
  hangUp(node: TestNode, flow: number): void {
    const at = this.pipes.findIndex((pipe) => pipe.node === node && pipe.flow === flow)
    if (at >= 0) this.pipes.splice(at, 1)
    node.input({ kind: 'flowClosed', flow })
  }

  /** Joins two nodes by a peer flow, as AppAttach would; gives each side's flow number. */
  join(a: TestNode, b: TestNode, secure = false): { a: number; b: number } {
    const flows = { a: this.nextFlow, b: this.nextFlow + 2 }
    this.nextFlow += 4
    const link = (from: TestNode, flow: number, to: TestNode, far: number): void => {
      this.pipes.push({
        node: from,
        flow,
        peer: true,
        deliver: (bytes) => this.later(() => to.input({ kind: 'flowData', flow: far, bytes })),
        closed: () => this.later(() => to.input({ kind: 'flowClosed', flow: far })),
      })
      from.input({ kind: 'peerFlowUp', flow, peer: to.hex, secure })
    }
    link(a, flows.a, b, flows.b)
    link(b, flows.b, a, flows.a)
    return flows
  }

  /** Every flow between nodes is gone, at both ends. */
  cutPeerFlows(): void {
    for (const pipe of this.pipes.filter(({ peer }) => peer === true)) {
      this.pipes.splice(this.pipes.indexOf(pipe), 1)
      pipe.node.input({ kind: 'flowClosed', flow: pipe.flow })
    }
  }

  act(node: TestNode, action: SipAction): void {
    switch (action.kind) {
      case 'sendDatagram': {
        const { host, port, bytes } = action
        this.later(() => {
          this.phones
            .find((p) => p.host === host && p.port === port && p.transport === 'udp')
            ?.bytes(bytes, 0)
        })
        return
      }
      case 'sendFlow': {
        const pipe = this.pipes.find((p) => p.node === node && p.flow === action.flow)
        if (pipe !== undefined) this.later(() => pipe.deliver(action.bytes))
        return
      }
      case 'closeFlow': {
        const pipe = this.pipes.find((p) => p.node === node && p.flow === action.flow)
        if (pipe !== undefined) this.later(() => pipe.closed())
        return
      }
      case 'probePeer':
        return // Every node of a test is there.
      case 'openFlow': {
        const { flow, host, port, transport, domain } = action
        const phone = this.phones.find((p) => p.host === host && p.port === port && p.transport === transport)
        // What the TLS shell makes sure of: the certificate names what was asked for.
        const proven = transport !== 'tls' || phone?.identities?.includes(domain) === true
        if (phone === undefined || !proven) {
          this.later(() => node.input({ kind: 'flowFailed', flow, reason: 'refused' }))
          return
        }
        this.pipes.push({
          node,
          flow,
          deliver: (bytes) => phone.bytes(bytes, flow),
          closed: () => phone.closed(flow),
        })
        this.later(() => node.input({ kind: 'flowOpened', flow }))
        return
      }
      case 'publish': {
        node.published.set(action.aor, action.bindings.length)
        if (action.bindings.every(({ secure }) => secure)) node.secureOnly.add(action.aor)
        else node.secureOnly.delete(action.aor)
        const outcome =
          node.publishAnswer === undefined ? { ok: true as const } : node.publishAnswer(action.aor)
        if (outcome !== undefined) this.later(() => node.input({ kind: 'published', id: action.id, outcome }))
        return
      }
      case 'locate': {
        const outcome =
          node.locateAnswer === undefined ? this.lookUp(node, action.aor) : node.locateAnswer(action.aor)
        if (outcome !== undefined) this.later(() => node.input({ kind: 'located', id: action.id, outcome }))
        return
      }
      case 'verifyCaller': {
        const { id, aor, peer } = action
        const named = this.nodes.some((far) => far.hex === peer && (far.published.get(aor) ?? 0) > 0)
        const answer =
          node.callerAnswer === undefined
            ? { verified: named, validMs: named ? 300_000 : 30_000 }
            : node.callerAnswer(aor, peer)
        if (answer !== undefined) this.later(() => node.input({ kind: 'callerVerified', id, ...answer }))
        return
      }
      case 'persist': {
        const { token, operations } = action
        if (node.diskAnswer === undefined) return
        const ok = node.diskAnswer(operations)
        for (const operation of ok ? operations : []) {
          if (operation.kind === 'put') node.disk.set(operation.key, operation.value)
          else node.disk.delete(operation.key)
        }
        this.later(() => node.input({ kind: 'persisted', token, ok }))
        return
      }
      case 'foreignContacts': {
        const { id, aor } = action
        const contacts =
          node.foreignAnswer === undefined ? this.elsewhere(node, aor) : node.foreignAnswer(aor)
        this.later(() => node.input({ kind: 'foreignContacts', id, contacts }))
        return
      }
      case 'openPeerFlow': {
        const { id, address, secure } = action
        this.later(() => this.openPeer(node, id, address, secure))
        return
      }
      case 'decide':
        return // tests of engines look at `actions`
      case 'resolve': {
        const outcome = node.resolveAnswer?.(action.host) ?? {
          ok: false as const,
          status: 404,
          reason: 'No Such Domain',
        }
        this.later(() => node.input({ kind: 'resolved', id: action.id, outcome }))
        return
      }
    }
  }

  /** The honest stand-in for the overlay: every other node that has published bindings of the AOR. */
  private lookUp(asking: TestNode, aor: string): LocateOutcome {
    const targets = this.nodes
      .filter((node) => node !== asking && (node.published.get(aor) ?? 0) > 0)
      .map((node) => ({
        kind: 'peer' as const,
        address: `node:${node.hex}`,
        aor: undefined,
        secureOnly: node.secureOnly.has(aor),
        node: node.hex,
      }))
    const userExists = this.nodes.some((node) => node.accounts.byAor(aor) !== undefined)
    return { kind: 'found', targets, userExists, loop: false }
  }

  /** The same as Contacts. */
  private elsewhere(asking: TestNode, aor: string): ForeignContact[] {
    return this.nodes
      .filter((node) => node !== asking && (node.published.get(aor) ?? 0) > 0)
      .map((node) => ({ uri: `sip:${aor};gr=${node.gr}`, expiresS: 600 }))
  }

  private openPeer(node: TestNode, id: number, address: string, secure: boolean): void {
    const far = this.nodes.find(
      (n) => n !== node && (address === `node:${n.hex}` || address === `gr:${n.gr}`),
    )
    if (far === undefined || !node.peersReachable || this.dead.has(far)) {
      node.input({ kind: 'peerFlow', id, outcome: { ok: false, status: 480, reason: 'No Path' } })
      return
    }
    const { a } = this.join(node, far, secure)
    node.input({ kind: 'peerFlow', id, outcome: { ok: true, flow: a } })
  }

  private setTime(ms: number): void {
    this.now = { ms, wall: this.now.wall + (ms - this.now.ms) }
  }
}

export interface PhoneInit {
  readonly transport?: PhoneTransport
  readonly port?: number
  readonly host?: string
  /** What stands in Contact and Via when a NAT lies between. */
  readonly privateHost?: string
  readonly fromDomain?: string
  /** Leaves rport out of Via. */
  readonly noRport?: boolean
  /** Names that its TLS certificate has proven. */
  readonly identities?: readonly string[]
}

/** A UA that does what a test tells it. */
export class Phone {
  readonly world: SipWorld
  readonly user: string
  readonly node: TestNode
  readonly host: string
  readonly port: number
  readonly transport: PhoneTransport
  readonly shownHost: string
  readonly fromDomain: string
  readonly noRport: boolean
  readonly identities: readonly string[] | undefined
  readonly received: SipMessage[] = []
  /** Reacts to messages as they come in; a test may replace it. */
  onMessage: ((message: SipMessage) => void) | undefined = undefined
  /** Swallows incoming messages, as a dead phone does. */
  drop = false
  flow = 0
  /** Single CRLFs that came on a WebSocket. */
  pongs = 0
  /** Datagrams that only keep a NAT open. */
  emptyLines = 0
  /** What came on a WebSocket and is no whole message: answers to requests that were none either. */
  readonly unreadable: string[] = []
  sourcePort: number
  closedFlows: number[] = []
  private counter = 0
  private nonceCount = 0
  private readonly framers = new Map<number, StreamFramer>()

  constructor(world: SipWorld, user: string, node: TestNode, host: string, init: PhoneInit) {
    this.world = world
    this.user = user
    this.node = node
    this.host = host
    this.transport = init.transport ?? 'udp'
    this.port = init.port ?? 5060
    this.sourcePort = this.transport === 'udp' ? this.port : 40_000
    this.shownHost = init.privateHost ?? host
    this.fromDomain = init.fromDomain ?? DOMAIN
    this.noRport = init.noRport ?? false
    this.identities = init.identities
  }

  get aor(): string {
    return `${this.user}@${this.fromDomain}`
  }

  get contact(): string {
    const transport = this.transport === 'wss' ? 'ws' : this.transport
    return `<sip:${this.user}@${bracketed(this.shownHost)}:${this.port}${transport === 'udp' ? '' : `;transport=${transport}`}>`
  }

  via(branch: string): string {
    const port = this.transport === 'udp' ? this.port : this.sourcePort
    return `SIP/2.0/${this.transport.toUpperCase()} ${bracketed(this.shownHost)}:${port};branch=${branch}${this.noRport ? '' : ';rport'}`
  }

  /** Sends bytes to the node as this phone would. */
  sendRaw(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
    if (this.transport === 'udp') {
      const { host, port } = this
      this.world.later(() => this.node.input({ kind: 'datagram', listener: 0, host, port, bytes }))
    } else {
      if (this.flow === 0) this.flow = this.world.connect(this, this.node)
      const { flow } = this
      this.world.later(() => this.node.input({ kind: 'flowData', flow, bytes }))
    }
    this.world.settle()
  }

  bytes(bytes: Uint8Array, flow: number): void {
    if (this.drop) return
    if (flow === 0) {
      if (bytes.length === 4 && bytes[0] === 13) {
        this.emptyLines++
        return
      }
      const parsed = parseMessage(bytes)
      if (!parsed.ok) throw new Error(`phone cannot read: ${parsed.error.reason}`)
      this.take(parsed.value)
      return
    }
    if (this.transport === 'ws' || this.transport === 'wss') {
      const text = Buffer.from(bytes).toString('latin1')
      const parsed = parseMessage(bytes)
      // RFC 7118 s.5: one message, or a keep-alive.
      if (parsed.ok) this.take(parsed.value)
      else if (text === '\r\n') this.pongs++
      else this.unreadable.push(text)
      return
    }
    let framer = this.framers.get(flow)
    if (framer === undefined) {
      framer = new StreamFramer()
      this.framers.set(flow, framer)
    }
    for (const output of framer.push(bytes, this.world.now.ms)) {
      if (output.kind === 'message') this.take(output.message)
    }
  }

  closed(flow: number): void {
    this.closedFlows.push(flow)
    if (this.flow === flow) this.flow = 0
  }

  /** Ends the connection without a word. */
  disconnect(): void {
    const { flow } = this
    this.flow = 0
    this.world.hangUp(this.node, flow)
    this.world.settle()
  }

  unique(prefix: string): string {
    return `${prefix}-${this.user}-${this.host}-${++this.counter}`
  }

  /** A request outside dialogs; `extra` are whole header lines. */
  request(method: string, uri: string, init: RequestInit = {}): SentRequest {
    const callId = init.callId ?? this.unique('call')
    const branch = init.branch ?? `z9hG4bK${this.unique('b')}`
    const cseq = init.cseq ?? 1
    const fromTag = init.fromTag ?? 'from'
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: ${this.via(branch)}`,
      `Max-Forwards: ${init.maxForwards ?? 70}`,
      `From: ${init.from ?? `<sip:${this.aor}>`};tag=${fromTag}`,
      `To: ${init.to ?? `<${uri}>`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      ...(init.noContact === true ? [] : [`Contact: ${init.contact ?? this.contact}`]),
      ...(init.extra ?? []),
      `Content-Length: ${init.body?.length ?? 0}`,
    ]
    this.sendRaw(`${lines.join('\r\n')}\r\n\r\n${init.body ?? ''}`)
    return { method, uri, callId, branch, cseq, fromTag, init }
  }

  register(init: RequestInit = {}): SentRequest {
    return this.request('REGISTER', `sip:${DOMAIN}`, { to: `<sip:${this.aor}>`, ...init })
  }

  /** Sends the request again with credentials for the challenge in `response`. */
  authenticate(sent: SentRequest, response: SipMessage, override: Partial<DigestAnswer> = {}): SentRequest {
    const proxy = response.status === 407
    const value = response.headers(proxy ? 'proxy-authenticate' : 'www-authenticate')
    const wanted = override.algorithm ?? 'MD5'
    const challenge = value.find((text) => text.includes(`algorithm=${wanted}`)) ?? ''
    const nonce = override.nonce ?? /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
    const username = override.username ?? this.user
    const password = override.password ?? `pw-${username}`
    const nc = (override.nc ?? ++this.nonceCount).toString(16).padStart(8, '0')
    const hash = (text: string): string =>
      createHash(wanted === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex')
    const ha1 = hash(`${username}:${DOMAIN}:${password}`)
    const ha2 = hash(`${sent.method}:${sent.uri}`)
    const answer = hash(`${ha1}:${nonce}:${nc}:cn:auth:${ha2}`)
    const credentials =
      `${proxy ? 'Proxy-Authorization' : 'Authorization'}: Digest username="${username}", realm="${DOMAIN}", ` +
      `nonce="${nonce}", uri="${sent.uri}", response="${answer}", algorithm=${wanted}, qop=auth, nc=${nc}, cnonce="cn"`
    const extra = [...(sent.init.extra ?? []), credentials]
    return this.request(sent.method, sent.uri, {
      ...sent.init,
      callId: sent.callId,
      cseq: sent.cseq + 1,
      extra,
    })
  }

  /** Registers and authenticates when asked to. */
  registerFully(init: RequestInit = {}): SipMessage {
    const sent = this.register(init)
    const first = this.last()
    if (first.status === 401) this.authenticate(sent, first)
    return this.last()
  }

  respond(request: SipMessage, status: number, init: ResponseInit = {}): void {
    const lines = [
      `SIP/2.0 ${status} ${init.reason ?? 'Because'}`,
      ...request.headers('via').map((via) => `Via: ${via}`),
      ...request.headers('record-route').map((route) => `Record-Route: ${route}`),
      `From: ${request.header('from') ?? ''}`,
      `To: ${request.header('to') ?? ''}${request.to.params.has('tag') ? '' : `;tag=${init.tag ?? `t-${this.user}-${this.host}`}`}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.header('cseq') ?? ''}`,
      `Contact: ${init.contact ?? this.contact}`,
      ...(init.extra ?? []),
      'Content-Length: 0',
    ]
    this.sendRaw(`${lines.join('\r\n')}\r\n\r\n`)
  }

  /** ACK of a 2xx, or BYE and the like in the dialog that a response has made for the caller. */
  inDialog(method: string, sent: SentRequest, response: SipMessage, init: RequestInit = {}): SentRequest {
    const routes = response.values('record-route').reverse()
    const contacts = response.contacts()
    const target = contacts.ok && contacts.value !== '*' ? (contacts.value[0]?.uri ?? sent.uri) : sent.uri
    return this.request(method, target, {
      to: response.header('to') ?? '',
      callId: sent.callId,
      cseq: method === 'ACK' ? sent.cseq : sent.cseq + 1,
      fromTag: sent.fromTag,
      ...init,
      extra: [...routes.map((route) => `Route: ${route}`), ...(init.extra ?? [])],
    })
  }

  /** A request of the called side in the dialog that an INVITE has made. */
  fromCallee(method: string, invite: SipMessage, init: RequestInit & { tag?: string } = {}): SentRequest {
    const routes = invite.values('record-route')
    const contacts = invite.contacts()
    const target = contacts.ok && contacts.value !== '*' ? (contacts.value[0]?.uri ?? '') : ''
    return this.request(method, target, {
      from: invite.header('to') ?? '',
      fromTag: init.tag ?? `t-${this.user}-${this.host}`,
      to: invite.header('from') ?? '',
      callId: invite.callId,
      cseq: 1,
      ...init,
      extra: [...routes.map((route) => `Route: ${route}`), ...(init.extra ?? [])],
    })
  }

  cancel(sent: SentRequest, init: RequestInit = {}): SentRequest {
    return this.request('CANCEL', sent.uri, {
      callId: sent.callId,
      branch: sent.branch,
      cseq: sent.cseq,
      fromTag: sent.fromTag,
      noContact: true,
      ...init,
    })
  }

  last(): SipMessage {
    const message = this.received.at(-1)
    if (message === undefined) throw new Error(`${this.user} has received nothing`)
    return message
  }

  requests(method: string): SipMessage[] {
    return this.received.filter((message) => message.method === method)
  }

  responses(method: string, status?: number): SipMessage[] {
    return this.received.filter(
      (m) => !m.isRequest && m.cseq.method === method && (status === undefined || m.status === status),
    )
  }

  /** Statuses of the responses to a method, in order. */
  statuses(method: string): number[] {
    return this.responses(method).map((message) => message.status)
  }

  private take(message: SipMessage): void {
    this.received.push(message)
    this.onMessage?.(message)
  }
}

export interface RequestInit {
  readonly from?: string
  readonly to?: string
  readonly callId?: string
  readonly branch?: string
  readonly cseq?: number
  readonly fromTag?: string
  readonly contact?: string
  readonly noContact?: boolean
  readonly maxForwards?: number
  readonly extra?: readonly string[]
  readonly body?: string
}

export interface ResponseInit {
  readonly reason?: string
  readonly tag?: string
  readonly contact?: string
  readonly extra?: readonly string[]
}

export interface SentRequest {
  readonly method: string
  readonly uri: string
  readonly callId: string
  readonly branch: string
  readonly cseq: number
  readonly fromTag: string
  readonly init: RequestInit
}

export interface DigestAnswer {
  readonly algorithm: 'MD5' | 'SHA-256'
  readonly username: string
  readonly password: string
  readonly nonce: string
  readonly nc: number
}
