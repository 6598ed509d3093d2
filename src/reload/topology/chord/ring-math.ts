/**
 * Arithmetic on the ring of 2^128 ids (RFC 6940 s.10.1). Ids are 16 raw bytes, most significant first; nothing here
 * converts them to numbers, because routing asks these questions for every forwarded message.
 */
import type { Random } from '../../../common/random.ts'
import { asResourceId, sameId, type NodeId, type ResourceId } from '../../codec/ids.ts'

/** CHORD-RELOAD runs on 128 bits only: longer Node-IDs have no defined place on its ring (RFC 6940 s.10.2). */
export const RING_BYTES = 16
export const RING_BITS = 128

/** Order of two ids as unsigned big-endian integers: below, equal to or above zero. */
export function compareIds(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Order of `a` and `b` when walking clockwise from `from`: negative when `a` comes first. `from` itself is first of all. */
export function compareClockwise(from: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  const aWraps = compareIds(a, from) < 0
  const bWraps = compareIds(b, from) < 0
  if (aWraps !== bWraps) return aWraps ? 1 : -1
  return compareIds(a, b)
}

/** True when `id` lies in (after, through]; equal bounds mean the whole ring, as for a lone peer. */
export function inRange(id: Uint8Array, after: Uint8Array, through: Uint8Array): boolean {
  if (compareIds(after, through) === 0) return true
  return compareIds(id, after) !== 0 && compareClockwise(after, id, through) <= 0
}

/** id + 2^exponent on the ring; exponent 0..127. */
export function plusPowerOfTwo(id: Uint8Array, exponent: number): ResourceId {
  const sum = Uint8Array.from(id)
  let index = sum.length - 1 - (exponent >> 3)
  let carry = 1 << (exponent & 7)
  while (carry > 0 && index >= 0) {
    const value = (sum[index] as number) + carry
    sum[index] = value & 0xff
    carry = value >> 8
    index--
  }
  return asResourceId(sum)
}

/** The id that follows `id`: where a joining node finds its admitting peer (RFC 6940 s.10.5). */
export function nextId(id: Uint8Array): ResourceId {
  return plusPowerOfTwo(id, 0)
}

/** (to - from) mod 2^128. */
export function clockwiseDistance(from: Uint8Array, to: Uint8Array): Uint8Array {
  const distance = new Uint8Array(to.length)
  let borrow = 0
  for (let i = to.length - 1; i >= 0; i--) {
    const value = (to[i] as number) - (from[i] as number) - borrow
    distance[i] = value & 0xff
    borrow = value < 0 ? 1 : 0
  }
  return distance
}

/** Which finger range of `self` an id lies in: 1 for the far half of the ring up to 128; 0 for `self` (RFC 6940 s.10.7.4.2). */
export function fingerIndexOf(self: Uint8Array, id: Uint8Array): number {
  const distance = clockwiseDistance(self, id)
  for (let i = 0; i < distance.length; i++) {
    const byte = distance[i] as number
    if (byte !== 0) return 8 * i + (Math.clz32(byte) - 24) + 1
  }
  return 0
}

/** First id of finger range `index`: self + 2^(128-index). */
export function fingerStart(self: Uint8Array, index: number): ResourceId {
  return plusPowerOfTwo(self, RING_BITS - index)
}

/** A random id of [self+2^(128-i), self+2^(128-(i-1))-1], so that searches do not all land on one peer. */
export function randomFingerTarget(self: Uint8Array, index: number, random: Random): ResourceId {
  const offset = random.bytes(RING_BYTES)
  // Only the bits below 2^(128-index) are free; the bit itself is what makes it this finger.
  for (let bit = 0; bit < index; bit++) {
    const at = bit >> 3
    offset[at] = (offset[at] as number) & ~(0x80 >> (bit & 7))
  }
  const bit = index - 1
  offset[bit >> 3] = (offset[bit >> 3] as number) | (0x80 >> (bit & 7))
  return asResourceId(sum(self, offset))
}

/** Share of the ring in (after, through], 0 < share <= 1; a double keeps the 53 leading bits. */
export function ringShare(after: Uint8Array, through: Uint8Array): number {
  const distance = clockwiseDistance(after, through)
  let share = 0
  for (let i = 0; i < 8 && i < distance.length; i++) share += (distance[i] as number) / 256 ** (i + 1)
  return share === 0 && compareIds(after, through) === 0 ? 1 : share
}

function sum(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length)
  let carry = 0
  for (let i = a.length - 1; i >= 0; i--) {
    const value = (a[i] as number) + (b[i] as number) + carry
    out[i] = value & 0xff
    carry = value >> 8
  }
  return out
}

/** The same id, or both absent. */
export function sameOrAbsent(a: NodeId | undefined, b: NodeId | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return sameId(a, b)
}
