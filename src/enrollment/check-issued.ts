import { bytesEqual } from '../common/bytes.ts'
import { fail, type Result } from '../common/errors.ts'
import type { WallTime } from '../common/time.ts'
import type { Certificate, Trust } from '../reload/security/index.ts'

export interface ExpectedCertificate {
  /** DER SubjectPublicKeyInfo of the request. */
  readonly publicKeyInfo: Uint8Array
  readonly userName: string
}

/**
 * What a client checks on the certificate it was given (RFC 6940 s.11.3): that it chains to a root-cert, carries the key
 * it asked for and the name it asked for. Its Node-IDs are then those of the certificate.
 */
export function checkIssued(
  trust: Trust,
  ders: readonly Uint8Array[],
  expected: ExpectedCertificate,
  wall: WallTime,
): Result<Certificate, string> {
  const accepted = trust.accept(ders, wall)
  if (!accepted.ok) return accepted
  const certificate = accepted.value
  if (!bytesEqual(certificate.publicKeyInfo, expected.publicKeyInfo))
    return fail('certificate is for another key')
  if (certificate.userName !== expected.userName) return fail('certificate is for another user name')
  return accepted
}
