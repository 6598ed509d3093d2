import type { Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'

/** A parsed X.509 certificate with its RELOAD identities (RFC 6940 s.11.3). Parsing proves nothing: see trust.ts. */
export interface Certificate {
  readonly der: Uint8Array
  /** SHA-256 of the DER, the value of a cert_hash SignerIdentity. */
  readonly sha256: Uint8Array
  /** Lower-case hex of `sha256`: the map key of a certificate. */
  readonly fingerprint: string
  readonly nodeIds: readonly NodeId[]
  /** The rfc822Name, byte for byte; empty when there is none. */
  readonly userName: string
  readonly notBefore: WallTime
  readonly notAfter: WallTime
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array
  /** BasicConstraints CA, and KeyUsage (when present) allows certificate signing. */
  readonly isCa: boolean
  /** Most CA certificates that may follow below this one; absent means any number (RFC 5280 s.4.2.1.9). */
  readonly pathLength?: number
  /** Owned by the crypto port: what it wants to know of the certificate without reading it again. */
  readonly handle: unknown
}

/** A private key with its certificate: what this node signs with. One for the node, one for each hosted user. */
export interface Credential {
  readonly certificate: Certificate
  /** The Node-ID in use; the only one of the certificate as we enroll them. */
  readonly nodeId: NodeId
  readonly algorithm: 'ecdsa' | 'rsa'
  /** Owned by the crypto port. Never logged, never exported. */
  readonly key: unknown
  /** CA certificates between this one and the root; they travel with every signature. Absent means none. */
  readonly chain?: readonly Certificate[]
}

export interface RawSignature {
  readonly hashAlgorithm: number
  readonly signatureAlgorithm: number
  readonly value: Uint8Array
}

/** Everything cryptographic, synchronous. Real: node-crypto.ts. Large simulations use a keyed-hash stand-in. */
export interface CryptoPort {
  hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array
  /** SHA-256 in lower-case hex, where it is a name. */
  fingerprint(bytes: Uint8Array): string
  /** Node-IDs are taken only from reload URIs of `overlayName` (RFC 6940 s.11.3). */
  parseCertificate(der: Uint8Array, overlayName: string): Result<Certificate, string>
  /** True when `issuer`'s key signed `certificate`; validity and constraints are checked by trust.ts. */
  issued(issuer: Certificate, certificate: Certificate): boolean
  sign(credential: Credential, data: Uint8Array): RawSignature
  verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean
}
