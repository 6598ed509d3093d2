import { utf8 } from '../../common/bytes.ts'

/**
 * RFC 6940 s.6.3.2: the overlay field is the lower 32 bits of SHA-1 over the overlay name: the last four bytes of the
 * digest, where a Resource-ID takes the first sixteen.
 */
export function overlayHash(name: string, sha1: (bytes: Uint8Array) => Uint8Array): number {
  const digest = sha1(utf8(name))
  let value = 0
  for (const byte of digest.subarray(digest.length - 4)) value = value * 256 + byte
  return value
}

/** RFC 1035 s.2.3.1 and s.2.3.4: labels of letters, digits and inner hyphens, 63 bytes each, 253 in all. */
export function isOverlayName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false
  return name.split('.').every((label) => LABEL.test(label))
}

// RFC 1123 s.2.1 lets a label begin with a digit, which RFC 1035 did not; names in DNS do.
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
