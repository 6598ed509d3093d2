/** The three data models of RFC 6940 s.7.2: where a value lies, and where an appended one goes. Pure functions. */
import { toHex } from '../../common/bytes.ts'
import type { DataModel, DataValue, StoredDataSpecifier, StoredDataValue } from '../codec/index.ts'

/** RFC 6940 s.7.4.1.1: a Store at this array index appends; a Fetch range ending here ends with the last element. */
export const ARRAY_END = 0xffffffff

/**
 * Longest array, gaps included, unless the Kind allows more values than that. Judgement: gaps cost nothing to hold,
 * but a Fetch has to synthesize every one of them.
 */
export const ARRAY_LENGTH_MAX = 1024

/**
 * Name of the place of a value within its Kind; sorts arrays by index. An array element must have its real index.
 * The letter keeps the places of different models apart.
 */
export function slotOf(value: StoredDataValue): string {
  switch (value.model) {
    case 'single':
      return 's'
    case 'array':
      return arraySlot(value.index)
    case 'dictionary':
      return dictionarySlot(value.key)
  }
}

/** The model of the Kind to which a place belongs. */
export function modelOfSlot(slot: string): DataModel {
  switch (slot[0]) {
    case 'a':
      return 'array'
    case 'd':
      return 'dictionary'
    default:
      return 'single'
  }
}

export function arraySlot(index: number): string {
  return `a${index.toString(16).padStart(8, '0')}`
}

/** Index of the element at a place of an array. */
export function indexOfSlot(slot: string): number {
  return Number.parseInt(slot.slice(1), 16)
}

export function dictionarySlot(key: Uint8Array): string {
  return `d${toHex(key)}`
}

/** Gives an appended array element its real index (RFC 6940 s.7.4.1.1); anything else comes back as it is. */
export function placed(value: StoredDataValue, arrayLength: number): StoredDataValue {
  return value.model === 'array' && value.index === ARRAY_END ? { ...value, index: arrayLength } : value
}

/** Length of an array after `value` has been put into it. */
export function lengthWith(value: StoredDataValue, arrayLength: number): number {
  return value.model === 'array' ? Math.max(arrayLength, value.index + 1) : arrayLength
}

/** Length of an array of which these values are there: gaps count, what lies behind the last one does not. */
export function arrayLengthOf(values: Iterable<StoredDataValue>): number {
  let length = 0
  for (const value of values) length = lengthWith(value, length)
  return length
}

/** RFC 6940 s.7.2: a nonexistent value has no bytes. */
export function wellFormed(value: StoredDataValue, model: DataModel): boolean {
  return value.model === model && (value.value.exists || value.value.value.length === 0)
}

/** Nothing is there: what a gap and an unknown value read as. */
export const NONEXISTENT: DataValue = { exists: false, value: new Uint8Array(0) }

/** Asks for every value of a Kind. */
export function everything(model: DataModel): StoredDataSpecifier['selector'] {
  switch (model) {
    case 'single':
      return { model }
    case 'array':
      return { model, indices: [{ first: 0, last: ARRAY_END }] }
    case 'dictionary':
      return { model, keys: [] }
  }
}
