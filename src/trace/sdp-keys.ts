/** Keys in session descriptions: SDES (RFC 4568), MIKEY (RFC 4567), `k=` (RFC 4566 s.5.12), ICE passwords (RFC 8839 s.5.4). */
import { coverTo } from './cover.ts'

const LINES: readonly string[] = ['a=crypto:', 'a=key-mgmt:', 'a=ice-pwd:', 'k=']
const LF = 10
const CR = 13

/** Covers them from `from` to the end. */
export function coverKeys(bytes: Uint8Array, from: number): void {
  for (let at = from; at < bytes.length;) {
    const feed = bytes.indexOf(LF, at)
    const next = feed < 0 ? bytes.length : feed + 1
    const first = bytes[at]
    // a or k
    if (first === 97 || first === 107) coverLine(bytes, at, feed < 0 ? bytes.length : feed)
    at = next
  }
}

function coverLine(bytes: Uint8Array, at: number, feed: number): void {
  for (const prefix of LINES) {
    if (!startsWith(bytes, at, prefix)) continue
    const end = bytes[feed - 1] === CR ? feed - 1 : feed
    return coverTo(bytes, at + prefix.length, end)
  }
}

function startsWith(bytes: Uint8Array, at: number, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix.charCodeAt(i)) return false
  return true
}
