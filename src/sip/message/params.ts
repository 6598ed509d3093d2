/** `;name=value` lists of headers (generic-param, RFC 3261 s.25.1). */
import {
  EQUALS,
  PARAM_VALUE,
  QUOTE,
  SEMICOLON,
  TOKEN,
  lowerAscii,
  skipBlanks,
  skipClass,
  skipQuoted,
} from './chars.ts'

/** Shared by everything that has no parameters. */
export const NO_PARAMS: ReadonlyMap<string, string> = new Map()

/**
 * Parameters in [at, end), which is empty or starts with a semicolon. Names are lower-case; values are the text as it
 * stands, quotes included (`unquote` takes them off); a name without `=`, or with nothing behind it
 * (docs/adr/0038), has the value ''. Undefined when a name is empty, anything unbalanced or named twice (RFC 3261 s.7.3.1).
 */
export function parseParams(text: string, at: number, end: number): ReadonlyMap<string, string> | undefined {
  at = skipBlanks(text, at, end)
  if (at === end) return NO_PARAMS
  const params = new Map<string, string>()
  while (at < end) {
    if (text.charCodeAt(at) !== SEMICOLON) return undefined
    at = skipBlanks(text, at + 1, end)
    const nameEnd = skipClass(TOKEN, text, at, end)
    if (nameEnd === at) return undefined
    const name = lowerAscii(text.slice(at, nameEnd))
    if (params.has(name)) return undefined
    at = skipBlanks(text, nameEnd, end)
    let value = ''
    if (at < end && text.charCodeAt(at) === EQUALS) {
      at = skipBlanks(text, at + 1, end)
      const valueEnd =
        text.charCodeAt(at) === QUOTE ? skipQuoted(text, at, end) : skipClass(PARAM_VALUE, text, at, end)
      if (valueEnd < at) return undefined
      value = text.slice(at, valueEnd)
      at = skipBlanks(text, valueEnd, end)
    }
    params.set(name, value)
  }
  return params
}

/** `;name=value` of each parameter, in order. */
export function formatParams(params: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${value}`
  return text
}
