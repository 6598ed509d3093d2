/** How many connections each source address holds, so that one host cannot take all places. */
export class PerSource {
  private most: number
  private readonly counts = new Map<string, number>()

  /** `most`: connections of one source at a time. */
  constructor(most: number) {
    this.most = most
  }

  /** From now on; connections that are there stay. */
  limit(most: number): void {
    this.most = most
  }

  /** Whether the source may have one more. */
  admits(source: string): boolean {
    return (this.counts.get(source) ?? 0) < this.most
  }

  add(source: string): void {
    this.counts.set(source, (this.counts.get(source) ?? 0) + 1)
  }

  /** Takes back one `add`; a source without connections leaves nothing behind. */
  remove(source: string): void {
    const left = (this.counts.get(source) ?? 0) - 1
    if (left > 0) this.counts.set(source, left)
    else this.counts.delete(source)
  }

  /** Sources with at least one connection. */
  get size(): number {
    return this.counts.size
  }
}
