/**
 * Room for bytes that only pass through: a frame on its way to a socket, what a signature covers. It is cut from larger
 * pieces, because memory of its own for every message costs more than the message. Whoever keeps such bytes copies them:
 * a few of them would hold the whole piece.
 */
const PIECE_BYTES = 65_536
/** More than that is worth memory of its own. */
export const CUT_MAX = 2048
/** A piece with less is done with: who writes before he knows how much it gets shall seldom have to move. */
const ROOM_MIN = 4096
/** As many as write at once, one within the other. */
const IDLE_MAX = 8

/** What was cut from it lies before `used` and is never written again. */
export interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>
  used: number
}

const idle: Piece[] = []

/** Whoever takes a piece has it to himself until he gives it back. */
export function takePiece(): Piece {
  return idle.pop() ?? { bytes: new Uint8Array(PIECE_BYTES), used: 0 }
}

export function giveBack(piece: Piece): void {
  if (PIECE_BYTES - piece.used >= ROOM_MIN && idle.length < IDLE_MAX) idle.push(piece)
}

/** Filled with whatever was there: the caller writes all of it. */
export function passingBytes(length: number): Uint8Array {
  if (length > CUT_MAX) return new Uint8Array(length)
  const piece = takePiece()
  const { bytes, used } = piece
  piece.used = used + length
  giveBack(piece)
  return new Uint8Array(bytes.buffer, used, length)
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
