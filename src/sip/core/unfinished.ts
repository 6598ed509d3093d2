/** What streams hold of messages that are not complete, all together: who sends a little on each of very many must not fill the memory. */
import type { ParseFault } from '../message/index.ts'
import type { MessageFramer, StreamFramer } from '../transport/index.ts'

/** Bytes, above what `StreamFramer` takes at first for each of 20,000 flows: only then those that hold more than others have to go. */
const UNFINISHED_BYTES_MAX = 64 * 1024 * 1024
/** Share that is left when flows had to go, so that not each new byte has all of them looked at. */
const KEPT_SHARE = 7 / 8

/** What a flow has for this. */
export interface Holding {
  readonly framer: StreamFramer | MessageFramer
  /** Only `UnfinishedMessages` writes it. */
  unfinishedBytes: number
}

/** A flow that is to be closed, with the fault to act on. */
export interface Unfinished<T> {
  readonly record: T
  readonly fault: ParseFault
}

export class UnfinishedMessages<T extends Holding> {
  private readonly held = new Map<T, number>()
  private readonly bytesMax: number
  private total = 0

  constructor(bytesMax: number = UNFINISHED_BYTES_MAX) {
    this.bytesMax = bytesMax
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.total
  }

  /** Takes down what the framer of a flow holds now. */
  note(flow: T): void {
    const bytes = flow.framer.heldBytes
    if (bytes === flow.unfinishedBytes) return
    this.total += bytes - flow.unfinishedBytes
    flow.unfinishedBytes = bytes
    if (bytes === 0) this.held.delete(flow)
    else this.held.set(flow, bytes)
  }

  /** The flow is gone. */
  forget(flow: T): void {
    this.total -= flow.unfinishedBytes
    flow.unfinishedBytes = 0
    this.held.delete(flow)
  }

  /** Those that have to go because all together hold too much: the ones that hold most. Nearly always none. */
  excess(): readonly Unfinished<T>[] {
    if (this.total <= this.bytesMax) return NONE
    const excess: Unfinished<T>[] = []
    let left = this.total
    for (const [record, bytes] of [...this.held].sort(([, a], [, b]) => b - a)) {
      if (left <= KEPT_SHARE * this.bytesMax) break
      const fault = record.framer.abandon(503, 'Too Many Unfinished Messages')
      if (fault === undefined) continue
      left -= bytes
      excess.push({ record, fault })
    }
    return excess
  }
}

const NONE: readonly Unfinished<never>[] = []
