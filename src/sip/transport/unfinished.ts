/** What connections hold of messages that are not complete, all together: who sends a part on each of very many must not fill the memory. */

/** Bytes that may be held in any case. */
const UNFINISHED_BYTES_MIN = 64 * 1024 * 1024
/** For each connection that may be there: more than `StreamFramer` takes at first, so that a few bytes on each have nobody cut off. */
const BYTES_PER_FLOW = 3 * 1024
/** So many of the largest messages, each with as much room again, must have their place. */
const LARGEST_AT_ONCE = 64
/** Share that is left when some had to go, so that not each new byte has all of them looked at. */
const KEPT_SHARE = 7 / 8

/** Bytes that all connections together may hold, by the limits in force. */
export function unfinishedBytesMax(limits: {
  readonly flows: number
  readonly messageBytes: number
}): number {
  return Math.max(
    UNFINISHED_BYTES_MIN,
    BYTES_PER_FLOW * limits.flows,
    2 * LARGEST_AT_ONCE * limits.messageBytes,
  )
}

export interface Unfinished {
  /** Whose connection it is: the address that counts for limits. */
  readonly source: string
  /** Only `UnfinishedMessages` writes it. */
  unfinishedBytes: number
}

export class UnfinishedMessages<T extends Unfinished> {
  private readonly holders = new Set<T>()
  private readonly bytesMax: () => number
  private total = 0

  /** `bytesMax` is asked at every use: limits may change. */
  constructor(bytesMax: () => number) {
    this.bytesMax = bytesMax
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.total
  }

  /** Those that hold something. */
  all(): Iterable<T> {
    return this.holders
  }

  /** Takes down what a connection holds now; 0 when it is gone. */
  note(holder: T, bytes: number): void {
    if (bytes === holder.unfinishedBytes) return
    this.total += bytes - holder.unfinishedBytes
    holder.unfinishedBytes = bytes
    if (bytes === 0) this.holders.delete(holder)
    else this.holders.add(holder)
  }

  /**
   * Takes out those that have to go because all together hold too much, nearly always none: of the source that holds most those that
   * hold most. One phone with a large message does not make way for the many small ones of somebody else.
   */
  excess(): readonly T[] {
    if (this.total === 0) return NONE
    const bytesMax = this.bytesMax()
    if (this.total <= bytesMax) return NONE
    const bySource = new Map<string, number>()
    for (const { source, unfinishedBytes } of this.holders)
      bySource.set(source, (bySource.get(source) ?? 0) + unfinishedBytes)
    const held = ({ source }: T): number => bySource.get(source) ?? 0
    const order = [...this.holders].sort((a, b) => held(b) - held(a) || b.unfinishedBytes - a.unfinishedBytes)
    const excess: T[] = []
    for (const holder of order) {
      if (this.total <= KEPT_SHARE * bytesMax) break
      this.note(holder, 0)
      excess.push(holder)
    }
    return excess
  }
}

const NONE: readonly never[] = []
