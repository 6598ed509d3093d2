/** Where each metric is read: hangs the tallies, histograms and snapshots of the machines on the catalogue. */
import { X509Certificate } from 'node:crypto'
import type { NodeCore } from '../adapter/index.ts'
import type { AdminServer } from '../admin/server.ts'
import { key } from '../reload/index.ts'
import { ChurnEstimate } from '../metrics/churn-estimate.ts'
import { MetricsRegistry, type Readings } from '../metrics/registry.ts'
import { clock } from '../reload/io/loop.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import { registeredKind, type Credential, type OverlayConfiguration } from '../reload/index.ts'
import type { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import type { CallRecorder } from '../trace/recorder.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import type { UdpShell } from '../sip/io/udp.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import type { EnrollmentService } from './enrollment-service.ts'
import type { HepExport } from './hep-export.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { NodeLoop } from './node-loop.ts'
import type { NodeStatus } from './node-status.ts'
import type { PhoneTlsWatch } from './phone-tls-watch.ts'
import type { Provisioning } from './provisioning.ts'
import type { Renewals } from './renewals.ts'
import type { UserVault } from './trust/user-vault.ts'
import { VERSION } from './version.ts'

export interface MetricParts {
  readonly core: NodeCore
  readonly loop: NodeLoop
  readonly status: NodeStatus
  readonly front: DrachtioShell | undefined
  readonly links: TlsLinks
  readonly streams: StreamShells
  readonly phoneTls: PhoneTlsWatch
  readonly udp: UdpShell
  readonly writer: JournalWriter
  readonly vault: UserVault
  readonly provisioning: Provisioning
  readonly admin: AdminServer
  readonly configuration: OverlayConfiguration
  readonly credential: Credential
  readonly renewals: Renewals
  readonly enrollment: EnrollmentService | undefined
  readonly recorder: CallRecorder | undefined
  readonly hep: HepExport | undefined
  readonly authority: StoredAuthority | undefined
}

const STATES = ['starting', 'joining', 'joined', 'isolated', 'leaving', 'left'] as const

export function nodeMetrics(parts: MetricParts): MetricsRegistry {
  return new MetricsRegistry(
    { ...processReadings(parts), ...sipReadings(parts), ...overlayReadings(parts) },
    { process: true },
  )
}

function processReadings({
  core,
  status,
  admin,
  writer,
  vault,
  provisioning,
  credential,
  configuration,
  renewals,
  enrollment,
  recorder,
  hep,
  authority,
  phoneTls,
}: MetricParts): Readings {
  const authorityEnd =
    authority === undefined ? undefined : Date.parse(new X509Certificate(authority.rootCertificate).validTo)
  const commit = process.env['RINGBRIDGE_COMMIT'] ?? 'unknown'
  return {
    buildInfo: () => [[`${VERSION}|${process.version}|${commit}`, 1]],
    nodeInfo: () => [
      [`${key(credential.nodeId)}|${configuration.instanceName}|${configuration.topologyPlugin}`, 1],
    ],
    startTime: () => status.startedAt / 1000,
    reloadSuccessful: () => (status.lastReload.ok ? 1 : 0),
    reloadTime: () => status.lastReload.at / 1000,
    ready: () => status.checks().map(({ name, ok }) => [name, ok ? 1 : 0] as const),
    draining: () => (status.isDraining ? 1 : 0),
    ...(hep === undefined ? {} : { hepPackets: hep.packets }),
    traceBufferCalls: () => recorder?.size ?? 0,
    sipDialogs: () => recorder?.dialogs.count(clock().ms) ?? 0,
    rateLimited: [admin.rateLimited, ...(core.sip === undefined ? [] : [core.sip.instruments.rateLimits])],
    journalWriteSeconds: writer.writeSeconds,
    journalFailures: writer.failures,
    enrollments: provisioning.results,
    enrollmentQueue: () => Object.entries(provisioning.waiting),
    userCertificates: () => Object.entries(vault.states()),
    certificateExpiry: () => [
      ['node', credential.certificate.notAfter / 1000],
      ...(phoneTls.notAfter === undefined ? [] : [['sip_tls', phoneTls.notAfter / 1000] as const]),
      ...(authorityEnd === undefined ? [] : [['enrollment_ca', authorityEnd / 1000] as const]),
    ],
    certificateRenewals: renewals.results,
    ...(enrollment === undefined
      ? {}
      : { enrollmentRequests: enrollment.enrollments, documentRequests: enrollment.documents }),
  }
}

function overlayReadings({ core, loop, links, status }: MetricParts): Readings {
  const { peer, adapter, instruments } = core
  const { neighborChanges } = peer.instruments
  const churn = new ChurnEstimate(
    () => {
      const { successors, predecessors, sizeEstimate } = peer.snapshot()
      return {
        joins: neighborChanges.get('join'),
        leaves: neighborChanges.get('leave') + neighborChanges.get('timeout'),
        neighbors: new Set([...successors, ...predecessors].map(key)).size,
        size: sizeEstimate,
      }
    },
    () => clock().ms,
  )
  const use = (of: 'values' | 'bytes') => () =>
    peer
      .snapshot()
      .storage.map(
        (each) => [`${registeredKind(each.kind)?.name ?? 'other'}|${each.role}`, each[of]] as const,
      )
  return {
    overlayState: () => STATES.map((state) => [state, loop.state === state ? 1 : 0] as const),
    overlayPeers: () => {
      const { successors, predecessors, fingers, connections } = peer.snapshot()
      return [
        ['successor', successors.length],
        ['predecessor', predecessors.length],
        ['finger', fingers.length],
        ['connection', connections.length],
      ]
    },
    overlaySize: () => peer.snapshot().sizeEstimate,
    overlayJoinRate: () => churn.perSecond('joins'),
    overlayLeaveRate: () => churn.perSecond('leaves'),
    overlayStabilization: () => status.stabilizationIntervalS,
    overlayMessages: peer.instruments.messages,
    overlayBytes: peer.instruments.bytes,
    overlayForwarded: peer.instruments.forwarded,
    overlayDropped: peer.instruments.dropped,
    overlayRequestSeconds: peer.instruments.requestSeconds,
    overlayRequestHops: peer.instruments.requestHops,
    overlayRetries: peer.instruments.retries,
    overlayErrors: peer.instruments.errors,
    overlayRollbacks: peer.instruments.rollbacks,
    overlayNeighborChanges: neighborChanges,
    overlaySelfTest: () => adapter.snapshot(clock()).selfTest.successRatio,
    linksActive: () => [['tls', links.active]],
    linkSetup: links.setupSeconds,
    linkFailures: links.failures,
    appFlows: () => Object.entries(adapter.snapshot(clock()).flows),
    appFlowSetup: instruments.flowSetupSeconds,
    appFlowReused: instruments.flowsReused,
    storageValues: use('values'),
    storageBytes: use('bytes'),
    storageRequests: peer.storageInstruments.requests,
    storageReplicationLag: peer.instruments.replicationLagSeconds,
    storageReplicaDeficit: () => peer.snapshot().replicaDeficit,
    signatures: peer.instruments.signatures,
    registrarSync: () => (adapter.snapshot(clock()).missing === 0 ? 1 : 0),
    registrarMissing: () => adapter.snapshot(clock()).missing,
  }
}

/** The SIP core names its instruments as the catalogue does. */
function sipReadings({ core, streams, udp, front }: MetricParts): Readings {
  const { sip } = core
  const sockets: Readings = {
    sipConnectionsRefused: streams.flows.refused,
    sipSendFailures: udp.sendFailures,
    sipTlsHandshakeFailures: streams.handshakeFailures,
    registrarKeepalive: streams.keepaliveFailures,
  }
  if (sip === undefined) return sockets
  const snapshot = () => sip.snapshot()
  return {
    ...sockets,
    ...sip.instruments,
    registrarKeepalive: [streams.keepaliveFailures, sip.instruments.registrarKeepalive],
    ...engineReadings(front),
    // The shells know why a connection ended; flows of peers have metrics of their own.
    sipConnectionsOpened: streams.flows.opened,
    sipConnectionsClosed: streams.flows.closed,
    sipTransactions: () => snapshot().transactions,
    sipConnections: () => snapshot().connections,
    registrarBindings: () => snapshot().bindings,
    sipTrunks: () => snapshot().trunks,
    registrarAors: () => snapshot().aors,
    registrarWaiting: () => Object.entries(snapshot().registersWaiting),
    bansActive: () => [['auth', snapshot().blocked]],
  }
}

/** Decisions are counted by the core. */
function engineReadings(front: DrachtioShell | undefined): Readings {
  if (front === undefined) return {}
  return {
    engineConnected: () => [['drachtio', front.fault === undefined ? 1 : 0]],
    engineReconnects: () => front.reconnects,
    engineFailures: front.failures,
  }
}
