import type { NodeIdLedger, NodeIdRecord } from './node-id-ledger.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What an authority grants; the defaults are our judgement. */
export interface EnrollmentPolicy {
  /** Milliseconds. RFC 6940 s.13.3: weigh a stolen key's use against the cost of renewal. */
  readonly validityMs: number
  /** Milliseconds that a certificate is valid before its making, for clocks that are behind. */
  readonly backdateMs: number
  readonly rootValidityMs: number
  readonly nodeIdsPerUserMax: number
  /** Most that one request may ask for (RFC 6940 s.11.3, parameter `nodeids`). */
  readonly nodeIdsPerCertificateMax: number
  /** Bytes. */
  readonly nodeIdLength: number
  /** Domains of user names; undefined admits any. */
  readonly domains: readonly string[] | undefined
}

export const DEFAULT_POLICY: EnrollmentPolicy = {
  validityMs: 365 * DAY_MS,
  backdateMs: HOUR_MS,
  rootValidityMs: 3650 * DAY_MS,
  nodeIdsPerUserMax: 32,
  nodeIdsPerCertificateMax: 4,
  nodeIdLength: 16,
  domains: undefined,
}

/** An enrollment authority: one overlay, one root. */
export interface Authority {
  readonly overlayName: string
  /** The `root-cert` of the Configuration Document, DER. */
  readonly rootCertificate: Uint8Array
  /** DER PrivateKeyInfo of the root. Never logged, never served. */
  readonly rootKey: Uint8Array
  readonly policy: EnrollmentPolicy
  readonly ledger: NodeIdLedger
  /** Writes a record for good; no certificate is handed out before. Resolves at once for authorities in memory. */
  readonly persist: (record: NodeIdRecord) => Promise<void>
}
