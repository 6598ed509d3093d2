/** Which values a FetchReq or StatReq speaks of (RFC 6940 s.7.4.2.1). */
import { fail, ok, type Result } from '../../common/errors.ts'
import type { Now } from '../../common/time.ts'
import {
  ERROR_CODE,
  type ArrayRange,
  type ErrorResponse,
  type FetchReq,
  type KindId,
  type StoredDataSpecifier,
  type StoredDataValue,
} from '../codec/index.ts'
import { ARRAY_END, ARRAY_LENGTH_MAX, arraySlot, dictionarySlot, NONEXISTENT } from './data-models.ts'
import { certificatesValid } from './lifetime.ts'
import { refuse, unknownKinds } from './refusals.ts'
import type { HeldValue } from './held-value.ts'
import type { KindEntry, Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'

/** A value that is here, or the place of one that is not. */
export type Selected =
  | { readonly kind: 'held'; readonly held: HeldValue }
  | { readonly kind: 'gap'; readonly place: StoredDataValue }

export interface SelectedKind {
  readonly kind: KindId
  readonly generation: bigint
  readonly values: readonly Selected[]
}

/** One answer per Kind of the request, in its order. */
export function select(
  checks: ValueChecks,
  table: Table,
  now: Now,
  req: FetchReq,
): Result<SelectedKind[], ErrorResponse> {
  const unknown = new Set<KindId>()
  const seen = new Set<KindId>()
  for (const { kind } of req.specifiers) {
    if (seen.has(kind)) return refuse(ERROR_CODE.invalidMessage, 'a Kind appears twice')
    seen.add(kind)
    if (checks.definition(kind) === undefined) unknown.add(kind)
  }
  if (unknown.size > 0) return unknownKinds([...unknown])
  const selected: SelectedKind[] = []
  for (const specifier of req.specifiers) {
    const definition = checks.definition(specifier.kind)
    if (definition?.dataModel !== specifier.selector.model) {
      return refuse(ERROR_CODE.invalidMessage, 'a specifier does not fit the data model of its Kind')
    }
    const values = selectValues(table.findKind(req.resource, specifier.kind), specifier, now)
    if (!values.ok) return refuse(ERROR_CODE.invalidMessage, values.error)
    selected.push(values.value)
  }
  return ok(selected)
}

function selectValues(
  entry: KindEntry | undefined,
  { kind, generation: known, selector }: StoredDataSpecifier,
  now: Now,
): Result<SelectedKind, string> {
  const generation = entry?.generation ?? 0n
  const ranges = selector.model === 'array' ? sortedRanges(selector.indices) : undefined
  if (ranges?.ok === false) return ranges
  // The requester has seen this very state. 0 is "nothing seen" and never matches.
  if (known !== 0n && known === generation) return ok({ kind, generation, values: [] })
  if (ranges !== undefined) return ok({ kind, generation, values: arrayValues(entry, ranges.value, now) })
  if (selector.model === 'dictionary')
    return ok({ kind, generation, values: dictionaryValues(entry, selector.keys, now) })
  const gap: StoredDataValue = { model: 'single', value: NONEXISTENT }
  return ok({ kind, generation, values: [at(entry, 's', gap, now)] })
}

/** RFC 6940 s.7.4.2.1: each range forwards, none touching another. */
function sortedRanges(ranges: readonly ArrayRange[]): Result<readonly ArrayRange[], string> {
  const sorted = [...ranges].sort((a, b) => a.first - b.first)
  for (const [index, { first, last }] of sorted.entries()) {
    if (first > last) return fail('an array range ends before it begins')
    const before = sorted[index - 1]
    if (before !== undefined && before.last >= first) return fail('array ranges overlap')
  }
  return ok(sorted)
}

/**
 * Every index that was asked for, gaps as nonexistent values, but no more than an array can have: nothing is stored
 * behind that. On an empty array the last element is the one at 0.
 */
function arrayValues(entry: KindEntry | undefined, ranges: readonly ArrayRange[], now: Now): Selected[] {
  const lastIndex = Math.max(0, (entry?.arrayLength(now) ?? 0) - 1)
  const selected = new Map<number, Selected>()
  for (const range of ranges) {
    const first = range.first === ARRAY_END ? lastIndex : range.first
    const last = range.last === ARRAY_END ? Math.max(first, lastIndex) : range.last
    for (let index = first; index <= last; index++) {
      if (index > lastIndex && selected.size >= ARRAY_LENGTH_MAX) break
      const gap: StoredDataValue = { model: 'array', index, value: NONEXISTENT }
      selected.set(index, at(entry, arraySlot(index), gap, now))
    }
  }
  return [...selected.values()]
}

/** RFC 6940 s.7.4.2.1: without keys every entry that is here. */
function dictionaryValues(entry: KindEntry | undefined, keys: readonly Uint8Array[], now: Now): Selected[] {
  if (keys.length === 0) {
    const values = entry?.values(now) ?? []
    return values.filter(([, held]) => presentable(held, now)).map(([, held]) => ({ kind: 'held', held }))
  }
  const selected = new Map<string, Selected>()
  for (const key of keys) {
    const slot = dictionarySlot(key)
    if (selected.has(slot)) continue
    selected.set(slot, at(entry, slot, { model: 'dictionary', key, value: NONEXISTENT }, now))
  }
  return [...selected.values()]
}

function at(entry: KindEntry | undefined, slot: string, gap: StoredDataValue, now: Now): Selected {
  const held = entry?.find(slot, now)
  return held !== undefined && presentable(held, now) ? { kind: 'held', held } : { kind: 'gap', place: gap }
}

/** RFC 6940 s.7.1: what was signed with a certificate that has expired is not given out as valid. */
function presentable(held: HeldValue, now: Now): boolean {
  return certificatesValid(held.certificates, now.wall)
}
