/** Where each metric is read: hangs the tallies, histograms and snapshots of the machines on the catalogue. */
import { X509Certificate } from 'node:crypto'
import type { NodeCore } from '../adapter/index.ts'
import type { AdminServer } from '../admin/server.ts'
import { key, type Credential, type OverlayConfiguration } from '../reload/index.ts'
import { MetricsRegistry, type Readings } from '../metrics/registry.ts'
import { clock } from '../reload/io/loop.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import type { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import type { CallRecorder } from '../trace/recorder.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import type { UdpShell } from '../sip/io/udp.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import type { EnrollmentService } from './enrollment-service.ts'
import type { HepExport } from './hep-export.ts'
import type { JournalWriter } from './journal-writer.ts'
import { machineReadings } from './machine-metrics.ts'
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

export function nodeMetrics(parts: MetricParts): MetricsRegistry {
  const { core, loop, status, front, recorder } = parts
  return new MetricsRegistry(
    {
      ...machineReadings({
        core,
        recorder,
        now: clock,
        state: () => loop.state,
        stabilizationIntervalS: () => status.stabilizationIntervalS,
      }),
      ...processReadings(parts),
      ...socketReadings(parts),
      ...engineReadings(front),
    },
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
    rateLimited: [admin.rateLimited, ...(core.sip === undefined ? [] : [core.sip.instruments.rateLimits])],
    journalWriteSeconds: writer.writeSeconds,
    journalFailures: writer.failures,
    enrollments: provisioning.results,
    enrollmentQueue: () => Object.entries(provisioning.waiting),
    userCertificates: () => Object.entries(vault.states((aor) => core.hosts(aor))),
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

/** Links, streams and datagrams: the shells know why a connection ended; flows of peers have metrics of their own. */
function socketReadings({ core: { sip }, links, streams, udp }: MetricParts): Readings {
  return {
    linksActive: () => [['tls', links.active]],
    linkSetup: links.setupSeconds,
    linkFailures: links.failures,
    sipConnectionsRefused: streams.flows.refused,
    sipConnectionsOpened: streams.flows.opened,
    sipConnectionsClosed: streams.flows.closed,
    sipSendFailures: udp.sendFailures,
    sipTlsHandshakeFailures: streams.handshakeFailures,
    registrarKeepalive: [
      streams.keepaliveFailures,
      ...(sip === undefined ? [] : [sip.instruments.registrarKeepalive]),
    ],
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
