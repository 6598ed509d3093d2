/**
 * A map for entries of which most are taken out before the next one comes: the newest is kept beside the map. A `Map` in which every
 * entry is put in and taken out again makes itself anew every few entries, and what its former selves held stays in memory until
 * the next full collection.
 */
export class RecentMap<K, V> {
  private readonly older = new Map<K, V>()
  private newestKey: K | undefined = undefined
  private newestValue: V | undefined = undefined
  private hasNewest = false

  get size(): number {
    return this.older.size + (this.hasNewest ? 1 : 0)
  }

  get(key: K): V | undefined {
    return this.hasNewest && this.newestKey === key ? this.newestValue : this.older.get(key)
  }

  /** Puts the entry behind all others. */
  set(key: K, value: V): void {
    this.delete(key)
    if (this.hasNewest) this.older.set(this.newestKey as K, this.newestValue as V)
    this.newestKey = key
    this.newestValue = value
    this.hasNewest = true
  }

  delete(key: K): boolean {
    if (this.hasNewest && this.newestKey === key) {
      this.newestKey = undefined
      this.newestValue = undefined
      this.hasNewest = false
      return true
    }
    return this.older.size > 0 && this.older.delete(key)
  }

  /** The value that was put in first. */
  oldest(): V | undefined {
    if (this.older.size === 0) return this.newestValue
    for (const value of this.older.values()) return value
    return undefined
  }

  /** In the order in which they were put in. */
  *values(): IterableIterator<V> {
    yield* this.older.values()
    if (this.hasNewest) yield this.newestValue as V
  }
}
