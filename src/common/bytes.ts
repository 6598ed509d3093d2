import { Buffer } from 'node:buffer'
import { invariant } from './assert.ts'
import { byteText } from './byte-text.ts'
import { CUT_MAX, giveBack, takePiece, type Piece } from './passing-bytes.ts'

/** Thrown by `Reader` on any malformed input; decoders catch it at their edge and return a result. */
export class DecodeError extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`)
    this.name = 'DecodeError'
    this.offset = offset
  }
}

/**
 * Bounds-checked big-endian reader over a part of a buffer. A length opens a sub-reader (`sub`) that cannot see past
 * its end and must be used up (`end`). Byte results are views on the input, not copies.
 */
export class Reader {
  private readonly data: Uint8Array
  private at: number
  private readonly limit: number

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.data = data
    this.at = start
    this.limit = end
  }

  /** Offset of the next byte in the underlying buffer. */
  get offset(): number {
    return this.at
  }

  get remaining(): number {
    return this.limit - this.at
  }

  u8(): number {
    this.need(1)
    return this.data[this.at++] as number
  }

  u16(): number {
    this.need(2)
    const value = ((this.data[this.at] as number) << 8) | (this.data[this.at + 1] as number)
    this.at += 2
    return value
  }

  u24(): number {
    this.need(3)
    const { data, at } = this
    this.at += 3
    return ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number)
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  u64(): bigint {
    HALVES[HIGH] = this.u32()
    HALVES[LOW] = this.u32()
    return WHOLE[0] as bigint
  }

  bytes(length: number): Uint8Array {
    this.need(length)
    const view = this.data.subarray(this.at, this.at + length)
    this.at += length
    return view
  }

  /** A reader for the next `length` bytes, which this reader steps over. */
  sub(length: number): Reader {
    this.need(length)
    const reader = new Reader(this.data, this.at, this.at + length)
    this.at += length
    return reader
  }

  /** Fails unless everything was read. */
  end(): void {
    if (this.at !== this.limit) throw this.error(`${this.remaining} bytes left over`)
  }

  error(message: string): DecodeError {
    return new DecodeError(message, this.at)
  }

  private need(length: number): void {
    if (this.limit - this.at < length) throw this.error(`${length} bytes wanted, ${this.remaining} there`)
  }
}

/** A 64-bit number as two halves: one bigint is made instead of four. */
const WHOLE = new BigUint64Array(1)
const HALVES = new Uint32Array(WHOLE.buffer)
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1
const HIGH = 1 - LOW

/**
 * Big-endian writer. Lengths that are known only afterwards are written by `begin` and `finish`. Ends with `done`, after
 * which it must not be used.
 */
export class Writer {
  /** What it writes into, from `start` on, so that bytes that only pass through need not be copied when it is done. */
  private piece: Piece | undefined
  private data: Uint8Array<ArrayBuffer>
  private start: number
  private at: number

  constructor() {
    const piece = takePiece()
    this.piece = piece
    this.data = piece.bytes
    this.start = piece.used
    this.at = piece.used
  }

  get length(): number {
    return this.at - this.start
  }

  u8(value: number): void {
    this.room(1)
    this.data[this.at++] = value
  }

  u16(value: number): void {
    this.room(2)
    this.data[this.at++] = value >>> 8
    this.data[this.at++] = value
  }

  u24(value: number): void {
    this.room(3)
    this.data[this.at++] = value >>> 16
    this.data[this.at++] = value >>> 8
    this.data[this.at++] = value
  }

  u32(value: number): void {
    this.room(4)
    this.data[this.at++] = value >>> 24
    this.data[this.at++] = value >>> 16
    this.data[this.at++] = value >>> 8
    this.data[this.at++] = value
  }

  u64(value: bigint): void {
    WHOLE[0] = value
    this.u32(HALVES[HIGH] as number)
    this.u32(HALVES[LOW] as number)
  }

  bytes(value: Uint8Array): void {
    this.room(value.length)
    copyInto(this.data, this.at, value)
    this.at += value.length
  }

  /** A length of `width` bytes; throws when it does not fit. */
  uint(width: 1 | 2 | 3 | 4, value: number): void {
    this.room(width)
    this.at += width
    this.overwrite(this.length - width, width, value)
  }

  /** Writes a length of `width` bytes over what was written before at that offset; throws when it does not fit. */
  overwrite(at: number, width: 1 | 2 | 3 | 4, value: number): void {
    const first = this.start + at
    invariant(at >= 0 && first + width <= this.at, 'only what was written is written over')
    if (value > (LENGTH_MAX[width] as number))
      throw new RangeError(`${value} bytes do not fit a ${width}-byte length`)
    const { data } = this
    let rest = value
    for (let i = first + width - 1; i >= first; i--) {
      data[i] = rest
      rest >>>= 8
    }
  }

  /** Bytes preceded by their length in `width` bytes; throws when it does not fit. */
  prefixed(width: 1 | 2 | 3 | 4, value: Uint8Array): void {
    this.uint(width, value.length)
    this.bytes(value)
  }

  /** Leaves room for the length, in `width` bytes, of what is written until `finish`, to which goes what this returns. */
  begin(width: 1 | 2 | 3 | 4): number {
    this.uint(width, 0)
    return this.length
  }

  /** Writes the length of what was written since `begin`; throws when it does not fit. */
  finish(width: 1 | 2 | 3 | 4, start: number): void {
    this.overwrite(start - width, width, this.length - start)
  }

  /** The bytes written, in a buffer of exactly that length. */
  done(): Uint8Array {
    const bytes = this.data.slice(this.start, this.at)
    this.end()
    return bytes
  }

  /** The same for bytes that nobody keeps (passing-bytes.ts). */
  donePassing(): Uint8Array {
    if (this.length > CUT_MAX) return this.done()
    const bytes = this.data.subarray(this.start, this.at)
    if (this.piece !== undefined) this.piece.used = this.at
    this.end()
    return bytes
  }

  private end(): void {
    invariant(this.data !== NO_BYTES, 'a writer is done once')
    if (this.piece !== undefined) giveBack(this.piece)
    this.moveTo(NO_BYTES)
  }

  private room(length: number): void {
    if (this.at + length <= this.data.length) return
    invariant(this.data !== NO_BYTES, 'nothing is written after done')
    const grown = new Uint8Array(Math.max(this.length * 2, this.length + length))
    grown.set(this.data.subarray(this.start, this.at))
    if (this.piece !== undefined) giveBack(this.piece)
    const written = this.length
    this.moveTo(grown)
    this.at = written
  }

  /** To memory of its own. */
  private moveTo(data: Uint8Array<ArrayBuffer>): void {
    this.piece = undefined
    this.data = data
    this.start = 0
    this.at = 0
  }
}

/** A call out of JavaScript is worth it for a message, not for an id. */
function copyInto(to: Uint8Array, at: number, from: Uint8Array): void {
  if (from.length > 64) to.set(from, at)
  else for (let i = 0; i < from.length; i++) to[at + i] = from[i] as number
}

/** By the width of the length field in bytes. */
const LENGTH_MAX = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff]

const NO_BYTES = new Uint8Array(0)

/** Lower-case hex. Half of all map keys are made here. */
export function toHex(bytes: Uint8Array): string {
  return byteText(bytes, 'hex')
}

/** Bytes of a hex string of even length in either case, or undefined. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  // A call out of JavaScript is worth it for a certificate, not for an id.
  if (a.length > 64) return Buffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** The last four bytes as one number, which may be negative; 0 when there are fewer. */
export function lastWord(bytes: Uint8Array): number {
  const end = bytes.length
  return end < 4
    ? 0
    : ((bytes[end - 4] as number) << 24) |
        ((bytes[end - 3] as number) << 16) |
        ((bytes[end - 2] as number) << 8) |
        (bytes[end - 1] as number)
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Bytes of a text in UTF-8, and back. Malformed input decodes with replacement characters. */
export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text)
}

export function fromUtf8(bytes: Uint8Array): string {
  return DECODER.decode(bytes)
}

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()
