import { LinkedOrder, type Linked } from './linked-order.ts'

/**
 * Map of at most `limit` entries. One that was not used for long makes room: that used longest ago, but for what was used within the
 * last quarter of the limit, whose order is not kept. To put an entry in its place at every use would cost more than to find it.
 */
export class BoundedCache<V, K = string> {
  private readonly entries = new Map<K, Entry<K, V>>()
  private readonly order = new LinkedOrder<Entry<K, V>>()
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
  get(key: K): V | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (4 * (this.clock - entry.usedAt) >= this.limit) {
      entry.usedAt = this.clock
      this.order.renew(entry)
    }
    return entry.value
  }

  set(key: K, value: V): void {
    const known = this.entries.get(key)
    if (known !== undefined) this.remove(known)
    const { oldest } = this.order
    if (this.entries.size >= this.limit && oldest !== undefined) this.remove(oldest)
    this.clock++
    const entry: Entry<K, V> = { key, value, usedAt: this.clock, older: undefined, newer: undefined }
    this.entries.set(key, entry)
    this.order.append(entry)
  }

  delete(key: K): void {
    const entry = this.entries.get(key)
    if (entry !== undefined) this.remove(entry)
  }

  private remove(entry: Entry<K, V>): void {
    this.order.remove(entry)
    this.entries.delete(entry.key)
  }
}

interface Entry<K, V> extends Linked<Entry<K, V>> {
  readonly key: K
  readonly value: V
  /** By the clock of the cache. */
  usedAt: number
}
