import { bytesEqual } from '../../common/bytes.ts'
import { SmallMap } from '../../common/small-map.ts'
import type { Now } from '../../common/time.ts'
import type { KindDefinition } from '../config/types.ts'
import type { StoredData } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { ARRAY_END, ARRAY_LENGTH_MAX, lengthWith, placed, slotOf } from './data-models.ts'
import { alive } from './lifetime.ts'
import { valuesMax } from './values-max.ts'
import type { KindEntry } from './table.ts'

/** Bytes of a StoredData beside value, key and signature value: lengths, times, signature algorithm and identity. */
const VALUE_OVERHEAD_BYTES = 64

/** A value that passed and waits for the rest of its request. */
export interface StagedValue {
  readonly data: StoredData
  readonly certificates: readonly Certificate[]
}

/**
 * What one Kind of a resource will look like when the request is carried out. Values are put in one after the other,
 * as RFC 6940 s.7.4.1.1 wants it, while the table stays as it is: so a request that fails half-way leaves no trace.
 */
export class StagedKind {
  readonly definition: KindDefinition
  readonly changes = new SmallMap<string, StagedValue>()
  private readonly entry: KindEntry | undefined
  private readonly now: Now
  private arrayLength: number
  /** What the array holds already: a request may append many values, and each is looked for. */
  private elements: readonly StoredData[] | undefined

  constructor(definition: KindDefinition, entry: KindEntry | undefined, now: Now) {
    this.definition = definition
    this.entry = entry
    this.now = now
    this.arrayLength = definition.dataModel === 'array' ? (entry?.arrayLength(now) ?? 0) : 0
  }

  /** Stored counter; 0 when nothing of the Kind is there. */
  get generation(): bigint {
    return this.entry?.generation ?? 0n
  }

  /** The very same signed value is stored already: the request is a copy of an earlier one. Lifetimes are not signed. */
  holds(data: StoredData): boolean {
    if (data.value.model === 'array' && data.value.index === ARRAY_END) {
      this.elements ??= this.entry?.values(this.now).map(([, held]) => held.data) ?? []
      return this.elements.some((element) => sameValue(element, data))
    }
    const held = this.entry?.find(slotOf(data.value), this.now)
    // Most that come are newer: those need not be read.
    return held?.compareTime(data.storageTime) === 'same' && sameValue(held.data, data)
  }

  /** Puts the value in; 'old' when it does not come after the one that it would replace (s.7.4.1.1 and s.13.5.3). */
  put(staged: StagedValue, sameTime: 'old' | 'newer' = 'old'): 'staged' | 'old' {
    const value = placed(staged.data.value, this.arrayLength)
    const slot = slotOf(value)
    const current = this.changes.get(slot)?.data ?? this.notOlder(slot, staged.data)
    if (current !== undefined && !later(staged.data, current, sameTime)) {
      return sameValue(current, staged.data) ? 'staged' : 'old'
    }
    this.changes.set(slot, { ...staged, data: { ...staged.data, value } })
    this.arrayLength = lengthWith(value, this.arrayLength)
    return 'staged'
  }

  /**
   * As `put`, for data of a peer that refused ours: leaves out what would break the limits of the Kind. Of two values of
   * one time that peer's stands, or the two would disagree for good.
   */
  putWithin(staged: StagedValue): boolean {
    const { arrayLength } = this
    const slot = slotOf(placed(staged.data.value, arrayLength))
    const before = this.changes.get(slot)
    if (this.put(staged, 'newer') === 'old') return true
    if (this.overLimit() === undefined) return true
    if (before === undefined) this.changes.delete(slot)
    else this.changes.set(slot, before)
    this.arrayLength = arrayLength
    return false
  }

  /** Why the Kind would break the limits of its definition, or undefined. */
  overLimit(): string | undefined {
    const { maxCount, maxSize, name } = this.definition
    for (const { data } of this.changes.values()) {
      if (data.value.value.value.length > maxSize) return `a ${name} value may have ${maxSize} bytes`
    }
    if (this.changes.size === 0) return undefined
    if (this.arrayLength > Math.max(maxCount, ARRAY_LENGTH_MAX))
      return `the ${name} array would grow too long`
    let all = this.changes.size
    let existing = 0
    for (const { data } of this.changes.values()) if (data.value.value.exists) existing++
    for (const [slot, held] of this.entry?.slots.entries() ?? []) {
      if (this.changes.get(slot) !== undefined || !alive(held, this.now)) continue
      all++
      if (held.exists) existing++
    }
    return existing > maxCount || all > valuesMax(this.definition)
      ? `${maxCount} ${name} values may be stored here`
      : undefined
  }

  /** What the changes add to the table: values, and bytes as near as can be told before encoding. */
  growth(): { readonly values: number; readonly bytes: number } {
    let values = 0
    let bytes = 0
    for (const [slot, { data }] of this.changes.entries()) {
      const replaced = this.entry?.find(slot, this.now)
      const key = data.value.model === 'dictionary' ? data.value.key.length : 0
      values += replaced === undefined ? 1 : 0
      bytes += VALUE_OVERHEAD_BYTES + key + data.value.value.value.length + data.signature.value.length
      bytes -= replaced?.size ?? 0
    }
    return { values, bytes }
  }

  /** What is stored at `slot`, unless `data` is newer. */
  private notOlder(slot: string, data: StoredData): StoredData | undefined {
    const held = this.entry?.find(slot, this.now)
    return held === undefined || held.compareTime(data.storageTime) === 'newer' ? undefined : held.data
  }
}

function later(data: StoredData, than: StoredData, sameTime: 'old' | 'newer'): boolean {
  if (data.storageTime === than.storageTime) return sameTime === 'newer' && !sameValue(data, than)
  return data.storageTime > than.storageTime
}

/** Same value, time and signature. For arrays wherever it lies: the index is not signed (RFC 6940 s.7.4.2.2). */
export function sameValue(a: StoredData, b: StoredData): boolean {
  return (
    a.storageTime === b.storageTime &&
    a.value.value.exists === b.value.value.exists &&
    bytesEqual(a.value.value.value, b.value.value.value) &&
    bytesEqual(a.signature.value, b.signature.value)
  )
}
