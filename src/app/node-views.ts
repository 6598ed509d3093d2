/** Snapshots of a node as the admin API shows them: plain values, ids in hex. */
import type { X509Certificate } from 'node:crypto'
import type { PeerView, RingView, StorageView } from '../admin/answers.ts'
import { toHex } from '../common/bytes.ts'
import type { Millis } from '../common/time.ts'
import { registeredKind, type Credential, type PeerSnapshot, type StorageUse } from '../reload/index.ts'
import { formatHostPort } from './config/endpoint.ts'

export function ringView(overlay: string, snapshot: PeerSnapshot, now: Millis): RingView {
  const { responsible } = snapshot
  return {
    nodeId: toHex(snapshot.nodeId),
    overlay,
    state: snapshot.state,
    // Nearest first.
    predecessors: snapshot.predecessors.map(toHex),
    successors: snapshot.successors.map(toHex),
    fingers: snapshot.fingers.map(toHex),
    responsible:
      responsible === undefined
        ? null
        : { after: toHex(responsible.after), through: toHex(responsible.through) },
    responsibleShare: snapshot.responsibleShare,
    sizeEstimate: snapshot.sizeEstimate,
    replicaDeficit: snapshot.replicaDeficit,
    connections: snapshot.connections.map(({ nodeId, address, peer, since, bytesIn, bytesOut, rttMs }) => ({
      nodeId: toHex(nodeId),
      address: address === undefined ? null : formatHostPort({ host: address.address, port: address.port }),
      peer,
      ageS: Math.round((now - since) / 1000),
      bytesIn,
      bytesOut,
      rttMs: rttMs ?? null,
    })),
  }
}

export function storageView(use: readonly StorageUse[]): StorageView {
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

type CertificateView = PeerView['certificates'][number]

export function nodeCertificateView({ certificate }: Credential): CertificateView {
  return {
    use: 'node',
    name: certificate.userName,
    notBefore: new Date(certificate.notBefore).toISOString(),
    notAfter: new Date(certificate.notAfter).toISOString(),
  }
}

export function authorityView(certificate: X509Certificate): CertificateView {
  return {
    use: 'enrollment_ca',
    name: certificate.subject.replace(/^CN=/, ''),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  }
}
