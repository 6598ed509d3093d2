/** One message in several, and back (RFC 6940 s.6.7): every fragment repeats the whole header, the rest is cut in slices. */
import { FRAGMENT, FRAGMENT_BODY_BYTES_MIN, FRAGMENT_VIA_ROOM_BYTES } from './code-points.ts'
import { HEADER_AT, putU32 } from './header-fields.ts'
import type { HeaderView } from './header-view.ts'

/**
 * The message, or fragment of one, as fragments that fit a link of `mtu` bytes: of equal size, with room for the Via
 * List to grow. When header and 256 bytes do not fit, it stays whole and IP has to cut it (RFC 6940 s.6.7).
 */
export function fragmentsOf(bytes: Uint8Array, view: HeaderView, mtu: number): Uint8Array[] {
  if (bytes.length <= mtu) return [bytes]
  const body = bytes.length - view.payloadAt
  const room = mtu - FRAGMENT_VIA_ROOM_BYTES - view.payloadAt
  if (room < FRAGMENT_BODY_BYTES_MIN) return [bytes]
  const count = Math.ceil(body / room)
  if (Math.floor(body / count) < FRAGMENT_BODY_BYTES_MIN) return [bytes]
  const base = fragmentOffset(view)
  if (base + body > FRAGMENT.offsetMask) return [bytes]
  const fragments: Uint8Array[] = []
  let start = 0
  for (let index = 1; index <= count; index++) {
    const end = Math.floor((index * body) / count)
    const last = index === count && isLastFragment(view)
    fragments.push(fragmentOf(bytes, view, { start, end, field: fieldOf(base + start, last) }))
    start = end
  }
  return fragments
}

/** Bytes between the end of the forwarding header and where this fragment's slice belongs. */
export function fragmentOffset(view: HeaderView): number {
  return view.fragment & FRAGMENT.offsetMask
}

export function isLastFragment(view: HeaderView): boolean {
  return (view.fragment & FRAGMENT.last) !== 0
}

/** The whole message: the header of its first fragment and all that follows the headers. `view` is of `first`. */
export function wholeMessage(first: Uint8Array, view: HeaderView, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(view.payloadAt + body.length)
  out.set(first.subarray(0, view.payloadAt))
  out.set(body, view.payloadAt)
  putU32(out, HEADER_AT.fragment, fieldOf(0, true))
  putU32(out, HEADER_AT.length, out.length)
  return out
}

interface Slice {
  readonly start: number
  readonly end: number
  readonly field: number
}

function fragmentOf(bytes: Uint8Array, view: HeaderView, slice: Slice): Uint8Array {
  const out = new Uint8Array(view.payloadAt + slice.end - slice.start)
  out.set(bytes.subarray(0, view.payloadAt))
  out.set(bytes.subarray(view.payloadAt + slice.start, view.payloadAt + slice.end), view.payloadAt)
  putU32(out, HEADER_AT.fragment, slice.field)
  // RFC 6940 s.6.7: the length of the fragment, not of the message.
  putU32(out, HEADER_AT.length, out.length)
  return out
}

/** The reserved bits 3f000000 are zero (RFC 6940 s.6.3.2). */
function fieldOf(offset: number, last: boolean): number {
  return (FRAGMENT.always + (last ? FRAGMENT.last : 0) + offset) >>> 0
}
