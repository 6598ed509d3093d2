/** What connections hold of messages that are not complete, all together: who sends a part on each of very many must not fill the memory. */

/** Bytes, above what `StreamFramer` takes at first for each of 20,000 flows: only then those that hold more than others have to go. */
const UNFINISHED_BYTES_MAX = 64 * 1024 * 1024
/** Share that is left when some had to go, so that not each new byte has all of them looked at. */
const KEPT_SHARE = 7 / 8

export interface Unfinished {
  /** Only `UnfinishedMessages` writes it. */
  unfinishedBytes: number
}

export class UnfinishedMessages<T extends Unfinished> {
  private readonly holders = new Set<T>()
  private readonly bytesMax: number
  private total = 0

  constructor(bytesMax: number = UNFINISHED_BYTES_MAX) {
    this.bytesMax = bytesMax
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.total
  }

  /** Takes down what a connection holds now; 0 when it is gone. */
  note(holder: T, bytes: number): void {
    if (bytes === holder.unfinishedBytes) return
    this.total += bytes - holder.unfinishedBytes
    holder.unfinishedBytes = bytes
    if (bytes === 0) this.holders.delete(holder)
    else this.holders.add(holder)
  }

  /** Takes out those that have to go because all together hold too much: the ones that hold most. Nearly always none. */
  excess(): readonly T[] {
    if (this.total <= this.bytesMax) return NONE
    const excess: T[] = []
    for (const holder of [...this.holders].sort((a, b) => b.unfinishedBytes - a.unfinishedBytes)) {
      if (this.total <= KEPT_SHARE * this.bytesMax) break
      this.note(holder, 0)
      excess.push(holder)
    }
    return excess
  }
}

const NONE: readonly never[] = []
