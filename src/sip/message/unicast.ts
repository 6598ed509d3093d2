/** Addresses that a registration may name: one host beyond the local link, and nothing on this machine unless the phone is on it too. */
import { isIpv4 } from './ip.ts'
import { isIpHost } from './uri.ts'
import { addressBytes } from './network.ts'

const BRACKET = 0x5b

/** IPv6 literals without brackets. */
export function bare(host: string): string {
  return host.charCodeAt(0) === BRACKET && host.endsWith(']') ? host.slice(1, -1) : host
}

/** An IP literal that names one host beyond the local link; this machine itself only where `loopback` says so. */
export function isUnicastLiteral(host: string, loopback: boolean): boolean {
  const address = bare(host)
  if (address.includes(':')) return isUnicastIpv6(address, loopback)
  if (!isIpv4(address)) return false
  const dot = address.indexOf('.')
  const first = Number(address.slice(0, dot))
  if (first === 127) return loopback
  return first !== 0 && first < 224 && !(first === 169 && address.startsWith('254.', dot + 1))
}

/** Any spelling: `::ffff:7f00:1` is loopback, too. */
function isUnicastIpv6(address: string, loopback: boolean): boolean {
  const bytes = addressBytes(address)
  if (bytes === undefined) return false
  if (bytes.length === 4) return isUnicastLiteral(bytes.join('.'), loopback)
  const [first = 0, second = 0] = bytes
  const last = bytes[15]
  if (bytes.every((byte, at) => byte === 0 || at === 15)) return last === 1 ? loopback : last !== 0
  return first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80)
}

/** Of an address in its usual spelling. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** RFC 2606, RFC 6761, RFC 6762, RFC 8375: names below these are nobody's, the machine's own, or known in its own network only. */
const PRIVATE_NAMES = [
  '.invalid',
  '.local',
  '.localdomain',
  '.localhost',
  '.lan',
  '.internal',
  '.home.arpa',
] as const

/** A host name that DNS may know everywhere. */
export function isPublicName(host: string): boolean {
  return host.includes('.') && !isIpHost(host) && !PRIVATE_NAMES.some((end) => host.endsWith(end))
}
