/** Certification requests (PKCS#10, RFC 2986). */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'

import * as x509 from '@peculiar/x509'

import { fail, ok, type Result } from '../../common/errors.ts'
import type { KeyAlgorithm } from '../../reload/security/index.ts'

export interface CertificationRequest {
  /** DER SubjectPublicKeyInfo; the request proves that its sender has the private key. */
  readonly publicKeyInfo: Uint8Array
  /**
   * The user name it asks for. RFC 6940 does not say where it stands: an rfc822Name in the requested subjectAltName, else
   * the common name. Undefined when neither is there.
   */
  readonly userName: string | undefined
}

/** A request has a key, a name and a signature; ours are below 1 kB, RSA-4096 below 2 kB. */
const REQUEST_BYTES_MAX = 8192

/**
 * A DER PKCS#10 for a user name, signed with the key it is for. The name stands as rfc822Name and, for servers that look
 * there, as common name.
 */
export async function makeCertificationRequest(
  key: { readonly pkcs8: Uint8Array; readonly publicKeyInfo: Uint8Array; readonly algorithm: KeyAlgorithm },
  userName: string,
): Promise<Uint8Array> {
  const algorithm =
    key.algorithm === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { subtle } = webcrypto
  const [privateKey, publicKey] = await Promise.all([
    subtle.importKey('pkcs8', key.pkcs8, algorithm, false, ['sign']),
    subtle.importKey('spki', key.publicKeyInfo, algorithm, true, ['verify']),
  ])
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: new x509.Name([{ CN: [{ utf8String: userName }] }]),
      keys: { privateKey, publicKey },
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'email', value: userName }])],
    },
    webcrypto,
  )
  return new Uint8Array(request.rawData)
}

/** Reads a DER PKCS#10 and checks that it is signed with its own key. */
export async function readCertificationRequest(
  der: Uint8Array,
): Promise<Result<CertificationRequest, string>> {
  if (der.length > REQUEST_BYTES_MAX) return fail('request too large')
  try {
    const request = new x509.Pkcs10CertificateRequest(der)
    if (!(await request.verify(webcrypto))) return fail('request is not signed with its key')
    const names = userNamesOf(request)
    if (names.length > 1) return fail('request asks for several user names')
    return ok({ publicKeyInfo: new Uint8Array(request.publicKey.rawData), userName: names[0] })
  } catch (error) {
    // The library throws plain errors on malformed ASN.1 and on algorithms that it does not know.
    return fail(`request cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}

function userNamesOf(request: x509.Pkcs10CertificateRequest): string[] {
  const extension = request.getExtension('2.5.29.17')
  const alternative =
    extension === null
      ? []
      : new x509.SubjectAlternativeNameExtension(extension.rawData).names.items
          .filter((name) => name.type === 'email')
          .map((name) => name.value)
  return alternative.length > 0 ? alternative : request.subjectName.getField('CN')
}
