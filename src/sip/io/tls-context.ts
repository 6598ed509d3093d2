/** What TLS towards phones is made with: our certificate, whom we believe, what the far end has proven (RFC 5922). */
import { constants } from 'node:crypto'
import { isIP } from 'node:net'
import type { ConnectionOptions, PeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls'
import { provenIdentities, speaksFor, type CertificateNames } from '../transport/index.ts'

/** `none`: nobody is asked. `optional`: asked, and who shows one that cannot be verified stays a stranger. `require`: refused then. */
export type ClientVerification = 'none' | 'optional' | 'require'

export interface TlsSettings {
  /** PEM, the certificates leaf first. Undefined where nothing listens: then none is shown on connections that we open either. */
  readonly identity: { readonly certificates: string; readonly privateKey: string } | undefined
  /** PEM certificates of the authorities to believe. Undefined: the public ones. */
  readonly authorities: readonly string[] | undefined
  readonly verifyClients: ClientVerification
}

/** Why handshakes fail, as p2psip_sip_tls_handshake_failures_total tells it. */
export const HANDSHAKE_FAILURES = ['protocol', 'no_certificate', 'untrusted', 'identity', 'timeout', 'closed']

/** Only of servers: a new handshake inside a connection costs the server more than the client. */
const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants

export function contextOptions({ identity, authorities, verifyClients }: TlsSettings): SecureContextOptions {
  return {
    minVersion: 'TLSv1.2',
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
    ...(identity === undefined ? {} : { cert: identity.certificates, key: identity.privateKey }),
    // A resumed session would not show the client's certificate again.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (verifyClients === 'none' ? 0 : SSL_OP_NO_TICKET),
  }
}

/** RFC 5922 s.7.3: the name to prove is the domain that was asked for, not what DNS made of it. */
export function clientOptions(domain: string): ConnectionOptions {
  return {
    rejectUnauthorized: true,
    // RFC 6066 s.3: no address in a server_name.
    ...(isIP(domain) === 0 ? { servername: domain } : {}),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      speaksFor(namesOf(certificate), domain)
        ? undefined
        : Object.assign(new Error(`the certificate is not for ${domain}`), {
            code: 'ERR_TLS_CERT_ALTNAME_INVALID',
          }),
  }
}

/** Names that the certificate of a client has proven; none when there is no certificate or its chain is not believed. */
export function clientIdentities(socket: TLSSocket): readonly string[] {
  return socket.authorized ? provenIdentities(namesOf(socket.getPeerCertificate())) : []
}

/** The label of a failed handshake. */
export function handshakeFailure(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'identity'
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || code === 'timeout') return 'timeout'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed'
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'no_certificate'
  if (code.startsWith('ERR_SSL_') && !code.includes('CERTIFICATE') && !code.includes('UNKNOWN_CA'))
    return 'protocol'
  return 'untrusted'
}

function namesOf(certificate: PeerCertificate): CertificateNames {
  // An absent certificate is an empty object here.
  const { subjectaltname, subject } = certificate as Partial<PeerCertificate>
  const commonName: unknown = subject?.CN
  return {
    subjectAltName: subjectaltname,
    commonName: typeof commonName === 'string' ? commonName : undefined,
  }
}
