/** The other half of the hot path: a received message becomes the one that is sent on (RFC 6940 s.6.1.2). */
import { invariant } from '../../common/assert.ts'
import { passingBytes } from '../../common/passing-bytes.ts'
import { DESTINATION_TYPE, FIXED_HEADER_BYTES } from './code-points.ts'
import { encodeDestination, encodeDestinations } from './destination.ts'
import { HEADER_AT, destinationEnd, putU16, putU32 } from './header-fields.ts'
import type { HeaderView } from './header-view.ts'
import type { Destination } from './types.ts'

const NOTHING = new Uint8Array(0)

/** What changes when a message is passed on (RFC 6940 s.6.1.2). */
export interface ForwardingRewrite {
  readonly ttl: number
  /** The previous hop, added at the end of the via list. */
  readonly appendVia?: Destination
  /** How many entries to take from the front of the destination list. */
  readonly dropDestinations?: number
  /** Stand in the place of the dropped entries; without `dropDestinations`, of the whole list. */
  readonly replaceDestinations?: readonly Destination[]
}

/**
 * The message as it is sent on: a new buffer with TTL, lengths and lists changed as told, and the options, contents
 * and signature copied as they came. `view` is the view of exactly these `bytes`.
 */
export function rewriteForForwarding(
  bytes: Uint8Array,
  view: HeaderView,
  change: ForwardingRewrite,
): Uint8Array {
  const appended = change.appendVia
  // A node, which is what is appended, is written in place below.
  const via = appended === undefined || appended.kind === 'node' ? NOTHING : encodeDestination(appended)
  const viaBytes = appended?.kind === 'node' ? 2 + appended.nodeId.length : via.length
  const replaced = change.replaceDestinations
  const inserted = replaced === undefined ? NOTHING : encodeDestinations(replaced)
  const dropped = change.dropDestinations ?? (replaced === undefined ? 0 : view.destinationCount)
  const keptAt = afterDestinations(bytes, view, dropped)
  const viaLength = view.destinationAt - view.viaAt + viaBytes
  const destinationLength = inserted.length + view.optionsAt - keptAt
  invariant(
    viaLength <= 0xffff && destinationLength <= 0xffff,
    'a rewritten header list fits its length field',
  )

  const out = passingBytes(FIXED_HEADER_BYTES + viaLength + destinationLength + bytes.length - view.optionsAt)
  if (viaBytes === 0 && inserted.length === 0 && dropped === 0) {
    out.set(bytes)
    out[HEADER_AT.ttl] = change.ttl
    return out
  }
  out.set(bytes.subarray(0, view.destinationAt))
  out[HEADER_AT.ttl] = change.ttl
  putU32(out, HEADER_AT.length, out.length)
  putU16(out, HEADER_AT.viaLength, viaLength)
  putU16(out, HEADER_AT.destinationLength, destinationLength)
  if (appended?.kind === 'node') {
    out[view.destinationAt] = DESTINATION_TYPE.node
    out[view.destinationAt + 1] = appended.nodeId.length
    out.set(appended.nodeId, view.destinationAt + 2)
  } else out.set(via, view.destinationAt)
  const destinationAt = view.destinationAt + viaBytes
  out.set(inserted, destinationAt)
  out.set(bytes.subarray(keptAt), destinationAt + inserted.length)
  return out
}

function afterDestinations(bytes: Uint8Array, view: HeaderView, count: number): number {
  invariant(count >= 0 && count <= view.destinationCount, 'only destinations that are there are dropped')
  let at = view.destinationAt
  for (let i = 0; i < count; i++) at = destinationEnd(bytes, at)
  return at
}
