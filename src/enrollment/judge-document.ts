/** Whether a fetched Configuration Document replaces the one in force (RFC 6940 s.11.1, s.11.2). */
import { bytesEqual } from '../common/bytes.ts'
import { fail, ok, type Result } from '../common/errors.ts'
import type { WallTime } from '../common/time.ts'
import {
  compareSequence,
  parseConfiguration,
  type OverlayConfiguration,
  type ParsedConfiguration,
} from '../reload/config/index.ts'
import { trustOf, verifyDocument, type CryptoPort } from '../reload/security/index.ts'

/** A document that was believed, with the bytes it came in. */
export interface OverlayDocument {
  /** The whole file. */
  readonly bytes: Uint8Array
  readonly parsed: ParsedConfiguration
}

export type DocumentVerdict =
  | { readonly kind: 'adopt'; readonly document: OverlayDocument }
  /** The one in force, again. */
  | { readonly kind: 'same' }
  | { readonly kind: 'discard'; readonly reason: string }

export interface DocumentQuestion {
  readonly bytes: Uint8Array
  readonly instanceName: string
  /** The document in force; undefined for a first one. */
  readonly current: OverlayDocument | undefined
  readonly wall: WallTime
}

/**
 * The first document is believed because of where it came from (HTTPS with the right name, or a person's file); what is
 * signed must be signed well all the same. A later one must be newer and signed by a configuration-signer of the one in
 * force, so that whoever takes over the configuration server cannot take over the overlay.
 */
export function judgeDocument(crypto: CryptoPort, question: DocumentQuestion): DocumentVerdict {
  const { bytes, current, wall } = question
  const parsed = parseConfiguration(bytes, question.instanceName)
  if (!parsed.ok) return discard(parsed.error.reason)
  const { configuration, signedBytes } = parsed.value
  if (configuration.expiration !== undefined && configuration.expiration <= wall)
    return discard('has expired')
  const document: OverlayDocument = { bytes, parsed: parsed.value }
  if (current === undefined) {
    const fault =
      parsed.value.signatures.length === 0 ? undefined : wrong(crypto, parsed.value, configuration, wall)
    // Its signer is named by the document before, which a first one has not got; he may be out of office by now.
    return fault === undefined || fault === NOT_A_SIGNER ? { kind: 'adopt', document } : discard(fault)
  }
  const inForce = current.parsed.configuration
  const ahead = compareSequence(configuration.sequence, inForce.sequence)
  if (ahead === 0) {
    return bytesEqual(signedBytes, current.parsed.signedBytes)
      ? { kind: 'same' }
      : discard(`another document of sequence ${inForce.sequence}, which is in force`)
  }
  if (ahead < 0) return discard(`sequence ${configuration.sequence} is older than ${inForce.sequence}`)
  const fault = wrong(crypto, parsed.value, inForce, wall)
  return fault === undefined ? { kind: 'adopt', document } : discard(fault)
}

/** What `verifyDocument` says of a good signature of somebody who is no configuration-signer. */
const NOT_A_SIGNER = 'signer may not sign this document'

/**
 * A document that was judged in an earlier run and kept since. Its signature is not looked at again: the one before it, which
 * named the signer, is gone.
 */
export function keptDocument(
  bytes: Uint8Array,
  instanceName: string,
  wall: WallTime,
): Result<OverlayDocument, string> {
  const parsed = parseConfiguration(bytes, instanceName)
  if (!parsed.ok) return fail(parsed.error.reason)
  const { expiration } = parsed.value.configuration
  return expiration !== undefined && expiration <= wall
    ? fail('has expired')
    : ok({ bytes, parsed: parsed.value })
}

/** What is wrong with the signatures, seen with the trust and the signers of `judge`. */
function wrong(
  crypto: CryptoPort,
  parsed: ParsedConfiguration,
  judge: OverlayConfiguration,
  wall: WallTime,
): string | undefined {
  const trust = trustOf(crypto, judge)
  if (!trust.ok) return trust.error
  const verified = verifyDocument(crypto, trust.value, parsed, judge.configurationSigners, wall)
  return verified.ok ? undefined : verified.error
}

function discard(reason: string): DocumentVerdict {
  return { kind: 'discard', reason }
}
