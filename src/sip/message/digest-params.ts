/** Digest credentials and challenges as text: `Digest name=value, name="value"` (RFC 3261 s.20.7, RFC 7616 s.3.4). */
import {
  COMMA,
  EQUALS,
  PARAM_VALUE,
  QUOTE,
  TOKEN,
  lowerAscii,
  sameIgnoringCase,
  skipBlanks,
  skipClass,
  skipQuoted,
  unquote,
} from './chars.ts'

/** More than any algorithm needs; a header with more is refused before it costs anything (attack row S-06). */
const PARAMS_MAX = 32
/** Longest credentials we read. */
const CREDENTIALS_CHARS_MAX = 4096

/**
 * The parameters of `Digest` credentials by lower-case name, quotes taken off. Undefined for another scheme (Basic is
 * never accepted, RFC 3261 s.22.4) and for anything malformed, repeated or oversized.
 */
export function parseDigest(text: string): ReadonlyMap<string, string> | undefined {
  const end = text.length
  if (end > CREDENTIALS_CHARS_MAX) return undefined
  let at = skipBlanks(text, 0, end)
  const schemeEnd = skipClass(TOKEN, text, at, end)
  if (!sameIgnoringCase(text, at, schemeEnd, 'digest')) return undefined
  at = skipBlanks(text, schemeEnd, end)
  if (at === schemeEnd) return undefined
  const params = new Map<string, string>()
  while (at < end) {
    // Empty list elements are allowed everywhere in comma lists (RFC 7230 s.7) and seen from phones.
    if (text.charCodeAt(at) === COMMA) {
      at = skipBlanks(text, at + 1, end)
      continue
    }
    const nameEnd = skipClass(TOKEN, text, at, end)
    if (nameEnd === at || params.size === PARAMS_MAX) return undefined
    const name = lowerAscii(text.slice(at, nameEnd))
    at = skipBlanks(text, nameEnd, end)
    if (at >= end || text.charCodeAt(at) !== EQUALS || params.has(name)) return undefined
    at = skipBlanks(text, at + 1, end)
    const quoted = text.charCodeAt(at) === QUOTE
    const valueEnd = quoted ? skipQuoted(text, at, end) : skipClass(PARAM_VALUE, text, at, end)
    if (valueEnd <= at) return undefined
    params.set(name, unquote(text.slice(at, valueEnd)))
    at = skipBlanks(text, valueEnd, end)
    if (at < end && text.charCodeAt(at) !== COMMA) return undefined
  }
  return params
}
