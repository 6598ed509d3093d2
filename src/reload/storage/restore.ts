import type { Now } from '../../common/time.ts'
import { decodeStoredData } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import type { Trust } from '../security/trust.ts'
import { slotOf } from './data-models.ts'
import type { JournalOperation } from './journal.ts'
import { restoredExpiry } from './lifetime.ts'
import {
  certificateKey,
  generationKey,
  isStorageKey,
  readRecord,
  valueKey,
  type StorageRecord,
} from './records.ts'
import type { Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'

export interface RestoreReport {
  /** Values that are back. */
  readonly values: number
  /** Values whose lifetime ended while the process was away. */
  readonly expired: number
  /** Records that cannot be read, or that miss a certificate. */
  readonly damaged: number
  /** Values of a Kind that the overlay does not have any more, or has with another data model. */
  readonly foreign: number
  /** Deletes what was not taken over. */
  readonly operations: readonly JournalOperation[]
}

type ValueRecord = Extract<StorageRecord, { kind: 'value' }>

/** Fills an empty table with what the journal held, in any order. Never fails: what cannot be used is counted. */
export function restoreTable(
  parts: { readonly checks: ValueChecks; readonly trust: Trust; readonly table: Table },
  now: Now,
  records: Iterable<readonly [string, Uint8Array]>,
): RestoreReport {
  const restoration = new Restoration(parts.checks, parts.table, now)
  const stored: string[] = []
  for (const [key, bytes] of records) {
    if (!isStorageKey(key)) continue
    stored.push(key)
    const record = readRecord(key, bytes)
    if (!record.ok) restoration.damaged++
    else if (record.value.kind === 'value') restoration.values.push([key, record.value])
    else if (record.value.kind === 'generation') restoration.generations.set(key, record.value.generation)
    else {
      const certificate = parts.trust.parse(record.value.der.slice())
      if (certificate.ok && certificate.value.fingerprint === record.value.fingerprint) {
        restoration.certificates.set(record.value.fingerprint, certificate.value)
      } else restoration.damaged++
    }
  }
  restoration.run()
  return restoration.report(stored)
}

class Restoration {
  readonly values: (readonly [string, ValueRecord])[] = []
  readonly generations = new Map<string, bigint>()
  readonly certificates = new Map<string, Certificate>()
  damaged = 0
  private readonly checks: ValueChecks
  private readonly table: Table
  private readonly now: Now
  private readonly kept = new Set<string>()
  private restored = 0
  private expired = 0
  private foreign = 0

  constructor(checks: ValueChecks, table: Table, now: Now) {
    this.checks = checks
    this.table = table
    this.now = now
  }

  run(): void {
    for (const [key, record] of this.values) {
      const outcome = this.restoreValue(key, record)
      if (outcome === 'restored') this.restored++
      else this[outcome]++
    }
    for (const { resource, kinds } of this.table.all()) {
      for (const entry of kinds.values()) {
        const key = generationKey(resource, entry.kind)
        // Without its record the counter starts again from the clock, which is later than any counter given out.
        const generation = this.generations.get(key) ?? firstGeneration(this.now)
        this.table.setGeneration(entry, resource, generation, [])
        this.kept.add(key)
      }
    }
  }

  report(stored: readonly string[]): RestoreReport {
    const operations = stored
      .filter((key) => !this.kept.has(key))
      .map((key): JournalOperation => ({ kind: 'delete', key }))
    const { restored: values, expired, damaged, foreign } = this
    return { values, expired, damaged, foreign, operations }
  }

  private restoreValue(key: string, record: ValueRecord): 'restored' | 'expired' | 'damaged' | 'foreign' {
    const { resource, kindId, model, receivedAt } = record
    const { encoded } = record
    const data = decodeStoredData(encoded, model)
    if (!data.ok) return 'damaged'
    const slot = slotOf(data.value.value)
    if (valueKey(resource, kindId, slot) !== key) return 'damaged'
    const certificates: Certificate[] = []
    for (const fingerprint of record.fingerprints) {
      const certificate = this.certificates.get(fingerprint)
      if (certificate === undefined) return 'damaged'
      certificates.push(certificate)
    }
    if (this.checks.definition(kindId)?.dataModel !== model) return 'foreign'
    const expiresAt = restoredExpiry(this.now, receivedAt, data.value.lifetime)
    if (expiresAt === undefined) return 'expired'
    const value = { data: data.value, encoded, receivedAt, expiresAt, certificates }
    this.table.put({ resource, kind: kindId, slot }, value, [])
    this.kept.add(key)
    for (const { fingerprint } of certificates) this.kept.add(certificateKey(fingerprint))
    return 'restored'
  }
}

/** 2^64 - 1; after it a counter starts again, as 0 must not be used. */
export const GENERATION_MAX = 0xffff_ffff_ffff_ffffn

/**
 * The generation counter of a Kind that was not here before. Counters only have to be at least 1 and to rise (RFC 6940
 * s.7.4.1.1); starting from the clock keeps one that was forgotten when everything expired, or was begun on the
 * other side of a partition, from coming back with different data under it.
 */
export function firstGeneration(now: Now): bigint {
  return BigInt(Math.max(1, Math.trunc(now.wall)))
}
