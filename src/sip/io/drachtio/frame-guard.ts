/**
 * Looks at what a drachtio server sends before drachtio-srf does. A message is its length in decimal, `#`, and so many bytes;
 * drachtio-srf throws out of the socket's handler for a length that is none, and keeps whatever length it is told in memory.
 */

/** A SIP message over TCP, with room to spare. */
export const FRAME_BYTES_MAX = 1_000_000

const HASH = 0x23
const ZERO = 0x30
const NINE = 0x39

export class FrameGuard {
  /** Bytes of the current message that are still to come; 0 while its length is read. */
  private left = 0
  private length = 0
  private digits = 0

  /** False when this cannot be the control protocol; the connection is of no use any more. */
  accepts(chunk: Uint8Array): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.left > 0) {
        const step = Math.min(this.left, chunk.length - at)
        this.left -= step
        at += step
      } else if (!this.lengthByte(chunk[at++] as number)) return false
    }
    return true
  }

  private lengthByte(byte: number): boolean {
    if (byte === HASH) {
      if (this.digits === 0 || this.length === 0) return false
      this.left = this.length
      this.length = 0
      this.digits = 0
      return true
    }
    if (byte < ZERO || byte > NINE) return false
    this.digits++
    this.length = this.length * 10 + (byte - ZERO)
    return this.length <= FRAME_BYTES_MAX
  }
}
