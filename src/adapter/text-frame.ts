/** One text in a byte stream: its length in four bytes, then itself. */

const LENGTH_BYTES = 4

export function framed(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + text.length)
  new DataView(bytes.buffer).setUint32(0, text.length)
  bytes.set(text, LENGTH_BYTES)
  return bytes
}

export class TextFrame {
  private readonly bytesMax: number
  private parts: Uint8Array[] = []
  private size = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** The text once all of it is there; what follows it is left alone. */
  push(bytes: Uint8Array): Uint8Array | 'incomplete' | 'tooLong' {
    this.parts.push(bytes.slice())
    this.size += bytes.length
    if (this.size < LENGTH_BYTES) return 'incomplete'
    const length = this.length()
    if (length > this.bytesMax) return 'tooLong'
    if (this.size < LENGTH_BYTES + length) return 'incomplete'
    return this.joined().subarray(LENGTH_BYTES, LENGTH_BYTES + length)
  }

  private length(): number {
    if ((this.parts[0]?.length ?? 0) < LENGTH_BYTES) this.joined()
    const [first] = this.parts
    return first === undefined ? 0 : new DataView(first.buffer, first.byteOffset).getUint32(0)
  }

  private joined(): Uint8Array {
    const all = new Uint8Array(this.size)
    let at = 0
    for (const part of this.parts) {
      all.set(part, at)
      at += part.length
    }
    this.parts = [all]
    return all
  }
}
