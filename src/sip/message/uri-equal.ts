/** URI equality (RFC 3261 s.19.1.4; RFC 3966 s.4 for tel). */
import { lowerAscii } from './chars.ts'
import { normalizeEscapes } from './escapes.ts'
import { addressBytes } from './network.ts'
import { parseUri, type SipUri } from './uri.ts'

/** Parameters that must be in both URIs or in neither; maddr with them, by RFC 3261's own examples. */
const MATCHED_PARAMS = ['transport', 'user', 'ttl', 'method', 'maddr']

/** True when both are URIs and mean the same. */
export function urisEqual(a: SipUri | string, b: SipUri | string): boolean {
  const left = typeof a === 'string' ? parseUri(a) : a
  const right = typeof b === 'string' ? parseUri(b) : b
  if (left === undefined || right === undefined || left.scheme !== right.scheme) return false
  if (left.scheme === 'tel') return telEqual(left, right)
  if (left.host === '') return left.raw.slice(left.scheme.length) === right.raw.slice(right.scheme.length)
  return (
    sameHost(left.host, right.host) &&
    left.port === right.port &&
    sameEscaped(left.user, right.user) &&
    sameEscaped(left.password, right.password) &&
    paramsEqual(left.params, right.params) &&
    headersEqual(left.headers, right.headers)
  )
}

/** RFC 5954 s.4.2: IPv6 addresses are compared as addresses, however they are written. */
function sameHost(a: string, b: string): boolean {
  if (a === b) return true
  if (a.indexOf(':') < 0 || b.indexOf(':') < 0) return false
  const left = addressBytes(a)
  const right = addressBytes(b)
  return left !== undefined && right?.length === left.length && left.every((byte, i) => byte === right[i])
}

function sameEscaped(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && normalizeEscapes(a) === normalizeEscapes(b)
}

function paramsEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  for (const name of MATCHED_PARAMS) if (a.has(name) !== b.has(name)) return false
  for (const [name, value] of a) {
    const other = b.get(name)
    if (other !== undefined && !sameValue(value, other)) return false
  }
  return true
}

function sameValue(a: string, b: string): boolean {
  return a === b || lowerAscii(normalizeEscapes(a)) === lowerAscii(normalizeEscapes(b))
}

/** Never ignored, in any order: every header of one must be in the other with the same value. */
function headersEqual(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const left = a.split('&').map(normalizeHeader).sort()
  const right = b.split('&').map(normalizeHeader).sort()
  return left.length === right.length && left.every((header, i) => header === right[i])
}

function normalizeHeader(header: string): string {
  const equals = header.indexOf('=')
  if (equals < 0) return lowerAscii(normalizeEscapes(header))
  return `${lowerAscii(normalizeEscapes(header.slice(0, equals)))}=${normalizeEscapes(header.slice(equals + 1))}`
}

/** Visual separators say nothing; parameters must agree in number and, ignoring case, in value. */
function telEqual(a: SipUri, b: SipUri): boolean {
  if (lowerAscii(stripSeparators(a.user ?? '')) !== lowerAscii(stripSeparators(b.user ?? ''))) return false
  if (a.params.size !== b.params.size) return false
  for (const [name, value] of a.params) {
    const other = b.params.get(name)
    if (other === undefined || !sameValue(stripSeparators(value), stripSeparators(other))) return false
  }
  return true
}

/** A telephone number without `-.()` (RFC 3966 s.5.1.1). */
export function stripSeparators(number: string): string {
  let plain = ''
  for (const char of number) if (char !== '-' && char !== '.' && char !== '(' && char !== ')') plain += char
  return plain
}
