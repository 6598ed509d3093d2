/**
 * The composition root: builds one node from its configuration, in this order: folders, keys, journal, sockets, accounts,
 * machine. Stopping is the same list backwards.
 */
import { X509Certificate } from 'node:crypto'
import { NodeCore } from '../adapter/index.ts'
import { AdminServer } from '../admin/server.ts'
import { toHex } from '../common/bytes.ts'
import { Private } from '../common/pii.ts'
import type { Trace } from '../common/trace.ts'
import type { SipListener } from '../sip/index.ts'
import { CallTraces } from './call-traces.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { bindable, formatHostPort, parseHostPort } from './config/endpoint.ts'
import { accountsFile, authorityFolder, hostedDomains, realmOf } from './config/places.ts'
import type { Config } from './config/schema.ts'
import { CryptoRandom } from './crypto-random.ts'
import { configuredEnrollmentService } from './enrollment-service.ts'
import { EntranceWatch } from './entrance-watch.ts'
import { entrancesOf } from './entrances.ts'
import { frontEngine } from './front-engine.ts'
import { Gate } from './gate.ts'
import { hepExport, type HepExport } from './hep-export.ts'
import { HostedAccounts, type FreshAccount } from './hosted-accounts.ts'
import { LiveDocument } from './live-document.ts'
import { JournalWriter } from './journal-writer.ts'
import { otherNodes } from './other-nodes.ts'
import { bound, type AdvertisedOverlay } from './listeners.ts'
import { nodeMetrics } from './metric-sources.ts'
import { nameResolution } from './name-resolution.ts'
import { renewalsOf } from './node-renewals.ts'
import { CallRecorder, RECORDER_LIMITS } from '../trace/recorder.ts'
import { callReport } from '../trace/report.ts'
import { openFoundation } from './node-foundation.ts'
import { NodeLoop } from './node-loop.ts'
import { openSockets } from './node-sockets.ts'
import { PhoneTlsWatch } from './phone-tls-watch.ts'
import type { PhoneTls } from './sip-certificate.ts'
import { stateDump } from './state-dump.ts'
import { NodeStatus } from './node-status.ts'
import { authorityView } from './node-views.ts'
import { Provisioning } from './provisioning.ts'
import { takeOver } from './live-settings.ts'
import { adapterSettings, sipSettings, storageLimits } from './settings.ts'
import { Startup } from './startup.ts'
import { rootFile } from './trust/overlay-folder.ts'
import { sharedSecret } from './trust/shared-secret.ts'
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
 * `signal` ends the wait for a server of the overlay or a bootstrap node.
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
  const foundation = await openFoundation(config, trace, startup, signal)
  const { crypto, overlay, names, credential, vault, journal, restored } = foundation
  const { configuration, source } = overlay
  const gate = new Gate()
  const { udp, streams, links, tls, sip, advertised } = await openSockets(
    config,
    foundation,
    gate.feed,
    startup,
  )

  const status = new NodeStatus({
    config,
    sip,
    advertised,
    configuration,
    credential,
    standing: foundation.standing,
    dataFolder: config.data.dir,
  })
  const { host, port } = bindable(parseHostPort(config.admin.listen, 'admin.listen'), 'admin.listen')
  const enrollment = await configuredEnrollmentService(config, overlay, trace)
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
  const {
    founder,
    names: bootstrapNames,
    ...entrances
  } = await entrancesOf(config, configuration, {
    self: advertised.overlay,
    restored,
    signal,
    trace,
  })
  const fresh = known ? [] : accounts.found(founder)
  const nodeId = toHex(credential.nodeId)
  const hep = hepExport(config, nodeId, sip)
  startup.onStop(() => Promise.resolve(hep?.close()))
  const recorder = callRecorder(config, hep)
  const memory = config.trace.memory === 0 ? undefined : recorder
  const report =
    memory === undefined || !config.trace.share
      ? undefined
      : callReport(memory, nodeId, (transaction) => core.peer.served(transaction))
  const core: NodeCore = new NodeCore(
    { crypto, random: new CryptoRandom(), trace, accounts: accounts.book, calls: recorder, report },
    {
      configuration,
      configurationDocument: overlay.document,
      credential,
      userCredentials: await vault.load(),
      ...entrances,
      advertised,
      role: config.overlay.role,
      founder,
      restored,
      storageLimits: storageLimits(config),
      sip: sipSettings(config, sip, sharedSecret(config)),
      adapter: adapterSettings(config, sip),
    },
  )
  const loop = new NodeLoop(core, trace)
  const hosts = (aor: string): boolean => core.hosts(aor)
  const front = frontEngine(config, (input) => loop.feed({ kind: 'sip', input }), trace)
  startup.onStop(() => Promise.resolve(front?.close()))
  const writer = new JournalWriter(journal, (input) => loop.feed({ kind: 'peer', input }), trace)
  const provisioning = new Provisioning(vault.enroll, (aor, outcome) =>
    loop.feed({ kind: 'enrolled', aor, outcome }),
  )
  const renewals = renewalsOf({ config, credential, source, vault, loop, hosts, links, trace })
  startup.onStop(() => writer.stop())
  startup.onStop(() => provisioning.stop())
  startup.onStop(() => renewals.stop())
  const { authority } = overlay
  const phoneTlsWatch = new PhoneTlsWatch({ config, authority, streams, listeners: sip, trace }, tls)
  startup.onStop(() => Promise.resolve(phoneTlsWatch.stop()))
  const entranceWatch = new EntranceWatch(
    { names: bootstrapNames, self: advertised.overlay, known: entrances },
    (now) => loop.feed({ kind: 'peer', input: { kind: 'entrances', entrances: now } }),
    trace,
  )
  startup.onStop(() => Promise.resolve(entranceWatch.stop()))
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
    hep,
    authority,
  })
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
    userCertificates: () => vault.states(hosts),
    recorder,
    traces: memory === undefined ? undefined : new CallTraces(memory, nodeId, otherNodes(loop)),
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
        vault,
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

/** Undefined when `trace.memory` is 0 and nobody collects: then nothing is spent on it. */
function callRecorder({ trace }: Config, hep: HepExport | undefined): CallRecorder | undefined {
  if (trace.memory === 0 && hep === undefined) return undefined
  const limits = { ...RECORDER_LIMITS, bytesMax: trace.memory * 1_048_576 }
  return new CallRecorder(new CryptoRandom().u64(), limits, hep?.push)
}

function phoneRootOf(config: Config, { certificate }: PhoneTls): string | undefined {
  const folder = authorityFolder(config)
  return certificate?.issuedHere === true && folder !== undefined ? rootFile(folder) : undefined
}
