/**
 * Answers kept for requests that come again (RFC 6940 s.6.2.1). Keyed by signer and transaction id: the requester alone
 * chooses the id. What is kept is the signed part of the answer, because the repeated request may have come another
 * way and needs another Destination List.
 */
import type { Millis } from '../../common/time.ts'
import { key, type NodeId, type TransactionId } from '../codec/index.ts'
import { ANSWER_BYTES_MAX, ANSWERS_MAX, ANSWERS_PER_SIGNER_MAX } from './constants.ts'

export type Admission =
  /** First time: process it, then tell `answered`. */
  | { readonly kind: 'new' }
  /** Being processed; its answer will go out once. Drop the repetition. */
  | { readonly kind: 'pending' }
  /** Send this again, under a new forwarding header. */
  | { readonly kind: 'answered'; readonly signedPart: Uint8Array }

interface Entry {
  readonly signer: string
  readonly expiresAt: Millis
  signedPart: Uint8Array | undefined
}

export interface AnswerCacheLimits {
  readonly entries: number
  readonly bytes: number
  readonly entriesPerSigner: number
}

export class AnswerCache {
  private readonly lifetimeMs: Millis
  private readonly limits: AnswerCacheLimits
  /** Oldest first: all entries live equally long. */
  private readonly entries = new Map<string, Entry>()
  private readonly countBySigner = new Map<string, number>()
  private totalBytes = 0

  /** `lifetimeMs` is the Maximum Request Lifetime (constants.ts). */
  constructor(settings: { readonly lifetimeMs: Millis; readonly limits?: AnswerCacheLimits }) {
    this.lifetimeMs = settings.lifetimeMs
    this.limits = settings.limits ?? {
      entries: ANSWERS_MAX,
      bytes: ANSWER_BYTES_MAX,
      entriesPerSigner: ANSWERS_PER_SIGNER_MAX,
    }
  }

  get size(): number {
    return this.entries.size
  }

  /** Bytes of kept answers. */
  get bytes(): number {
    return this.totalBytes
  }

  /** A request with a verified signature came in. */
  admit(now: Millis, signer: NodeId, transactionId: TransactionId): Admission {
    this.expire(now)
    const signerKey = key(signer)
    const entryKey = entryKeyOf(signerKey, transactionId)
    const known = this.entries.get(entryKey)
    if (known !== undefined) {
      return known.signedPart === undefined
        ? { kind: 'pending' }
        : { kind: 'answered', signedPart: known.signedPart }
    }
    // One that floods loses the memory of its own requests, not that of others.
    const count = this.countBySigner.get(signerKey) ?? 0
    if (count >= this.limits.entriesPerSigner) return { kind: 'new' }
    this.countBySigner.set(signerKey, count + 1)
    this.entries.set(entryKey, { signer: signerKey, expiresAt: now + this.lifetimeMs, signedPart: undefined })
    this.shrink()
    return { kind: 'new' }
  }

  /** The answer to an admitted request: MessageContents and SecurityBlock, which are copied. */
  answered(now: Millis, signer: NodeId, transactionId: TransactionId, signedPart: Uint8Array): void {
    const entry = this.entries.get(entryKeyOf(key(signer), transactionId))
    if (entry === undefined || now >= entry.expiresAt || entry.signedPart !== undefined) return
    entry.signedPart = signedPart.slice()
    this.totalBytes += signedPart.length
    this.shrink()
  }

  /** The request was not answered after all: a repetition shall be processed anew. */
  forget(signer: NodeId, transactionId: TransactionId): void {
    const entryKey = entryKeyOf(key(signer), transactionId)
    const entry = this.entries.get(entryKey)
    if (entry !== undefined) this.remove(entryKey, entry)
  }

  /** Drops what is older than a request can be. `admit` does it too, so that no timer is needed. */
  expire(now: Millis): void {
    for (const [entryKey, entry] of this.entries) {
      if (now < entry.expiresAt) return
      this.remove(entryKey, entry)
    }
  }

  /** Drops the oldest until count and bytes are within the limits. */
  private shrink(): void {
    for (const [entryKey, entry] of this.entries) {
      if (this.entries.size <= this.limits.entries && this.totalBytes <= this.limits.bytes) return
      this.remove(entryKey, entry)
    }
  }

  private remove(entryKey: string, entry: Entry): void {
    this.entries.delete(entryKey)
    this.totalBytes -= entry.signedPart?.length ?? 0
    const count = (this.countBySigner.get(entry.signer) ?? 1) - 1
    if (count > 0) this.countBySigner.set(entry.signer, count)
    else this.countBySigner.delete(entry.signer)
  }
}

/** By the bits of the number: its decimal digits would cost more than all the rest. */
function entryKeyOf(signerKey: string, transactionId: TransactionId): string {
  BITS[0] = transactionId
  const [a, b, c, d] = UNITS
  return signerKey + String.fromCharCode(a as number, b as number, c as number, d as number)
}

const BITS = new BigUint64Array(1)
const UNITS = new Uint16Array(BITS.buffer)
