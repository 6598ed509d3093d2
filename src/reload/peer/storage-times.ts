/** What this node knows of the storage_time of elements: those it used itself, and those it was told of. */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { key, type KindId, type ResourceId, type StoredDataValue } from '../codec/index.ts'
import { STORAGE_TIMES_MAX } from './constants.ts'
import type { ValueToStore } from './contract.ts'

/** 2^64 - 1: nothing comes after it. */
const LAST = 0xffff_ffff_ffff_ffffn

export class StorageTimes {
  /** Last storage_time of an element. */
  private readonly known = new BoundedCache<bigint>(STORAGE_TIMES_MAX)

  /** RFC 6940 s.7.4.1.1: greater than that of the value it replaces, whatever the wall clock does. */
  next(element: string, wall: bigint): bigint {
    const last = this.known.get(element) ?? 0n
    const time = wall > last ? wall : last + 1n
    this.known.set(element, time)
    return time
  }

  /** A value with that time stands in the overlay. False when that is no news: what comes next is later anyway. */
  stands(element: string, time: bigint): boolean {
    if (time === LAST || (this.known.get(element) ?? 0n) > time) return false
    this.known.set(element, time)
    return true
  }
}

/** Names the element that a Store writes to. */
export function elementOf(resource: ResourceId, value: ValueToStore): string {
  const at = value.key === undefined ? String(value.index ?? '') : key(value.key)
  return `${key(resource)}/${value.kind}/${at}`
}

/** The same for a value that was fetched. */
export function elementFetched(resource: ResourceId, kind: KindId, value: StoredDataValue): string {
  const at =
    value.model === 'dictionary' ? key(value.key) : value.model === 'array' ? String(value.index) : ''
  return `${key(resource)}/${kind}/${at}`
}
