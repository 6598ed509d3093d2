/**
 * Answers kept for requests that come again (RFC 6940 s.6.2.1). Keyed by signer and transaction id: the requester alone
 * chooses the id. What is kept is the signed part of the answer, because the repeated request may have come another
 * way and needs another Destination List.
 */
import type { Millis } from '../../common/time.ts'
import { byteText, latin1Bytes } from '../../common/byte-text.ts'
import { LinkedOrder, type Linked } from '../../common/linked-order.ts'
import type { NodeId, TransactionId } from '../codec/index.ts'
import { ANSWER_BYTES_MAX, ANSWERS_MAX, ANSWERS_PER_SIGNER_MAX } from './constants.ts'

export type Admission =
  /** First time: process it, then tell `answered`. */
  | { readonly kind: 'new' }
  /** Being processed; its answer will go out once. Drop the repetition. */
  | { readonly kind: 'pending' }
  /** Send this again, under a new forwarding header. */
  | { readonly kind: 'answered'; readonly signedPart: Uint8Array }

interface Entry extends Linked<Entry> {
  readonly key: string
  readonly signer: string
  readonly expiresAt: Millis
  /** One character a byte, which V8 keeps with less around it than bytes of their own. */
  signedPart: string | undefined
}

export interface AnswerCacheLimits {
  readonly entries: number
  readonly bytes: number
  readonly entriesPerSigner: number
}

export class AnswerCache {
  private readonly lifetimeMs: Millis
  private readonly limits: AnswerCacheLimits
  private readonly entries = new Map<string, Entry>()
  /** All live equally long: the oldest is the first to go. */
  private readonly order = new LinkedOrder<Entry>()
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
    const entryKey = entryKeyOf(signer, transactionId)
    const known = this.entries.get(entryKey)
    if (known !== undefined) {
      return known.signedPart === undefined
        ? { kind: 'pending' }
        : { kind: 'answered', signedPart: latin1Bytes(known.signedPart) }
    }
    const signerKey = byteText(signer, 'latin1')
    // One that floods loses the memory of its own requests, not that of others.
    const count = this.countBySigner.get(signerKey) ?? 0
    if (count >= this.limits.entriesPerSigner) return { kind: 'new' }
    this.countBySigner.set(signerKey, count + 1)
    const entry: Entry = {
      key: entryKey,
      signer: signerKey,
      expiresAt: now + this.lifetimeMs,
      signedPart: undefined,
      older: undefined,
      newer: undefined,
    }
    this.entries.set(entryKey, entry)
    this.order.append(entry)
    this.shrink()
    return { kind: 'new' }
  }

  /** The answer to an admitted request: MessageContents and SecurityBlock, which are copied. */
  answered(now: Millis, signer: NodeId, transactionId: TransactionId, signedPart: Uint8Array): void {
    const entry = this.entries.get(entryKeyOf(signer, transactionId))
    if (entry === undefined || now >= entry.expiresAt || entry.signedPart !== undefined) return
    entry.signedPart = byteText(signedPart, 'latin1')
    this.totalBytes += signedPart.length
    this.shrink()
  }

  /** The request was not answered after all: a repetition shall be processed anew. */
  forget(signer: NodeId, transactionId: TransactionId): void {
    const entry = this.entries.get(entryKeyOf(signer, transactionId))
    if (entry !== undefined) this.remove(entry)
  }

  /** Drops what is older than a request can be. `admit` does it too, so that no timer is needed. */
  expire(now: Millis): void {
    for (;;) {
      const { oldest } = this.order
      if (oldest === undefined || now < oldest.expiresAt) return
      this.remove(oldest)
    }
  }

  /** Drops the oldest until count and bytes are within the limits. */
  private shrink(): void {
    while (this.entries.size > this.limits.entries || this.totalBytes > this.limits.bytes) {
      const { oldest } = this.order
      if (oldest === undefined) return
      this.remove(oldest)
    }
  }

  private remove(entry: Entry): void {
    this.order.remove(entry)
    this.entries.delete(entry.key)
    this.totalBytes -= entry.signedPart?.length ?? 0
    const count = (this.countBySigner.get(entry.signer) ?? 1) - 1
    if (count > 0) this.countBySigner.set(entry.signer, count)
    else this.countBySigner.delete(entry.signer)
  }
}

/** One character a byte: the number's decimal digits, and putting two texts together, would cost more than all the rest. */
function entryKeyOf(signer: NodeId, transactionId: TransactionId): string {
  TRANSACTION[0] = transactionId
  for (let i = 0; i < signer.length; i++) ENTRY_KEY[TRANSACTION_BYTES + i] = signer[i] as number
  return byteText(ENTRY_KEY, 'latin1', TRANSACTION_BYTES + signer.length)
}

const TRANSACTION_BYTES = 8
/** The number, then a Node-ID, which has at most 20 bytes (RFC 6940 s.6.3.1.1). */
const ENTRY_KEY = new Uint8Array(TRANSACTION_BYTES + 20)
const TRANSACTION = new BigUint64Array(ENTRY_KEY.buffer, 0, 1)
