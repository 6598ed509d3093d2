/**
 * Room for bytes that only pass through: a frame on its way to a socket, what a signature covers. It is cut from larger
 * pieces, because memory of its own for every message costs more than the message. Whoever keeps such bytes copies them:
 * a few of them would hold the whole piece.
 */
const PIECE_BYTES = 65_536
/** More than that is worth memory of its own. */
const CUT_MAX = 2048

let piece = new ArrayBuffer(PIECE_BYTES)
let used = 0

/** Filled with whatever was there: the caller writes all of it. */
export function passingBytes(length: number): Uint8Array {
  if (length > CUT_MAX) return new Uint8Array(length)
  if (used + length > PIECE_BYTES) {
    piece = new ArrayBuffer(PIECE_BYTES)
    used = 0
  }
  const bytes = new Uint8Array(piece, used, length)
  used += length
  return bytes
}

/** One after another. */
export function joinPassing(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = passingBytes(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
