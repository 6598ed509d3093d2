/**
 * What outlives the process. The core changes its table in memory and says which records follow from it; the shell
 * writes them before anything is acknowledged.
 */

/** One record written or deleted. A later operation on the same key of the same list wins. */
export type JournalOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }

/**
 * A set of records by key. Asynchronous, because disks are: only shells use it. Failures are `RingbridgeError`s.
 * Lists of operations are applied in the order of the calls, each of them completely or not at all.
 */
export interface Journal {
  /** Every record, in no particular order. */
  load(): AsyncIterable<readonly [string, Uint8Array]>
  /** Resolves once the operations would survive the death of the process. */
  write(operations: readonly JournalOperation[]): Promise<void>
  /** Waits for writes under way. May be called twice. */
  close(): Promise<void>
}
