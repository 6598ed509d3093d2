/**
 * Signatures of Configuration Documents and Kinds (RFC 6940 s.11.1): a SecurityBlock over the literal bytes of an
 * element. Its signer is named by Node-ID in the configuration before, so that certificates may be short-lived.
 */
import { concatBytes } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import {
  decodeSecurityBlock,
  encodeSecurityBlock,
  encodeSignerIdentity,
  sameId,
  type NodeId,
} from '../codec/index.ts'
import { bucketOf } from './message-signature.ts'
import type { Credential, CryptoPort } from './port.ts'
import { signerIdentityOf } from './signer-identity.ts'
import type { Signer, Trust } from './trust.ts'

/** Encoded SecurityBlock over `element`, to be put into `<signature>` or `<kind-signature>` in base64. */
export function signDocument(crypto: CryptoPort, credential: Credential, element: Uint8Array): Uint8Array {
  const identity = signerIdentityOf(crypto, credential.certificate, credential.nodeId)
  // The RFC names no input beyond the element; we end it with the identity as everywhere else (s.6.3.4, s.7.1).
  const signature = crypto.sign(credential, concatBytes([element, encodeSignerIdentity(identity)]))
  return encodeSecurityBlock({
    certificates: bucketOf(credential),
    signature: { ...signature, identity },
  })
}

/** `signDocument` as the text of an XML element. */
export function signDocumentBase64(crypto: CryptoPort, credential: Credential, element: Uint8Array): string {
  return Buffer.from(signDocument(crypto, credential, element)).toString('base64')
}

export interface SignedElement {
  /** Literal bytes of `<configuration>` or `<kind>`. */
  readonly signedBytes: Uint8Array
  /** Encoded SecurityBlocks found with it; one good one is enough. */
  readonly signatures: readonly Uint8Array[]
}

/** A document that carries more signatures than this is not looked at further. */
const SIGNATURES_MAX = 8

/**
 * Who signed an element: one of `signers`, which are the configuration-signers (or kind-signers) of the configuration
 * in force, under the trust of that configuration. A first document from an authenticated channel (HTTPS, a local file)
 * needs no signature and is not brought here.
 */
export function verifyDocument(
  crypto: CryptoPort,
  trust: Trust,
  signed: SignedElement,
  signers: readonly NodeId[],
  wall: WallTime,
): Result<Signer, string> {
  let reason = 'not signed'
  for (const encoded of signed.signatures.slice(0, SIGNATURES_MAX)) {
    const verified = verifyOne(crypto, trust, signed.signedBytes, encoded, signers, wall)
    if (verified.ok) return verified
    reason = verified.error
  }
  return fail(reason)
}

function verifyOne(
  crypto: CryptoPort,
  trust: Trust,
  element: Uint8Array,
  encoded: Uint8Array,
  signers: readonly NodeId[],
  wall: WallTime,
): Result<Signer, string> {
  const block = decodeSecurityBlock(encoded)
  if (!block.ok) return fail(`document signature: ${block.error.reason}`)
  const { certificates, signature } = block.value
  const pool = trust.poolOf(certificates)
  const signer = trust.find(signature.identity, pool)
  if (signer === undefined) return fail('no certificate fits the signer of the document')
  if (!signers.some((nodeId) => sameId(nodeId, signer.nodeId)))
    return fail('signer may not sign this document')
  const judged = trust.judge(signer.certificate, pool, wall)
  if (!judged.ok) return judged
  const withIdentity = concatBytes([element, encodeSignerIdentity(signature.identity)])
  // The element alone is what a literal reading of RFC 6940 s.11.1 signs; the signer is proven either way.
  for (const input of [withIdentity, element]) {
    if (crypto.verify(signer.certificate, signature, input)) return ok(signer)
  }
  return fail('document signature is wrong')
}
