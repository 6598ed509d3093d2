/** Certificates that no authority of ours would make, to show that they are refused. */
import 'reflect-metadata'
import { generateKeyPairSync, randomBytes, webcrypto, type KeyObject } from 'node:crypto'

import * as x509 from '@peculiar/x509'

import { asNodeId, type NodeId } from '../../../../src/reload/codec/index.ts'
import { formatNodeUri } from '../../../../src/reload/security/index.ts'
import { TEST_WALL } from '../../../support/credentials.ts'

const DAY_MS = 86_400_000

export interface Keys {
  readonly pkcs8: Uint8Array
  readonly publicKeyInfo: Uint8Array
  readonly rsa: boolean
}

export interface Odd {
  readonly names?: x509.JsonGeneralNames
  readonly subject?: string
  readonly keys?: Keys
  /** Signs it; itself when undefined. */
  readonly issuer?: { readonly certificate: Uint8Array; readonly keys: Keys }
  readonly ca?: boolean
  readonly pathLength?: number
  readonly keyUsage?: number
  readonly extensions?: x509.Extension[]
  readonly notBefore?: number
  readonly notAfter?: number
}

export function keys(kind: 'P-256' | 'P-384' | 'P-521' | 1024 | 2048): Keys {
  const rsa = typeof kind === 'number'
  const pair: { privateKey: KeyObject; publicKey: KeyObject } = rsa
    ? generateKeyPairSync('rsa', { modulusLength: kind })
    : generateKeyPairSync('ec', { namedCurve: kind })
  return {
    pkcs8: new Uint8Array(pair.privateKey.export({ type: 'pkcs8', format: 'der' })),
    publicKeyInfo: new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' })),
    rsa,
  }
}

export function aNodeId(): NodeId {
  return asNodeId(new Uint8Array(randomBytes(16)))
}

/** The names of a regular certificate. */
export function names(
  nodeIds: readonly NodeId[],
  userName: string,
  overlay = 'example.org',
): x509.JsonGeneralNames {
  return [
    ...nodeIds.map((nodeId) => ({ type: 'url' as const, value: formatNodeUri(nodeId, overlay) })),
    { type: 'email', value: userName },
  ]
}

const DEFAULT_KEYS = keys('P-256')

export async function oddCertificate(odd: Odd): Promise<Uint8Array> {
  const own = odd.keys ?? DEFAULT_KEYS
  const signer = odd.issuer?.keys ?? own
  const algorithm = signer.rsa
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', hash: 'SHA-256', namedCurve: curveOf(signer) }
  const extensions: x509.Extension[] = [...(odd.extensions ?? [])]
  if (odd.names !== undefined) extensions.push(new x509.SubjectAlternativeNameExtension(odd.names, true))
  if (odd.ca !== undefined) extensions.push(new x509.BasicConstraintsExtension(odd.ca, odd.pathLength, true))
  if (odd.keyUsage !== undefined) extensions.push(new x509.KeyUsagesExtension(odd.keyUsage, true))
  const subject = odd.subject ?? ''
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: `40${randomBytes(8).toString('hex')}`,
      subject,
      issuer:
        odd.issuer === undefined ? subject : new x509.X509Certificate(odd.issuer.certificate).subjectName,
      notBefore: new Date(odd.notBefore ?? TEST_WALL - DAY_MS),
      notAfter: new Date(odd.notAfter ?? TEST_WALL + 365 * DAY_MS),
      publicKey: new x509.PublicKey(own.publicKeyInfo),
      signingKey: await webcrypto.subtle.importKey('pkcs8', signer.pkcs8, algorithm, false, ['sign']),
      signingAlgorithm: algorithm,
      extensions,
    },
    webcrypto,
  )
  return new Uint8Array(certificate.rawData)
}

/** A P-256 key has a shorter SubjectPublicKeyInfo than one of P-384. */
function curveOf(of: Keys): string {
  return of.publicKeyInfo.length < 100 ? 'P-256' : of.publicKeyInfo.length < 130 ? 'P-384' : 'P-521'
}
