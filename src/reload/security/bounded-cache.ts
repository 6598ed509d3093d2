/**
 * Map of at most `limit` entries. One that was not used for long makes room: that used longest ago, but for what was used within the
 * last quarter of the limit, whose order is not kept. To put an entry in its place at every use would cost more than to find it.
 */
export class BoundedCache<V> {
  private readonly entries = new Map<string, Entry<V>>()
  private readonly limit: number
  /** Entries that were put in, ever. */
  private clock = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get size(): number {
    return this.entries.size
  }

  /** The entry of `key`, which thereby counts as used just now. */
  get(key: string): V | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (4 * (this.clock - entry.usedAt) >= this.limit) {
      entry.usedAt = this.clock
      this.entries.delete(key)
      this.entries.set(key, entry)
    }
    return entry.value
  }

  set(key: string, value: V): void {
    this.entries.delete(key)
    if (this.entries.size >= this.limit) {
      const oldest = this.entries.keys().next()
      if (oldest.done !== true) this.entries.delete(oldest.value)
    }
    this.clock++
    this.entries.set(key, { value, usedAt: this.clock })
  }

  delete(key: string): void {
    this.entries.delete(key)
  }
}

interface Entry<V> {
  readonly value: V
  /** By the clock of the cache. */
  usedAt: number
}
