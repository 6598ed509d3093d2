/** What a running node tells people: readiness, itself, its ring, its phones. Answers from memory, asks the overlay for the rest. */
import type { NodeAnswer, NodeCore } from '../adapter/index.ts'
import type {
  BindingsView,
  LocationView,
  PathView,
  PeerView,
  PingView,
  RatesView,
  RingView,
  StorageView,
  TracesView,
  WalkView,
} from '../admin/answers.ts'
import type { AdminNode, Check, CommandResult, TraceForms, UserView } from '../admin/port.ts'
import { toHex } from '../common/bytes.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import type { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import { clock } from '../reload/io/loop.ts'
import type { Credential, OverlayConfiguration } from '../reload/index.ts'
import { canonicalAor, type SipListener } from '../sip/index.ts'
import type { CallRecorder } from '../trace/recorder.ts'
import type { CallTraces } from './call-traces.ts'
import { formatHostPort } from './config/endpoint.ts'
import type { Config } from './config/schema.ts'
import type { AccountChange, HostedAccounts } from './hosted-accounts.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { AdvertisedOverlay } from './listeners.ts'
import type { NodeLoop } from './node-loop.ts'
import type { PhoneTlsWatch } from './phone-tls-watch.ts'
import { liveRates } from './live-rates.ts'
import { nodeCertificateView, ringView, storageView } from './node-views.ts'
import { readinessChecks } from './readiness.ts'
import type { OwnStanding } from './trust/own-standing.ts'
import { VERSION } from './version.ts'

const READY_POLL_MS = 50
const NOT_AN_AOR = { ok: false, status: 400, reason: 'user@domain is expected' } as const

export interface StatusInit {
  readonly config: Config
  readonly sip: readonly SipListener[]
  readonly advertised: AdvertisedOverlay
  readonly configuration: OverlayConfiguration
  readonly credential: Credential
  readonly standing: OwnStanding
  readonly dataFolder: string
}

/** The machine and what surrounds it, known once the node is built. */
export interface LiveParts {
  readonly core: NodeCore
  readonly loop: NodeLoop
  readonly accounts: HostedAccounts
  readonly writer: JournalWriter
  readonly metrics: MetricsRegistry
  readonly phoneTls: PhoneTlsWatch
  readonly front: DrachtioShell | undefined
  /** Beside the node's own. */
  certificates(): PeerView['certificates']
  userCertificates(): PeerView['userCertificates']
  /** Undefined when no calls are remembered. */
  readonly recorder: CallRecorder | undefined
  readonly traces: CallTraces | undefined
}

export class NodeStatus implements AdminNode {
  readonly startedAt = Date.now()
  lastReload: { ok: boolean; at: number } = { ok: true, at: Date.now() }
  private readonly init: StatusInit
  private live: LiveParts | undefined
  private leaving = false
  private configuration: OverlayConfiguration

  constructor(init: StatusInit) {
    this.init = init
    this.configuration = init.configuration
  }

  attach(live: LiveParts): void {
    this.live = live
  }

  draining(): void {
    this.leaving = true
  }

  get isDraining(): boolean {
    return this.leaving
  }

  /** Another Configuration Document is in force. */
  reconfigured(configuration: OverlayConfiguration): void {
    this.configuration = configuration
  }

  /** Of the Configuration Document in force. */
  get stabilizationIntervalS(): number {
    return this.configuration.chordUpdateIntervalS
  }

  reloaded(ok: boolean): void {
    this.lastReload = { ok, at: ok ? Date.now() : this.lastReload.at }
  }

  /** Resolves once every check passes. */
  async whenReady(): Promise<void> {
    while (this.checks().some((check) => !check.ok)) {
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
    }
  }

  checks(): Check[] {
    const { live, init } = this
    if (live === undefined) return [{ name: 'joined', ok: false, detail: 'starting' }]
    return readinessChecks({
      ...live,
      engine: init.config.sip.drachtio.address,
      credential: init.credential,
      standing: init.standing,
      configuration: this.configuration,
      nowMs: Date.now(),
      dataFolder: init.dataFolder,
      standalone: init.config.overlay.standalone,
      draining: this.leaving,
    })
  }

  peer(): PeerView {
    const { config, sip, advertised, credential } = this.init
    const { configuration, live } = this
    const { userName, notAfter } = credential.certificate
    return {
      nodeId: toHex(credential.nodeId),
      overlay: configuration.instanceName,
      state: live?.loop.state ?? 'starting',
      draining: this.leaving,
      version: VERSION,
      pid: process.pid,
      role: config.overlay.role,
      roles: [...config.sip.roles],
      domains: config.sip.domains.length > 0 ? [...config.sip.domains] : [configuration.instanceName],
      auth: config.sip.auth,
      sip: sip.map(({ transport, host, port, advertisedHost }) => ({
        transport,
        host,
        port,
        advertisedHost,
      })),
      reload: {
        overlay: formatHostPort({ host: advertised.overlay.address, port: advertised.overlay.port }),
        application: formatHostPort({
          host: advertised.application.address,
          port: advertised.application.port,
        }),
      },
      configurationSequence: configuration.sequence,
      userName,
      certificateNotAfter: new Date(notAfter).toISOString(),
      certificates: [nodeCertificateView(credential), ...(live?.certificates() ?? [])],
      userCertificates: live?.userCertificates() ?? { ok: 0, expiring: 0, expired: 0 },
      startedAt: new Date(this.startedAt).toISOString(),
    }
  }

  ring(): RingView {
    const { live } = this
    if (live === undefined) {
      const nodeId = toHex(this.init.credential.nodeId)
      return { nodeId, state: 'starting', predecessors: [], successors: [], fingers: [], connections: [] }
    }
    return ringView(this.configuration.instanceName, live.core.peer.snapshot(), clock().ms)
  }

  /** Begins with everybody who is in the tables here. */
  async walk(): Promise<CommandResult<WalkView>> {
    const { successors, predecessors, fingers, connections } = this.ring()
    const linked = connections.flatMap(({ nodeId, peer }) => (peer ? [nodeId] : []))
    const known = [...new Set([...successors, ...predecessors, ...fingers, ...linked])]
    const answer = await this.query({ kind: 'walk', known })
    if (answer.kind !== 'walked') return asFailure(answer)
    const { walk } = answer
    return { ok: true, value: { ...walk, faults: [...walk.faults], nodes: [...walk.nodes] } }
  }

  storage(): StorageView {
    return storageView(this.live?.core.peer.snapshot().storage ?? [])
  }

  bindings(limit: number): BindingsView {
    return this.heldBindings(undefined, limit)
  }

  bindingsOf(aor: string, limit: number): CommandResult<BindingsView> {
    const name = canonical(aor)
    return name === undefined ? NOT_AN_AOR : { ok: true, value: this.heldBindings(name, limit) }
  }

  async locate(aor: string): Promise<CommandResult<LocationView>> {
    const name = canonical(aor)
    if (name === undefined) return NOT_AN_AOR
    const answer = await this.query({ kind: 'locate', aor: name })
    if (answer.kind !== 'located') return asFailure(answer)
    const { location } = answer
    return {
      ok: true,
      value: { ...location, replicas: [...location.replicas], entries: [...location.entries] },
    }
  }

  async ping(nodeId: string): Promise<CommandResult<PingView>> {
    const digits = 2 * this.configuration.nodeIdLength
    if (nodeId.length !== digits || /^(?:0+|f+)$/i.test(nodeId))
      return {
        ok: false,
        status: 400,
        reason: `a Node-ID of this overlay has ${digits} hex digits, not all 0 or f`,
      }
    const answer = await this.query({ kind: 'ping', nodeId: nodeId.toLowerCase() })
    if (answer.kind !== 'pinged') return asFailure(answer)
    return { ok: true, value: { responder: answer.responder, rttMs: answer.rttMs } }
  }

  async path(aor: string): Promise<CommandResult<PathView>> {
    if (canonical(aor) === undefined) return NOT_AN_AOR
    const answer = await this.query({ kind: 'path', aor })
    if (answer.kind !== 'path') return asFailure(answer)
    return { ok: true, value: { ...answer.path, hops: [...answer.path.hops] } }
  }

  traces(limit: number): TracesView {
    return this.live?.traces?.list(limit) ?? { traces: [], total: 0, bytes: 0 }
  }

  async trace(callId: string, gather: boolean): Promise<CommandResult<TraceForms>> {
    const traces = this.live?.traces
    if (traces === undefined)
      return { ok: false, status: 404, reason: 'no traces are kept here; see trace.memory' }
    return traces.trace(callId, gather)
  }

  rates(): RatesView {
    const { live } = this
    return live === undefined
      ? { at: Date.now(), counters: {}, gauges: {} }
      : liveRates(live.core, live.recorder)
  }

  users(): UserView[] {
    return (this.live?.accounts.book.list() ?? []).map(({ username, aors }) => this.view(username, aors))
  }

  addUser(username: string, password: string): Promise<CommandResult<UserView>> {
    return this.change((accounts) => accounts.add(username, password))
  }

  setPassword(username: string, password: string): Promise<CommandResult<UserView>> {
    return this.change((accounts) => accounts.setPassword(username, password))
  }

  removeUser(username: string): Promise<CommandResult<UserView>> {
    return this.change((accounts) => accounts.remove(username))
  }

  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { live } = this
    if (live === undefined) return { contentType: 'text/plain', text: '' }
    return { contentType: live.metrics.contentType, text: await live.metrics.text() }
  }

  /** `aor` canonical; undefined: of all. */
  private heldBindings(aor: string | undefined, limit: number): BindingsView {
    const found = this.live?.core.sip?.bindings(aor, clock().ms) ?? []
    return { bindings: found.slice(0, limit).map((each) => ({ ...each })), total: found.length }
  }

  private query(query: Parameters<NodeLoop['query']>[0]): ReturnType<NodeLoop['query']> {
    return this.live?.loop.query(query) ?? Promise.resolve({ kind: 'failed', reason: 'starting' })
  }

  private async change(apply: (accounts: HostedAccounts) => AccountChange): Promise<CommandResult<UserView>> {
    const { live } = this
    if (live === undefined) return { ok: false, status: 503, reason: 'starting' }
    const change = await Promise.resolve(apply(live.accounts))
    if (!change.ok) return change
    live.loop.feed(live.accounts.hosted())
    const account = live.accounts.book.byUsername(change.username)
    return { ok: true, value: this.view(change.username, account?.aors ?? []) }
  }

  private view(username: string, aors: readonly string[]): UserView {
    const registered = aors.some((aor) => this.heldBindings(aor, 1).total > 0)
    return { username, aors: [...aors], registered }
  }
}

/** The canonical AOR (adapter-mapping s.1), or undefined. */
function canonical(text: string): string | undefined {
  const aor = canonicalAor(/^sips?:/i.test(text) ? text : `sip:${text}`)
  return aor.ok ? aor.value : undefined
}

function asFailure(answer: NodeAnswer): CommandResult<never> {
  return { ok: false, status: 504, reason: answer.kind === 'failed' ? answer.reason : 'no answer' }
}
