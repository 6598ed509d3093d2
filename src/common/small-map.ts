/**
 * A map of which very many exist with one entry each: that one lies in the object itself, and a table is made for the second. Do not
 * change it while you go through it: unlike a Map it does not promise what comes next.
 */
export class SmallMap<K, V> {
  private key: K | undefined
  private value: V | undefined
  /** All entries, once there have been two. */
  private table: Map<K, V> | undefined

  get size(): number {
    if (this.table !== undefined) return this.table.size
    return this.key === undefined ? 0 : 1
  }

  get(key: K): V | undefined {
    if (this.table !== undefined) return this.table.get(key)
    return this.key === key ? this.value : undefined
  }

  /** `undefined` is no key. */
  set(key: K & {}, value: V): void {
    if (this.table !== undefined) this.table.set(key, value)
    else if (this.key === undefined || this.key === key) {
      this.key = key
      this.value = value
    } else {
      this.table = new Map<K, V>([
        [this.key, this.value as V],
        [key, value],
      ])
      this.key = undefined
      this.value = undefined
    }
  }

  delete(key: K): void {
    if (this.table !== undefined) this.table.delete(key)
    else if (this.key === key) {
      this.key = undefined
      this.value = undefined
    }
  }

  /** In the order in which they were set. */
  entries(): Iterable<readonly [K, V]> {
    if (this.table !== undefined) return this.table.entries()
    return this.key === undefined ? [] : [[this.key, this.value as V]]
  }

  keys(): Iterable<K> {
    if (this.table !== undefined) return this.table.keys()
    return this.key === undefined ? [] : [this.key]
  }

  values(): Iterable<V> {
    if (this.table !== undefined) return this.table.values()
    return this.key === undefined ? [] : [this.value as V]
  }
}
