/** DER (X.690) as far as a certificate needs it. What stands in a value is made before the value. */
import { concatBytes } from '../../common/bytes.ts'
import type { WallTime } from '../../common/time.ts'
import { oidContent } from '../../reload/security/index.ts'

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const

/** Tag, length and content of one value. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  return concatBytes([header(tag, length), ...content])
}

export function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return tlv(TAG.sequence, ...content)
}

/** An OBJECT IDENTIFIER from its numbers with dots. */
export function objectIdentifier(dotted: string): Uint8Array {
  return tlv(TAG.objectIdentifier, oidContent(dotted))
}

/** Whole seconds; RFC 5280 s.4.1.2.5 wants years before 2050 in UTCTime and later ones in GeneralizedTime. */
export function time(at: WallTime): Uint8Array {
  const digits = new Date(at).toISOString().slice(0, 19).replaceAll(/\D/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? tlv(TAG.utcTime, ascii(`${digits.slice(2)}Z`))
    : tlv(TAG.generalizedTime, ascii(`${digits}Z`))
}

/** An IA5String's content. Throws `RangeError` for text beyond ASCII. */
export function ascii(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.some((byte) => byte > 0x7f) || bytes.toString('latin1') !== text)
    throw new RangeError('not ASCII')
  return bytes
}

function header(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length)
  if (length < 0x100) return Uint8Array.of(tag, 0x81, length)
  if (length < 0x1_00_00) return Uint8Array.of(tag, 0x82, length >>> 8, length & 0xff)
  throw new RangeError('too long for a certificate')
}
