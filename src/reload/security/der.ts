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

export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** Tag, length and content. */
  readonly whole: Uint8Array
}

export class DerReader {
  private readonly data: Uint8Array
  private at = 0

  constructor(data: Uint8Array) {
    this.data = data
  }

  get done(): boolean {
    return this.at === this.data.length
  }

  /** Tag of the next element, or -1 at the end. */
  peek(): number {
    return this.data[this.at] ?? -1
  }

  /** The next element, which must have `tag` when one is given. */
  next(tag?: number): DerElement {
    const start = this.at
    const found = this.byte()
    if ((found & 0x1f) === 0x1f) throw new DecodeError('multi-byte DER tag', start)
    if (tag !== undefined && found !== tag)
      throw new DecodeError(`DER tag ${found} where ${tag} is due`, start)
    const length = this.length()
    if (length > this.data.length - this.at) throw new DecodeError('DER length beyond its end', start)
    const content = this.data.subarray(this.at, this.at + length)
    this.at += length
    return { tag: found, content, whole: this.data.subarray(start, this.at) }
  }

  /** The next element when it has `tag`, otherwise undefined and nothing is read. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next(tag) : undefined
  }

  /** A reader for the content of the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.next(tag).content)
  }

  end(): void {
    if (!this.done) throw new DecodeError('bytes left over in DER', this.at)
  }

  private byte(): number {
    const value = this.data[this.at]
    if (value === undefined) throw new DecodeError('DER ends early', this.at)
    this.at++
    return value
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

/** Dotted text of an OBJECT IDENTIFIER's content, for comparing with known ones. */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = []
  let arc = 0
  for (let i = 0; i < content.length; i++) {
    const byte = content[i] as number
    if (arc > 0xff_ffff) throw new DecodeError('OID arc too large', i)
    arc = arc * 128 + (byte & 0x7f)
    if ((byte & 0x80) !== 0) continue
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)))
    else arcs.push(arc)
    arc = 0
  }
  return arcs.join('.')
}

/** DER BOOLEAN: 0xff is true, 0x00 false, the rest wrong. */
export function booleanOf(element: DerElement): boolean {
  const value = element.content[0]
  if (element.content.length !== 1 || (value !== 0 && value !== 0xff)) throw new DecodeError('DER boolean', 0)
  return value === 0xff
}

/** Content of a BIT STRING of whole bytes. */
export function wholeBytesOf(bitString: DerElement): Uint8Array {
  if (bitString.content[0] !== 0) throw new DecodeError('bit string with unused bits', 0)
  return bitString.content.subarray(1)
}
