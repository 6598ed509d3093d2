/** What a running node tells people: readiness, itself, its ring, its phones. Answers from memory, asks the overlay for the rest. */
import { accessSync, constants, statfsSync } from 'node:fs'
import type { NodeCore } from '../adapter/index.ts'
import type { AdminNode, Check, CommandResult, UserView } from '../admin/port.ts'
import { toHex } from '../common/bytes.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import type { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import { clock } from '../reload/io/loop.ts'
import { registeredKind, type Credential, type OverlayConfiguration } from '../reload/index.ts'
import { canonicalAor, type SipListener } from '../sip/index.ts'
import { formatHostPort } from './config/endpoint.ts'
import type { Config } from './config/schema.ts'
import type { AccountChange, HostedAccounts } from './hosted-accounts.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { AdvertisedOverlay } from './listeners.ts'
import type { NodeLoop } from './node-loop.ts'
import type { PhoneTlsWatch } from './phone-tls-watch.ts'
import { VERSION } from './version.ts'

/** A self-test older than this does not prove anything any more: two and a half rounds of ten seconds. */
const SELF_TEST_FRESH_MS = 25_000
const READY_POLL_MS = 50
/** Less room than this on the disk, and the next writes of the journal will fail. */
const ROOM_MIN_BYTES = 1_048_576

export interface StatusInit {
  readonly config: Config
  readonly sip: readonly SipListener[]
  readonly advertised: AdvertisedOverlay
  readonly configuration: OverlayConfiguration
  readonly credential: Credential
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
    const { live } = this
    if (live === undefined) return [{ name: 'joined', ok: false, detail: 'starting' }]
    const { state } = live.loop
    const standalone = state === 'isolated' && this.init.config.overlay.standalone
    const joined = state === 'joined' || standalone
    return [
      { name: 'joined', ok: joined, ...(joined ? {} : { detail: `the overlay state is ${state}` }) },
      this.selfTest(live),
      this.journal(live),
      this.certificate(),
      { name: 'phoneCertificate', ...(live.phoneTls.check(Date.now()) ?? { ok: true }) },
      {
        name: 'draining',
        ok: !this.leaving,
        ...(this.leaving ? { detail: 'handing over and leaving' } : {}),
      },
      this.engine(live),
    ]
  }

  peer(): object {
    const { config, sip, advertised, credential } = this.init
    const { configuration } = this
    return {
      nodeId: toHex(credential.nodeId),
      overlay: configuration.instanceName,
      state: this.live?.loop.state ?? 'starting',
      draining: this.leaving,
      version: VERSION,
      pid: process.pid,
      role: config.overlay.role,
      roles: config.sip.roles,
      domains: config.sip.domains.length > 0 ? config.sip.domains : [configuration.instanceName],
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
      userName: credential.certificate.userName,
      certificateNotAfter: new Date(credential.certificate.notAfter).toISOString(),
      startedAt: new Date(this.startedAt).toISOString(),
    }
  }

  ring(): object {
    const nodeId = toHex(this.init.credential.nodeId)
    const { live } = this
    if (live === undefined)
      return { nodeId, state: 'starting', predecessors: [], successors: [], fingers: [], connections: [] }
    const snapshot = live.core.peer.snapshot()
    const now = clock()
    return {
      nodeId,
      overlay: this.configuration.instanceName,
      state: snapshot.state,
      // Nearest first.
      predecessors: snapshot.predecessors.map(toHex),
      successors: snapshot.successors.map(toHex),
      fingers: snapshot.fingers.map(toHex),
      responsible:
        snapshot.responsible === undefined
          ? null
          : { after: toHex(snapshot.responsible.after), through: toHex(snapshot.responsible.through) },
      responsibleShare: snapshot.responsibleShare,
      sizeEstimate: snapshot.sizeEstimate,
      replicaDeficit: snapshot.replicaDeficit,
      connections: snapshot.connections.map((connection) => ({
        nodeId: toHex(connection.nodeId),
        address:
          connection.address === undefined
            ? null
            : formatHostPort({ host: connection.address.address, port: connection.address.port }),
        peer: connection.peer,
        ageS: Math.round((now.ms - connection.since) / 1000),
        bytesIn: connection.bytesIn,
        bytesOut: connection.bytesOut,
        rttMs: connection.rttMs ?? null,
      })),
    }
  }

  storage(): object {
    const use = this.live?.core.peer.snapshot().storage ?? []
    const kinds = use.map(({ kind, role, values, bytes }) => ({
      kind: registeredKind(kind)?.name ?? `0x${kind.toString(16)}`,
      kindId: kind,
      role,
      values,
      bytes,
    }))
    const sum = (of: 'values' | 'bytes'): number => use.reduce((total, each) => total + each[of], 0)
    return { values: sum('values'), bytes: sum('bytes'), kinds }
  }

  bindings(aor: string | undefined): readonly object[] {
    const sip = this.live?.core.sip
    if (sip === undefined) return []
    return sip.bindings(aor === undefined ? undefined : canonical(aor))
  }

  async locate(aor: string): Promise<CommandResult<object>> {
    const name = canonical(aor)
    if (name === undefined) return { ok: false, status: 400, reason: 'user@domain is expected' }
    const answer = await this.query({ kind: 'locate', aor: name })
    return answer.kind === 'located' ? { ok: true, value: answer.location } : asFailure(answer)
  }

  async ping(nodeId: string): Promise<CommandResult<object>> {
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

  async path(aor: string): Promise<CommandResult<object>> {
    if (canonical(aor) === undefined) return { ok: false, status: 400, reason: `not an AOR: ${aor}` }
    const answer = await this.query({ kind: 'path', aor })
    return answer.kind === 'path' ? { ok: true, value: answer.path } : asFailure(answer)
  }

  users(): UserView[] {
    return (this.live?.accounts.book.list() ?? []).map(({ username, aors }) => this.view(username, aors))
  }

  addUser(username: string, password: string): Promise<CommandResult<UserView>> {
    return this.change((accounts) => accounts.add(username, password))
  }

  removeUser(username: string): Promise<CommandResult<UserView>> {
    return this.change((accounts) => accounts.remove(username))
  }

  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { live } = this
    if (live === undefined) return { contentType: 'text/plain', text: '' }
    return { contentType: live.metrics.contentType, text: await live.metrics.text() }
  }

  /** Phones behind an engine are served while it is connected. */
  private engine({ front }: LiveParts): Check {
    const fault = front?.fault
    if (fault === undefined) return { name: 'sip', ok: true }
    const { address } = this.init.config.sip.drachtio
    return { name: 'sip', ok: false, detail: `the drachtio server at ${address} is not connected: ${fault}` }
  }

  private selfTest(live: LiveParts): Check {
    const { lastSuccessMs } = live.core.adapter.snapshot(clock()).selfTest
    const age = lastSuccessMs === undefined ? undefined : performance.now() - lastSuccessMs
    if (age !== undefined && age < SELF_TEST_FRESH_MS) return { name: 'selfTest', ok: true }
    const detail =
      age === undefined ? 'no round has succeeded yet' : `last success ${Math.round(age / 1000)} s ago`
    return { name: 'selfTest', ok: false, detail }
  }

  private journal(live: LiveParts): Check {
    const fault = live.writer.fault ?? unwritable(this.init.dataFolder)
    return fault === undefined ? { name: 'journal', ok: true } : { name: 'journal', ok: false, detail: fault }
  }

  /** Others believe nothing that is signed with an expired one. */
  private certificate(): Check {
    const { notAfter } = this.init.credential.certificate
    if (Date.now() < notAfter) return { name: 'certificate', ok: true }
    const detail = `the node's certificate expired at ${new Date(notAfter).toISOString()}`
    return { name: 'certificate', ok: false, detail }
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
    const registered = aors.some((aor) => this.bindings(aor).length > 0)
    return { username, aors, registered }
  }
}

/** The canonical AOR (adapter-mapping s.1), or undefined. */
function canonical(text: string): string | undefined {
  const aor = canonicalAor(/^sips?:/i.test(text) ? text : `sip:${text}`)
  return aor.ok ? aor.value : undefined
}

function asFailure(answer: { readonly kind: string; readonly reason?: string }): CommandResult<never> {
  return { ok: false, status: 504, reason: answer.reason ?? 'no answer' }
}

function unwritable(folder: string): string | undefined {
  try {
    accessSync(folder, constants.W_OK)
    const { blocks, bavail, bsize } = statfsSync(folder)
    // Some file systems do not say how large they are.
    if (blocks === 0 || bavail * bsize >= ROOM_MIN_BYTES) return undefined
    return `${folder} has ${bavail * bsize} bytes of room left`
  } catch (error) {
    return `${folder} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
  }
}
