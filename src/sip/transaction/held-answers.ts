/**
 * Answers that transactions hold until an ACK comes or nobody repeats the request any more, and what they take. Long headers of strangers come
 * back in answers, so there is a bound for all of them together; what is over it ends early, the oldest first.
 */
import type { ServerTransaction } from './machinery.ts'

/**
 * Judgement: what an answer that may have to be repeated takes on the average, at most. Answers of all transactions together take no more than that
 * for each transaction there is room for.
 */
export const ANSWER_BYTES = 1_024

/** In the order in which they were answered: a `Map` alone would look through all that is gone for the oldest one. */
interface Held {
  readonly transaction: ServerTransaction
  readonly size: number
  older: Held | undefined
  newer: Held | undefined
}

export class HeldAnswers {
  private readonly entries = new Map<ServerTransaction, Held>()
  private first: Held | undefined = undefined
  private last: Held | undefined = undefined
  private held = 0

  /** Keys and answers together. */
  get bytes(): number {
    return this.held
  }

  get oldest(): ServerTransaction | undefined {
    return this.first?.transaction
  }

  has(transaction: ServerTransaction): boolean {
    return this.entries.has(transaction)
  }

  /** From its final answer on; again and again does no harm. */
  hold(transaction: ServerTransaction): void {
    const { response, key } = transaction
    if (response === undefined || this.entries.has(transaction)) return
    const size = key.length + response.length
    const entry: Held = { transaction, size, older: this.last, newer: undefined }
    this.entries.set(transaction, entry)
    if (this.last === undefined) this.first = entry
    else this.last.newer = entry
    this.last = entry
    this.held += size
  }

  /** It has been acknowledged, or is over. */
  release(transaction: ServerTransaction): void {
    const entry = this.entries.get(transaction)
    if (entry === undefined) return
    const { size, older, newer } = entry
    this.entries.delete(transaction)
    if (older === undefined) this.first = newer
    else older.newer = newer
    if (newer === undefined) this.last = older
    else newer.older = older
    this.held -= size
  }
}
