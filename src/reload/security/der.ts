/**
 * Strict DER reader (X.690 s.10): definite minimal lengths, one-byte tags, nothing left over. Throws `DecodeError`,
 * which x509.ts turns into a result at its edge.
 */
import { DecodeError } from '../../common/bytes.ts'

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Where an element stands. Views are made of those that are asked for: a certificate has some sixty, and most are only passed. */
export class DerElement {
  readonly tag: number
  readonly data: Uint8Array
  private readonly start: number
  /** Where the content begins and ends. */
  readonly from: number
  readonly to: number

  constructor(data: Uint8Array, start: number, from: number, to: number) {
    this.tag = data[start] as number
    this.data = data
    this.start = start
    this.from = from
    this.to = to
  }

  get length(): number {
    return this.to - this.from
  }

  get content(): Uint8Array {
    return this.data.subarray(this.from, this.to)
  }

  /** Tag, length and content. */
  get whole(): Uint8Array {
    return this.data.subarray(this.start, this.to)
  }

  /** Byte of the content at that place, or undefined. */
  byte(at: number): number | undefined {
    return at < this.length ? this.data[this.from + at] : undefined
  }

  /** A reader for the content. */
  reader(): DerReader {
    return new DerReader(this.data, this.from, this.to)
  }
}

export class DerReader {
  private readonly data: Uint8Array
  private at: number
  private readonly limit: number

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.data = data
    this.at = start
    this.limit = end
  }

  get done(): boolean {
    return this.at === this.limit
  }

  /** Tag of the next element, or -1 at the end. */
  peek(): number {
    return this.done ? -1 : (this.data[this.at] as number)
  }

  /** The next element, which must have `tag` when one is given. */
  next(tag?: number): DerElement {
    const start = this.at
    const found = this.byte()
    if ((found & 0x1f) === 0x1f) throw new DecodeError('multi-byte DER tag', start)
    if (tag !== undefined && found !== tag)
      throw new DecodeError(`DER tag ${found} where ${tag} is due`, start)
    const length = this.length()
    if (length > this.limit - this.at) throw new DecodeError('DER length beyond its end', start)
    const from = this.at
    this.at += length
    return new DerElement(this.data, start, from, this.at)
  }

  /** The next element when it has `tag`, otherwise undefined and nothing is read. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next(tag) : undefined
  }

  /** A reader for the content of the next element. */
  enter(tag: number): DerReader {
    return this.next(tag).reader()
  }

  end(): void {
    if (!this.done) throw new DecodeError('bytes left over in DER', this.at)
  }

  private byte(): number {
    if (this.done) throw new DecodeError('DER ends early', this.at)
    return this.data[this.at++] as number
  }

  private length(): number {
    const first = this.byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > 3) throw new DecodeError('DER length form', this.at)
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + this.byte()
    // X.690 s.10.1: the shortest form, or the same certificate would have many fingerprints.
    if (length < 0x80 || length < 2 ** (8 * (count - 1)))
      throw new DecodeError('DER length not minimal', this.at)
    return length
  }
}

/** DER BOOLEAN: 0xff is true, 0x00 false, the rest wrong. */
export function booleanOf(element: DerElement): boolean {
  const value = element.byte(0)
  if (element.length !== 1 || (value !== 0 && value !== 0xff)) throw new DecodeError('DER boolean', 0)
  return value === 0xff
}

/** Content of a BIT STRING of whole bytes. */
export function wholeBytesOf(bitString: DerElement): Uint8Array {
  if (bitString.byte(0) !== 0) throw new DecodeError('bit string with unused bits', 0)
  return bitString.data.subarray(bitString.from + 1, bitString.to)
}
