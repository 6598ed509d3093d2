import { Deadlines } from '../../common/deadlines.ts'
import { detached } from '../../common/detached.ts'
import { SmallMap } from '../../common/small-map.ts'
import type { Millis, Now, WallTime } from '../../common/time.ts'
import {
  asResourceId,
  key,
  sameId,
  type DataModel,
  type KindId,
  type ResourceId,
  type StoredData,
} from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { CertificateShelf } from './certificate-shelf.ts'
import { indexOfSlot } from './data-models.ts'
import { HeldValue, type ValuePlace } from './held-value.ts'
import type { JournalOperation } from './journal.ts'
import { alive } from './lifetime.ts'
import { generationKey, generationRecord, valueKey, valueRecord } from './records.ts'

/** A value to be held. */
export interface ValueToHold {
  /** With its real array index; lifetime as received. */
  readonly data: StoredData
  /** `data` in RFC 6940 form. */
  readonly encoded: Uint8Array
  readonly receivedAt: WallTime
  readonly expiresAt: Millis
  /** Certificate of the signer, then of those who issued it, root excluded. */
  readonly certificates: readonly Certificate[]
}

/** Everything of one Kind at one resource. */
export class KindEntry {
  readonly kind: KindId
  readonly model: DataModel
  /** RFC 6940 s.7.4.1.1: at least 1 once something is stored. */
  generation = 0n
  readonly slots = new SmallMap<string, HeldValue>()

  constructor(kind: KindId, model: DataModel) {
    this.kind = kind
    this.model = model
  }

  /** The value at `slot`, unless its lifetime is over. */
  find(slot: string, now: Now): HeldValue | undefined {
    const held = this.slots.get(slot)
    return held !== undefined && alive(held, now) ? held : undefined
  }

  /** Something is stored here; removed values do not count. */
  holdsAny(now: Now): boolean {
    for (const held of this.slots.values()) if (held.exists && alive(held, now)) return true
    return false
  }

  /** Length of the array: gaps count, what lies behind the last value does not. */
  arrayLength(now: Now): number {
    let length = 0
    for (const [slot, held] of this.slots.entries())
      if (alive(held, now)) length = Math.max(length, indexOfSlot(slot) + 1)
    return length
  }

  /** Values whose lifetime is not over, by place, in the order of their places. */
  values(now: Now): [slot: string, held: HeldValue][] {
    const values: [string, HeldValue][] = []
    for (const [slot, held] of this.slots.entries()) if (alive(held, now)) values.push([slot, held])
    return values.length < 2 ? values : values.sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

export interface ResourceEntry {
  readonly resource: ResourceId
  readonly kinds: SmallMap<KindId, KindEntry>
}

/**
 * Resource-ID -> Kind -> values, with generation counters and certificates. It knows no rules: store.ts and its
 * neighbours decide, the table keeps count. Every change adds its journal records to `batch`.
 */
export class Table {
  readonly certificates = new CertificateShelf()
  private readonly entries = new Map<string, ResourceEntry>()
  private readonly expiries = new Deadlines<ValuePlace>()
  /** Looked for last: one request looks for the same one several times. */
  private last: ResourceEntry | undefined
  private valueCount = 0
  private byteCount = 0
  private readonly changed: (entry: ResourceEntry) => void

  /** `changed` is told of every resource at which something has changed. */
  constructor(changed: (entry: ResourceEntry) => void) {
    this.changed = changed
  }

  get resources(): number {
    return this.entries.size
  }

  get values(): number {
    return this.valueCount
  }

  /** Bytes of all values with their signatures; certificates are not counted. */
  get bytes(): number {
    return this.byteCount
  }

  all(): Iterable<ResourceEntry> {
    return this.entries.values()
  }

  find(resource: ResourceId): ResourceEntry | undefined {
    const { last } = this
    if (last !== undefined && sameId(last.resource, resource)) return last
    const entry = this.entries.get(key(resource))
    if (entry !== undefined) this.last = entry
    return entry
  }

  findKind(resource: ResourceId, kind: KindId): KindEntry | undefined {
    return this.find(resource)?.kinds.get(kind)
  }

  /** Puts a value into its place; what was there is replaced. */
  put({ resource, kind, slot }: ValuePlace, value: ValueToHold, batch: JournalOperation[]): void {
    const { data, encoded, receivedAt, expiresAt } = value
    const { model } = data.value
    const resourceEntry = this.resourceEntry(resource)
    const entry = kindEntry(resourceEntry, kind, model)
    const replaced = entry.slots.get(slot)
    // In one piece: a text that was put together keeps its parts.
    const own = replaced?.slot ?? detached(slot)
    const certificates = this.certificates.retain(value.certificates, batch)
    if (replaced !== undefined) this.forget(replaced, batch)
    const place: ValuePlace = { resource: resourceEntry.resource, kind, slot: own }
    const held = new HeldValue(place, { encoded, certificates, expiresAt }, this.expiries)
    entry.slots.set(own, held)
    this.changed(resourceEntry)
    this.valueCount++
    this.byteCount += held.size
    const recordKey = valueKey(resource, kind, slot)
    const record = valueRecord(recordKey, { model, receivedAt, certificates, encoded })
    batch.push({ kind: 'put', key: recordKey, value: record })
  }

  /** Sets the generation counter of a Kind that has values. */
  setGeneration(entry: KindEntry, resource: ResourceId, generation: bigint, batch: JournalOperation[]): void {
    if (entry.generation === generation) return
    entry.generation = generation
    const resourceEntry = this.find(resource)
    if (resourceEntry !== undefined) this.changed(resourceEntry)
    const place = generationKey(resource, entry.kind)
    batch.push({ kind: 'put', key: place, value: generationRecord(place, generation) })
  }

  /** Takes a value out, and its Kind and resource with the last one. Harmless when nothing is there. */
  remove({ resource, kind, slot }: ValuePlace, batch: JournalOperation[]): void {
    const resourceEntry = this.find(resource)
    const kindEntry = resourceEntry?.kinds.get(kind)
    const removed = kindEntry?.slots.get(slot)
    if (resourceEntry === undefined || kindEntry === undefined || removed === undefined) return
    kindEntry.slots.delete(slot)
    this.changed(resourceEntry)
    this.forget(removed, batch)
    batch.push({ kind: 'delete', key: valueKey(resource, kind, slot) })
    if (kindEntry.slots.size > 0) return
    resourceEntry.kinds.delete(kind)
    batch.push({ kind: 'delete', key: generationKey(resource, kind) })
    if (resourceEntry.kinds.size > 0) return
    this.entries.delete(key(resource))
    this.last = undefined
  }

  nextDeadline(): Millis {
    return this.expiries.next()
  }

  /** Place of a value whose lifetime is over; the caller removes it. */
  popExpired(now: Now): ValuePlace | undefined {
    return this.expiries.pop(now.ms)
  }

  private resourceEntry(resource: ResourceId): ResourceEntry {
    const known = this.find(resource)
    if (known !== undefined) return known
    // A copy: the id may be a view on a message that need not stay in memory.
    const entry = { resource: asResourceId(resource.slice()), kinds: new SmallMap<KindId, KindEntry>() }
    this.entries.set(key(resource), entry)
    this.last = entry
    return entry
  }

  private forget(held: HeldValue, batch: JournalOperation[]): void {
    this.expiries.cancel(held.expiry)
    this.valueCount--
    this.byteCount -= held.size
    this.certificates.release(held.certificates, batch)
  }
}

function kindEntry(resourceEntry: ResourceEntry, kind: KindId, model: DataModel): KindEntry {
  let entry = resourceEntry.kinds.get(kind)
  if (entry === undefined) {
    entry = new KindEntry(kind, model)
    resourceEntry.kinds.set(kind, entry)
  }
  return entry
}
