/** Where the fixed fields of a forwarding header stand (RFC 6940 s.6.3.2), and how to read and write them in place. */

/** Offsets in bytes from the start of the message. */
export const HEADER_AT = {
  token: 0,
  overlay: 4,
  configurationSequence: 8,
  version: 10,
  ttl: 11,
  fragment: 12,
  length: 16,
  transactionId: 20,
  maxResponseLength: 28,
  viaLength: 32,
  destinationLength: 34,
  optionsLength: 36,
} as const

/** Where the Destination at `at` ends, by its own length. */
export function destinationEnd(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) >= 0x80 ? at + 2 : at + 2 + (bytes[at + 1] as number)
}

export function u16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

export function u32At(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at) * 0x1_0000 + u16At(bytes, at + 2)
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value >>> 16)
  putU16(bytes, at + 2, value & 0xffff)
}
