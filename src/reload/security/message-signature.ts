/** Signature of a whole message (RFC 6940 s.6.3.4), made by its originator and checked by its last destination. */
import { Writer } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import {
  CERTIFICATE_X509,
  type GenericCertificate,
  type Message,
  type SecurityBlock,
  type SignerIdentity,
  type TransactionId,
  writeSignerIdentity,
} from '../codec/index.ts'
import type { Certificate, Credential, CryptoPort } from './port.ts'
import { signerIdentityOf } from './signer-identity.ts'
import type { Signer, Trust } from './trust.ts'

export interface MessageToSign {
  /** Overlay field of the forwarding header. */
  readonly overlay: number
  readonly transactionId: TransactionId
  /** Encoded MessageContents. */
  readonly contentsBytes: Uint8Array
  /** Certificates that the values inside need; duplicates do no harm. */
  readonly extraCertificates?: readonly Certificate[]
}

/** The SecurityBlock of a message of ours: signature, and every certificate needed to check it and the values inside. */
export function signMessage(
  crypto: CryptoPort,
  credential: Credential,
  message: MessageToSign,
): SecurityBlock {
  const { certificate } = credential
  const identity = signerIdentityOf(crypto, certificate, credential.nodeId)
  const input = signedBytes(message.overlay, message.transactionId, message.contentsBytes, identity)
  const { hashAlgorithm, signatureAlgorithm, value } = crypto.sign(credential, input)
  return {
    certificates: bucketOf(credential, message.extraCertificates),
    signature: { hashAlgorithm, signatureAlgorithm, identity, value },
  }
}

/** Who signed `message`; a failure means that it must be dropped without a word (RFC 6940 s.6.3.4). */
export function verifyMessage(
  crypto: CryptoPort,
  trust: Trust,
  message: Message,
  wall: WallTime,
): Result<Signer, string> {
  const { signature, certificates } = message.security
  const pool = trust.poolOf(certificates)
  const signer = trust.find(signature.identity, pool)
  if (signer === undefined) return fail('no certificate fits the signer identity')
  const judged = trust.judge(signer.certificate, pool, wall)
  if (!judged.ok) return judged
  const { overlay, transactionId } = message.header
  const input = signedBytes(overlay, transactionId, message.contentsBytes, signature.identity)
  return crypto.verify(signer.certificate, signature, input) ? ok(signer) : fail('message signature is wrong')
}

/** The certificates of who signs and those that go along, each distinct one once, in that order (RFC 6940 s.6.3.4). */
export function bucketOf(
  { certificate, chain }: Credential,
  extraCertificates: readonly Certificate[] = NONE,
): GenericCertificate[] {
  const distinct = [certificate]
  if (chain !== undefined) addMissing(distinct, chain)
  addMissing(distinct, extraCertificates)
  return distinct.map(({ der }) => ({ type: CERTIFICATE_X509, certificate: der }))
}

/** Of a few, nearly always none or one: looking through them costs less than a Set. */
function addMissing(distinct: Certificate[], certificates: readonly Certificate[]): void {
  for (const certificate of certificates) {
    if (!distinct.some(({ fingerprint }) => fingerprint === certificate.fingerprint))
      distinct.push(certificate)
  }
}

const NONE: readonly Certificate[] = []

function signedBytes(
  overlay: number,
  transactionId: TransactionId,
  contentsBytes: Uint8Array,
  identity: SignerIdentity,
): Uint8Array {
  const writer = new Writer()
  writer.u32(overlay)
  writer.u64(transactionId)
  writer.bytes(contentsBytes)
  writeSignerIdentity(writer, identity)
  return writer.donePassing()
}
