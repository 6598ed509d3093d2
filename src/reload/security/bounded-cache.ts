/** Map of at most `limit` entries; the one used longest ago makes room. The order is kept from the half of the limit on. */
export class BoundedCache<V> {
  private readonly entries = new Map<string, V>()
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  get size(): number {
    return this.entries.size
  }

  /** The entry of `key`, which thereby counts as used just now. */
  get(key: string): V | undefined {
    const value = this.entries.get(key)
    if (value !== undefined && 2 * this.entries.size >= this.limit) {
      this.entries.delete(key)
      this.entries.set(key, value)
    }
    return value
  }

  set(key: string, value: V): void {
    this.entries.delete(key)
    if (this.entries.size >= this.limit) {
      const oldest = this.entries.keys().next()
      if (oldest.done !== true) this.entries.delete(oldest.value)
    }
    this.entries.set(key, value)
  }

  delete(key: string): void {
    this.entries.delete(key)
  }
}
