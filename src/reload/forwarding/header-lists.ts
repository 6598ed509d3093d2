/**
 * Questions about the lists of a forwarding header, answered in place. `HeaderView.read` has checked every entry, so that
 * these only step over them; a message on the way is never decoded.
 */
import { DESTINATION_TYPE, type HeaderView } from '../codec/index.ts'

/** One Destination: what it is, where its id lies, and where the next entry starts. */
export interface ListEntry {
  readonly kind: 'node' | 'resource' | 'opaque' | 'unknown'
  readonly idStart: number
  readonly idEnd: number
  readonly next: number
}

/** The Destination that starts at `at` (RFC 6940 s.6.3.2.2). */
export function entryAt(bytes: Uint8Array, at: number): ListEntry {
  const type = bytes[at] as number
  // The short form of an opaque id: its two bytes, the top bit included, are the id.
  if (type >= 0x80) return { kind: 'opaque', idStart: at, idEnd: at + 2, next: at + 2 }
  const start = at + 2
  const next = start + (bytes[at + 1] as number)
  switch (type) {
    case DESTINATION_TYPE.node:
      return { kind: 'node', idStart: start, idEnd: next, next }
    case DESTINATION_TYPE.resource:
      // These two carry a length of their own inside the length of the entry.
      return { kind: 'resource', idStart: start + 1, idEnd: next, next }
    case DESTINATION_TYPE.opaque:
      return { kind: 'opaque', idStart: start + 1, idEnd: next, next }
    default:
      return { kind: 'unknown', idStart: start, idEnd: next, next }
  }
}

/** Whether the id of that entry is this one. */
export function isIdAt(bytes: Uint8Array, { idStart, idEnd }: ListEntry, id: Uint8Array): boolean {
  return idEnd - idStart === id.length && equalsAt(bytes, idStart, id)
}

/** How often the Node-ID stands in the via list. */
export function countInVia(bytes: Uint8Array, view: HeaderView, nodeId: Uint8Array): number {
  let count = 0
  for (let at = view.viaAt; at < view.destinationAt; at = nextEntry(bytes, at)) {
    if (bytes[at] === DESTINATION_TYPE.node && equalsAt(bytes, at + 2, nodeId)) count++
  }
  return count
}

/** How often the most frequent entry stands in the destination list. */
export function repeatsInDestinations(bytes: Uint8Array, view: HeaderView): number {
  // A list of one entry, which is what most requests have, needs no counting.
  if (view.destinationCount < 2) return view.destinationCount
  if (view.destinationCount <= FEW) return repeatsAmongFew(bytes, view)
  const counts = new Map<string, number>()
  let repeats = 0
  for (let at = view.destinationAt; at < view.optionsAt;) {
    const next = nextEntry(bytes, at)
    const entry = binaryText(bytes, at, next)
    const count = (counts.get(entry) ?? 0) + 1
    counts.set(entry, count)
    if (count > repeats) repeats = count
    at = next
  }
  return repeats
}

/** Lists up to this long are compared entry by entry; longer ones, which only an attacker sends, must not cost their square. */
const FEW = 8

function repeatsAmongFew(bytes: Uint8Array, view: HeaderView): number {
  let repeats = 1
  for (let at = view.destinationAt; at < view.optionsAt;) {
    const next = nextEntry(bytes, at)
    let count = 1
    for (let other = next; other < view.optionsAt; other = nextEntry(bytes, other)) {
      if (sameEntry(bytes, at, next, other)) count++
    }
    if (count > repeats) repeats = count
    at = next
  }
  return repeats
}

/** Whether the entry from `start` to `end` stands at `other` as well. Equal bytes are equally long: they say how long. */
function sameEntry(bytes: Uint8Array, start: number, end: number, other: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== bytes[other + at - start]) return false
  return true
}

/** Whether an option of a type that is not in `understood` has one of `flags` set (RFC 6940 s.6.3.2.3). */
export function hasUnknownOption(
  bytes: Uint8Array,
  view: HeaderView,
  flags: number,
  understood: ReadonlySet<number>,
): boolean {
  for (let at = view.optionsAt; at < view.payloadAt;) {
    if (((bytes[at + 1] as number) & flags) !== 0 && !understood.has(bytes[at] as number)) return true
    at += 4 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  }
  return false
}

function nextEntry(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) >= 0x80 ? at + 2 : at + 2 + (bytes[at + 1] as number)
}

function equalsAt(bytes: Uint8Array, at: number, id: Uint8Array): boolean {
  for (let i = 0; i < id.length; i++) if (bytes[at + i] !== id[i]) return false
  return true
}

/** One character a byte: a map key, nothing to read. */
function binaryText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}
