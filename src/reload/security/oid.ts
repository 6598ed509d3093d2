/** OBJECT IDENTIFIERs (X.690 s.8.19) as dotted text, for comparing with known ones. */
import { DecodeError } from '../../common/bytes.ts'
import type { DerElement } from './der.ts'

interface Known {
  readonly text: string
  readonly content: Uint8Array
}

/** Those that are expected: the same dozen stand in every certificate, and are told by their bytes. */
export class KnownOids {
  private readonly known: readonly Known[]

  constructor(texts: Iterable<string>) {
    this.known = [...texts].map((text) => ({ text, content: oidContent(text) }))
  }

  /** Text of any one. Throws `DecodeError` for arcs that nothing known has. */
  textOf(oid: DerElement): string {
    for (const { text, content } of this.known) if (same(content, oid)) return text
    return dotted(oid)
  }
}

function same(content: Uint8Array, oid: DerElement): boolean {
  if (content.length !== oid.length) return false
  // From the end: that is where they differ.
  for (let i = content.length - 1; i >= 0; i--) if (content[i] !== oid.byte(i)) return false
  return true
}

function dotted(oid: DerElement): string {
  const arcs: number[] = []
  let arc = 0
  for (let i = 0; i < oid.length; i++) {
    const byte = oid.byte(i) as number
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

/** Content of an OBJECT IDENTIFIER from its numbers with dots. */
export function oidContent(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return Uint8Array.from([40 * first + second, ...rest].flatMap(base128))
}

/** Seven bits a byte, the top bit on all but the last. */
function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
    bytes.unshift(0x80 | (left & 0x7f))
  return bytes
}
