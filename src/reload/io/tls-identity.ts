/** Who the two ends of a TLS link are: what this node shows, and what the far end has shown (RFC 6940 s.6.6.1). */
import type { SecureContextOptions, TLSSocket } from 'node:tls'

export interface TlsIdentity {
  /** PEM, leaf first. */
  readonly certificates: string
  /** PEM, PKCS#8. */
  readonly privateKey: string
}

/** Certificates that a far end may show; more is not a chain but an attack on whoever checks it. */
const CHAIN_LENGTH_MAX = 8

/** A resumed session would not show the chain again, and the core wants to see it on every link. */
const SSL_OP_NO_TICKET = 0x4000

export function secureOptions(identity: TlsIdentity): SecureContextOptions {
  return {
    cert: identity.certificates,
    key: identity.privateKey,
    minVersion: 'TLSv1.2',
    secureOptions: SSL_OP_NO_TICKET,
  }
}

/** DER certificates as the far end showed them, leaf first. */
export function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate = socket.getPeerCertificate(true)
  // An absent certificate is an empty object here; a self-signed one is its own issuer.
  while (certificate?.raw !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    chain.push(certificate.raw)
    const issuer = certificate.issuerCertificate
    if (
      issuer === undefined ||
      issuer === certificate ||
      issuer.fingerprint256 === certificate.fingerprint256
    )
      break
    certificate = issuer
  }
  return chain
}
