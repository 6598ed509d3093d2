/**
 * A map of which very many exist with few entries each, most with one: that one lies in the object itself, the second to the fourth in a
 * list, and a table is made for the fifth. Do not change it while you go through it: unlike a Map it does not promise what comes next.
 */
export class SmallMap<K, V> {
  private key: K | undefined
  private value: V | undefined
  /** All entries, once there have been two: keys and values by turns, or a table. */
  private more: (K | V)[] | Map<K, V> | undefined

  get size(): number {
    const { more } = this
    if (more === undefined) return this.key === undefined ? 0 : 1
    return more instanceof Map ? more.size : more.length / 2
  }

  get(key: K): V | undefined {
    const { more } = this
    if (more === undefined) return this.key === key ? this.value : undefined
    if (more instanceof Map) return more.get(key)
    const at = placeOf(more, key)
    return at < 0 ? undefined : (more[at + 1] as V)
  }

  /** `undefined` is no key. */
  set(key: K & {}, value: V): void {
    const { more } = this
    if (more === undefined) this.setOne(key, value)
    else if (more instanceof Map) more.set(key, value)
    else {
      const at = placeOf(more, key)
      if (at >= 0) more[at + 1] = value
      else if (more.length < 2 * LISTED_MAX) more.push(key, value)
      else this.more = new Map<K, V>([...pairsOf<K, V>(more), [key, value]])
    }
  }

  delete(key: K): void {
    const { more } = this
    if (more instanceof Map) more.delete(key)
    else if (more !== undefined) {
      const at = placeOf(more, key)
      if (at >= 0) more.splice(at, 2)
    } else if (this.key === key) {
      this.key = undefined
      this.value = undefined
    }
  }

  /** In the order in which they were set. */
  entries(): Iterable<readonly [K, V]> {
    const { more } = this
    if (more === undefined) return this.key === undefined ? [] : [[this.key, this.value as V]]
    return more instanceof Map ? more.entries() : pairsOf<K, V>(more)
  }

  keys(): Iterable<K> {
    const { more } = this
    if (more === undefined) return this.key === undefined ? [] : [this.key]
    return more instanceof Map ? more.keys() : pairsOf<K, V>(more).map(([key]) => key)
  }

  values(): Iterable<V> {
    const { more } = this
    if (more === undefined) return this.key === undefined ? [] : [this.value as V]
    return more instanceof Map ? more.values() : pairsOf<K, V>(more).map(([, value]) => value)
  }

  private setOne(key: K & {}, value: V): void {
    if (this.key === undefined || this.key === key) {
      this.key = key
      this.value = value
      return
    }
    this.more = [this.key, this.value as V, key, value]
    this.key = undefined
    this.value = undefined
  }
}

const LISTED_MAX = 4

function placeOf(list: readonly unknown[], key: unknown): number {
  for (let at = 0; at < list.length; at += 2) if (list[at] === key) return at
  return -1
}

function pairsOf<K, V>(list: readonly (K | V)[]): [K, V][] {
  const pairs: [K, V][] = []
  for (let at = 0; at < list.length; at += 2) pairs.push([list[at] as K, list[at + 1] as V])
  return pairs
}
