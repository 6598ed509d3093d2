/** Networks as operators write them: an address, or a prefix with its length (RFC 4632, RFC 4291 s.2.3). */
import { canonicalAddress, ipv6Groups, isIpv4, isIpv6, withoutZone } from './ip.ts'

/** Addresses that begin with the same bits. */
export interface Network {
  /** 4 or 16. */
  readonly bytes: Uint8Array
  readonly prefixBits: number
}

/** `192.0.2.0/24`, `2001:db8::/32` or one address; undefined for anything else, and when bits beyond the prefix are set. */
export function parseNetwork(text: string): Network | undefined {
  // Whoever has a network behind one interface in mind would trust those behind the others, too.
  if (text.includes('%')) return undefined
  const slash = text.indexOf('/')
  const bytes = addressBytes(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const bits = bytes.length * 8
  const length = slash < 0 ? '' : text.slice(slash + 1)
  if (slash >= 0 && !/^\d{1,3}$/.test(length)) return undefined
  const prefixBits = slash < 0 ? bits : Number(length)
  if (prefixBits > bits) return undefined
  // 192.0.2.7/24 is a slip of the pen: one of its two halves is not meant.
  for (let bit = prefixBits; bit < bits; bit++) {
    if ((((bytes[bit >> 3] as number) >> (7 - (bit & 7))) & 1) === 1) return undefined
  }
  return { bytes, prefixBits }
}

/** Whether an address, as `addressBytes` gives it, lies in the network. Families never match each other. */
export function isInNetwork(address: Uint8Array, { bytes, prefixBits }: Network): boolean {
  if (address.length !== bytes.length) return false
  const whole = prefixBits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false
  const rest = prefixBits & 7
  if (rest === 0) return true
  return (((address[whole] as number) ^ (bytes[whole] as number)) & (0xff00 >> rest) & 0xff) === 0
}

/** The 4 or 16 bytes of an address; IPv4-mapped IPv6 counts as IPv4, a zone for nothing. Undefined for anything that is no address. */
export function addressBytes(host: string): Uint8Array | undefined {
  const text = withoutZone(canonicalAddress(host))
  if (isIpv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIpv6(text)) return undefined
  const bytes = new Uint8Array(16)
  ipv6Groups(text).forEach((group, index) => {
    bytes[2 * index] = group >> 8
    bytes[2 * index + 1] = group & 0xff
  })
  return bytes
}
