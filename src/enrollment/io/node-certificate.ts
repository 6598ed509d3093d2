/**
 * The certificate of a node or user (RFC 6940 s.11.3, RFC 5280), written here rather than by @peculiar/x509, which takes 4 to 10 ms for
 * each: thousands are asked for at once when the phones of a new site get their power. All others are made in certificates.ts.
 */
import { sign } from 'node:crypto'
import type { NodeId } from '../../reload/codec/index.ts'
import { formatNodeUri, GENERAL_NAME } from '../../reload/security/index.ts'
import { issuerParts, serialNumber, type Issuer, type Validity } from './certificates.ts'
import { ascii, objectIdentifier, sequence, TAG, time, tlv } from './der-writer.ts'
import { keyOf } from './key-pair.ts'

export interface NodeTemplate extends Validity {
  readonly overlayName: string
  readonly userName: string
  readonly nodeIds: readonly NodeId[]
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array
}

const NOBODY = sequence()
const VERSION_3 = tlv(0xa0, tlv(TAG.integer, Uint8Array.of(2)))
const CRITICAL = tlv(TAG.boolean, Uint8Array.of(0xff))
const SIGNATURE_ALGORITHM = {
  ecdsa: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), tlv(0x05)),
} as const
const SUBJECT_ALT_NAME = objectIdentifier('2.5.29.17')
/** Not a CA; signs; good for both ends of TLS. */
const CONSTRAINTS = [
  extension(objectIdentifier('2.5.29.19'), sequence(), CRITICAL),
  extension(objectIdentifier('2.5.29.15'), tlv(TAG.bitString, Uint8Array.of(7, 0x80)), CRITICAL),
  extension(
    objectIdentifier('2.5.29.37'),
    sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'), objectIdentifier('1.3.6.1.5.5.7.3.2')),
  ),
]

/**
 * DER. Empty subject, and in a critical subjectAltName (RFC 5280 s.4.2.1.6) one reload URI a Node-ID and the user name. Good for both
 * ends of TLS and for signing data.
 */
export async function makeNodeCertificate(issuer: Issuer, template: NodeTemplate): Promise<Uint8Array> {
  const above = issuer.certificate === undefined ? undefined : await issuerParts(issuer.certificate)
  const names = template.nodeIds.map((nodeId) =>
    tlv(GENERAL_NAME.uri, ascii(formatNodeUri(nodeId, template.overlayName))),
  )
  names.push(tlv(GENERAL_NAME.rfc822Name, ascii(template.userName)))
  const extensions = [extension(SUBJECT_ALT_NAME, sequence(...names), CRITICAL), ...CONSTRAINTS]
  if (above !== undefined) extensions.push(above.keyIdentifier)
  const algorithm = SIGNATURE_ALGORITHM[issuer.algorithm]
  const signed = sequence(
    VERSION_3,
    tlv(TAG.integer, serialNumber()),
    algorithm,
    above?.subject ?? NOBODY,
    sequence(time(template.notBefore), time(template.notAfter)),
    NOBODY,
    template.publicKeyInfo,
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', signed, keyOf(issuer.pkcs8))
  return sequence(signed, algorithm, tlv(TAG.bitString, Uint8Array.of(0), signature))
}

function extension(id: Uint8Array, value: Uint8Array, critical?: Uint8Array): Uint8Array {
  const content = tlv(TAG.octetString, value)
  return critical === undefined ? sequence(id, content) : sequence(id, critical, content)
}
