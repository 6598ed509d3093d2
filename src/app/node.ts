/**
 * The composition root: builds one node from its configuration, in this order: folders, keys, journal, sockets, accounts,
 * machine. Stopping is the same list backwards.
 */
import { X509Certificate } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { NodeCore, type NodeInput } from '../adapter/index.ts'
import { AdminServer } from '../admin/server.ts'
import { toHex } from '../common/bytes.ts'
import { Private } from '../common/pii.ts'
import type { Trace } from '../common/trace.ts'
import { LevelJournal } from '../reload/io/disk-store.ts'
import { TLS_LIMITS, TlsLinks } from '../reload/io/tls-links.ts'
import { FORMER_NEIGHBORS_KEY, NodeCrypto } from '../reload/index.ts'
import { STREAM_LIMITS } from '../sip/io/stream-flows.ts'
import { StreamShells } from '../sip/io/streams.ts'
import { UdpShell } from '../sip/io/udp.ts'
import { WebSocketGate } from '../sip/io/web-socket-gate.ts'
import type { SipListener } from '../sip/index.ts'
import { bootstrapAddresses } from './bootstrap.ts'
import { CallTraces } from './call-traces.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { bindable, formatHostPort, parseHostPort } from './config/endpoint.ts'
import { ConfigError } from './config/fault.ts'
import {
  accountsFile,
  authorityFolder,
  hostedDomains,
  journalFolder,
  realmOf,
  usersFolder,
} from './config/places.ts'
import type { Config } from './config/schema.ts'
import { CryptoRandom } from './crypto-random.ts'
import { httpsFiles, openEnrollmentService, type EnrollmentService } from './enrollment-service.ts'
import { makeFolder, privateFolder } from './files.ts'
import { frontEngine } from './front-engine.ts'
import { HostedAccounts, type FreshAccount } from './hosted-accounts.ts'
import { LiveDocument } from './live-document.ts'
import { JournalWriter } from './journal-writer.ts'
import { bindOverlay, bindSip, bound, type AdvertisedOverlay } from './listeners.ts'
import { nodeMetrics } from './metric-sources.ts'
import { nameResolution } from './name-resolution.ts'
import { NameLookup } from './name-lookup.ts'
import { renewalsOf } from './node-renewals.ts'
import { CallRecorder, RECORDER_LIMITS } from '../trace/recorder.ts'
import { NodeLoop } from './node-loop.ts'
import { PhoneTlsWatch } from './phone-tls-watch.ts'
import { phoneTls, type PhoneTls } from './sip-certificate.ts'
import { stateDump } from './state-dump.ts'
import { NodeStatus } from './node-status.ts'
import { authorityView } from './node-views.ts'
import { Provisioning } from './provisioning.ts'
import { takeOver } from './live-settings.ts'
import { adapterSettings, flowLimits, linkLimits, sipSettings, storageLimits } from './settings.ts'
import { Startup } from './startup.ts'
import { nodeCredential, tlsIdentity } from './trust/node-identity.ts'
import { openOverlay, type Overlay } from './trust/overlay.ts'
import { asConfigError, rootFile } from './trust/overlay-folder.ts'
import { RenewableCredential } from './trust/renewable-credential.ts'
import { sharedSecret } from './trust/shared-secret.ts'
import { UserVault } from './trust/user-vault.ts'
import { VERSION } from './version.ts'

/** How long a leave may take before the node ends without a farewell; SIGTERM to exit is 20 s (contract s.3). */
const LEAVE_WITHIN_MS = 15_000

/** A node that runs. */
export interface RunningNode {
  readonly nodeId: string
  readonly domain: string
  readonly sip: readonly SipListener[]
  /** PEM file of the authority that phones have to trust, when it is the one of this machine. */
  readonly phoneRoot: string | undefined
  readonly overlay: AdvertisedOverlay
  /** host:port */
  readonly admin: string
  /** host:port of the enrollment server, if there is one. */
  readonly enrollment: string | undefined
  /** Accounts made by this start, with their passwords. */
  readonly fresh: readonly FreshAccount[]
  /** All accounts at the start. */
  readonly accounts: number
  /** Resolves once the node has joined and its self-test has passed. */
  ready(): Promise<void>
  /** Reads accounts, certificates and document again and takes over the limits of `next`. Throws `ConfigError`. */
  reload(next?: Config): void
  /** What the node is doing, for the log: no secret, no personal data. */
  state(): Promise<object>
  /** Marks whether a reload of the configuration worked, for the metrics. */
  reloaded(ok: boolean): void
  /** Hands over, leaves, closes everything. */
  stop(): Promise<void>
}

/**
 * Builds and starts a node. Throws `ConfigError` for whatever a person has to mend, and `RingbridgeError` `STOPPED` when
 * `signal` ends the wait for a bootstrap node.
 */
export async function startNode(config: Config, trace: Trace, signal?: AbortSignal): Promise<RunningNode> {
  const startup = new Startup()
  try {
    return await build(config, trace, startup, signal)
  } catch (error) {
    await startup.undo()
    throw error
  }
}

async function build(
  config: Config,
  trace: Trace,
  startup: Startup,
  signal: AbortSignal | undefined,
): Promise<RunningNode> {
  const crypto = new NodeCrypto()
  privateFolder(config.data.dir, 'data.dir')
  const names = new NameLookup()
  const overlay = await openOverlay(crypto, config, trace, names.isTaken)
  startup.onStop(() => overlay.close())
  const { configuration, source } = overlay
  const credential = new RenewableCredential(
    await nodeCredential({ crypto, source, trace }, config, configuration.instanceName),
  )
  const vault = new UserVault(
    { crypto, source, trace },
    { folder: usersFolder(config), overlayName: configuration.instanceName },
  )
  const journal = await asConfigError(LevelJournal.open(journalFolder(config)))
  startup.onStop(() => journal.close())
  const restored: (readonly [string, Uint8Array])[] = []
  for await (const record of journal.load()) restored.push(record)

  // What arrives before the machine is there waits for it; see `Gate`.
  const gate = new Gate()
  const udp = new UdpShell((input) => gate.feed({ kind: 'sip', input }))
  const tls = await phoneTls(config, overlay.authority)
  const streams = new StreamShells((input) => gate.feed({ kind: 'sip', input }), {
    limits: { ...STREAM_LIMITS, ...flowLimits(config) },
    tls: tls.settings,
    gate: webSocketGate(config),
  })
  const keyLogFile = config.overlay.keylog
  const links = new TlsLinks((input) => gate.feed({ kind: 'peer', input }), tlsIdentity(credential), {
    limits: {
      ...TLS_LIMITS,
      ...linkLimits(config),
    },
    ...(keyLogFile === undefined ? {} : { keyLogFile: keyLog(keyLogFile) }),
  })
  startup.onStop(() => udp.close())
  startup.onStop(() => streams.close())
  startup.onStop(() => links.close())
  const sip = await bindSip(config, udp, streams, tls.certificate)
  const advertised = await bindOverlay(config, links)

  const status = new NodeStatus({
    config,
    sip,
    advertised,
    configuration,
    credential,
    dataFolder: config.data.dir,
  })
  const { host, port } = bindable(parseHostPort(config.admin.listen, 'admin.listen'), 'admin.listen')
  const enrollment = await enrollmentOf(config, overlay, trace)
  startup.onStop(async () => enrollment?.close())
  const admin = new AdminServer(status, {
    host,
    port,
    token: config.admin.token,
    version: VERSION,
    audit: ({ action, subject, source, result }) =>
      trace({
        level: 'info',
        area: 'app',
        event: 'audit',
        action,
        subject: new Private(subject),
        source,
        result,
      }),
  })
  startup.onStop(() => admin.close())
  const adminAddress = await bound(admin.listen(), config.admin.listen, 'admin.listen')

  const accounts = new HostedAccounts({
    file: accountsFile(config),
    realm: realmOf(config),
    trace,
    rules: config.sip.hostedUsers,
    algorithms: config.sip.auth === 'digest' ? config.sip.digestAlgorithms : [],
    userHash: config.sip.digestUserHash,
  })
  // Before anybody is waited for: a fault in the file is for now.
  const known = config.sip.roles.length === 0 || accounts.open()
  const entrances =
    config.overlay.bootstrap.length > 0
      ? config.overlay.bootstrap
      : configuration.bootstrapNodes.map((node) => formatHostPort({ host: node.address, port: node.port }))
  const hasFormerNeighbors = restored.some(([name]) => name === FORMER_NEIGHBORS_KEY)
  const found = await bootstrapAddresses(
    { names: entrances, self: advertised.overlay, hasFormerNeighbors, signal },
    trace,
  )
  const bootstrap = found === 'unresolved' ? [] : found
  const founder = found !== 'unresolved' && found.length === 0
  if (founder && config.overlay.role === 'client') {
    throw new ConfigError('"overlay.bootstrap": a client needs a peer to hang on; name one, or be a peer')
  }
  const fresh = known ? [] : accounts.found(founder)
  const recorder = callRecorder(config)
  const core = new NodeCore(
    { crypto, random: new CryptoRandom(), trace, accounts: accounts.book, calls: recorder },
    {
      configuration,
      configurationDocument: overlay.document,
      credential,
      userCredentials: await vault.load(),
      bootstrap,
      advertised,
      role: config.overlay.role,
      founder,
      restored,
      storageLimits: storageLimits(config),
      sip: sipSettings(config, sip, sharedSecret(config)),
      adapter: adapterSettings(config),
    },
  )
  const loop = new NodeLoop(core, trace)
  const front = frontEngine(config, (input) => loop.feed({ kind: 'sip', input }), trace)
  startup.onStop(() => Promise.resolve(front?.close()))
  const writer = new JournalWriter(journal, (input) => loop.feed({ kind: 'peer', input }), trace)
  const provisioning = new Provisioning(vault.enroll, (aor, outcome) =>
    loop.feed({ kind: 'enrolled', aor, outcome }),
  )
  const renewals = renewalsOf({ config, credential, source, vault, loop, links, trace })
  startup.onStop(() => writer.stop())
  startup.onStop(() => provisioning.stop())
  startup.onStop(() => renewals.stop())
  const { authority } = overlay
  const phoneTlsWatch = new PhoneTlsWatch({ config, authority, streams, listeners: sip, trace }, tls)
  startup.onStop(() => Promise.resolve(phoneTlsWatch.stop()))
  const certificateWatch = new CertificateWatch(credential, trace)
  startup.onStop(() => Promise.resolve(certificateWatch.stop()))
  startup.onStop(() => Promise.resolve(loop.stop()))
  loop.attach({
    udp,
    streams,
    dns: nameResolution(config),
    front,
    links,
    journal: writer,
    provisioning,
  })
  const metrics = nodeMetrics({
    core,
    loop,
    status,
    front,
    links,
    streams,
    phoneTls: phoneTlsWatch,
    udp,
    writer,
    vault,
    provisioning,
    admin,
    configuration,
    credential,
    renewals,
    enrollment,
    recorder,
    authority,
  })
  const nodeId = toHex(credential.nodeId)
  status.attach({
    core,
    loop,
    accounts,
    writer,
    metrics,
    phoneTls: phoneTlsWatch,
    front,
    certificates: () =>
      authority === undefined ? [] : [authorityView(new X509Certificate(authority.rootCertificate))],
    userCertificates: () => vault.states(),
    recorder,
    traces:
      recorder === undefined
        ? undefined
        : new CallTraces(recorder, nodeId, () => Promise.resolve({ ok: false, reason: 'not asked' })),
  })
  const documents = new LiveDocument({ overlay, loop, trace }, config)
  loop.watch(
    () => undefined,
    (changed) => {
      status.reconfigured(changed.configuration)
      documents.changed(changed)
    },
  )
  names.open(loop)
  gate.open(loop.feed)
  front?.open()
  loop.feed({ kind: 'peer', input: { kind: 'start' } })
  if (config.sip.roles.length > 0) loop.feed(accounts.hosted())
  trace({
    level: 'info',
    area: 'app',
    event: 'started',
    nodeId,
    overlay: configuration.instanceName,
    founder,
  })

  return {
    nodeId,
    domain: hostedDomains(config)[0] as string,
    sip,
    phoneRoot: phoneRootOf(config, tls),
    overlay: advertised,
    admin: formatHostPort(adminAddress),
    enrollment: enrollment?.address,
    fresh,
    accounts: accounts.book.size,
    ready: () => status.whenReady(),
    reload: (next = config) =>
      takeOver(next, {
        running: config,
        crypto,
        credential,
        overlayName: configuration.instanceName,
        accounts,
        documents,
        loop,
        links,
        streams,
        phoneTls: phoneTlsWatch,
        enrollment,
        trace,
      }),
    state: () => stateDump(status, { core, loop, writer, provisioning, metrics }),
    reloaded: (ok) => status.reloaded(ok),
    stop: async () => {
      status.draining()
      const left = await loop.leave(LEAVE_WITHIN_MS)
      if (!left) trace({ level: 'warn', area: 'app', event: 'leave_timed_out' })
      await startup.undo()
      trace({ level: 'info', area: 'app', event: 'stopped' })
    },
  }
}

/** Undefined when `trace.memory` is 0: then nothing is spent on it. */
function callRecorder({ trace }: Config): CallRecorder | undefined {
  if (trace.memory === 0) return undefined
  return new CallRecorder({ ...RECORDER_LIMITS, bytesMax: trace.memory * 1_048_576 })
}

async function enrollmentOf(
  config: Config,
  { authority }: Overlay,
  trace: Trace,
): Promise<EnrollmentService | undefined> {
  const { listen, names } = config.overlay.enrollment
  const folder = authorityFolder(config)
  if (listen === undefined || authority === undefined || folder === undefined) return undefined
  const files = httpsFiles(config)
  return openEnrollmentService(
    authority,
    { folder, listen, names, files, key: 'overlay.enrollment.listen' },
    trace,
  )
}

function phoneRootOf(config: Config, { certificate }: PhoneTls): string | undefined {
  const folder = authorityFolder(config)
  return certificate?.issuedHere === true && folder !== undefined ? rootFile(folder) : undefined
}

function webSocketGate({ sip }: Config): WebSocketGate {
  const { origins, cookie, secret } = sip.websocket
  const ticket = cookie === undefined || secret === undefined ? undefined : { cookie, secret }
  return new WebSocketGate({ origins, ticket })
}

/** Inputs that arrive while the node is being built wait here, as many as a burst may bring and no more. */
class Gate {
  private waiting: NodeInput[] = []
  private through: ((input: NodeInput) => void) | undefined

  readonly feed = (input: NodeInput): void => {
    if (this.through !== undefined) this.through(input)
    else if (this.waiting.length < WAITING_MAX) this.waiting.push(input)
  }

  open(through: (input: NodeInput) => void): void {
    this.through = through
    const { waiting } = this
    this.waiting = []
    for (const input of waiting) through(input)
  }
}

const WAITING_MAX = 10_000

/** The file for the key log; its folder is made, so that a test only has to name one. */
function keyLog(file: string): string {
  try {
    makeFolder(dirname(file))
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new ConfigError(`${file}: cannot be written; see overlay.keylog`, { cause: error })
  }
  return file
}
