/** Bytes as text of one or two characters a byte. */
import { Buffer } from 'node:buffer'

type Slice = (this: Uint8Array, from: number, to: number) => string

/**
 * What Buffer's `toString` comes to. Any Uint8Array may be their `this`, so that no Buffer has to be made of one first, which takes longer
 * than the rest. Node has them without documenting them, and may take them away.
 */
const { hexSlice, latin1Slice } = Buffer.prototype as Partial<Record<'hexSlice' | 'latin1Slice', Slice>>

/** The text of `bytes`, or of their first `length`: lower-case hex, or one character a byte. */
export function byteText(bytes: Uint8Array, encoding: 'hex' | 'latin1', length = bytes.length): string {
  const slice = encoding === 'hex' ? hexSlice : latin1Slice
  return slice === undefined ? viewOf(bytes).toString(encoding, 0, length) : slice.call(bytes, 0, length)
}

/** The bytes of a text of one character a byte. */
export function latin1Bytes(text: string): Uint8Array {
  const { length } = text
  const bytes = new Uint8Array(length)
  if (length > 64) viewOf(bytes).write(text, 'latin1')
  else for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
