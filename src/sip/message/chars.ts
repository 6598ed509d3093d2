/**
 * Character classes of RFC 3261 s.25 over latin-1 codes, as tables: the parsers look at codes, never at patterns.
 * Bytes of 0x80 and above are UTF-8 that passes through; the classes accept them where the grammar has TEXT-UTF8
 * or where phones put them anyway.
 */

const TOKEN_CHARS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.!%*_+`'~"
const DIGITS = '0123456789'
const HEX_DIGITS = '0123456789ABCDEFabcdef'

function table(chars: string, upper: boolean): Uint8Array {
  const classes = new Uint8Array(256)
  for (let i = 0; i < chars.length; i++) classes[chars.charCodeAt(i)] = 1
  if (upper) classes.fill(1, 0x80)
  return classes
}

function visibleExcept(chars: string): Uint8Array {
  const classes = new Uint8Array(256)
  classes.fill(1, 0x21, 0x7f)
  classes.fill(1, 0x80)
  for (let i = 0; i < chars.length; i++) classes[chars.charCodeAt(i)] = 0
  return classes
}

/** token, RFC 3261 s.25.1. */
export const TOKEN = table(TOKEN_CHARS, false)
/** Words of an unquoted display name: token, and UTF-8 as phones send it. */
export const DISPLAY = table(TOKEN_CHARS, true)
/** The same as phones write it: anything but what could be the beginning of something else (docs/adr/0038). */
export const LOOSE_DISPLAY = visibleExcept('"<>,;:\\')
/** What a parameter value without quotes may hold: more than token and host, never a delimiter. */
export const PARAM_VALUE = visibleExcept('";,<>')
/** What a URI in angle brackets may hold. */
export const URI_CHAR = visibleExcept('"<>')
/** user and password of a SIP URI; `#` is not in the grammar, but phones dial it. */
export const USER_CHAR = table(TOKEN_CHARS.replace('`', '').replace('%', '') + '()&=+$,;?/#', true)
/** One character of a URI parameter name or value (pname, pvalue), escapes apart. */
export const URI_PARAM_CHAR = table(TOKEN_CHARS.replace('%', '') + '()[]/:&+$', true)
/** One character of the headers part of a URI, escapes apart. */
export const URI_HEADER_CHAR = table(TOKEN_CHARS.replace('%', '') + '()[]/?:+$', true)
export const HOST_CHAR = table('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._', false)
export const DIGIT = table(DIGITS, false)
export const HEX = table(HEX_DIGITS, false)

export const TAB = 9
export const LF = 10
export const CR = 13
export const SPACE = 32
export const QUOTE = 34
export const PERCENT = 37
export const LEFT_PAREN = 40
export const RIGHT_PAREN = 41
export const COMMA = 44
export const DOT = 46
export const SLASH = 47
export const COLON = 58
export const SEMICOLON = 59
export const LESS = 60
export const EQUALS = 61
export const GREATER = 62
export const QUESTION = 63
export const AT = 64
export const LEFT_BRACKET = 91
export const BACKSLASH = 92
export const RIGHT_BRACKET = 93

/** True for the blanks that may stand between tokens. Line ends inside a value are folding (RFC 3261 s.7.3.1). */
export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === CR || code === LF
}

/** First offset from `at` that is no blank, at most `end`. */
export function skipBlanks(text: string, at: number, end: number): number {
  while (at < end && isBlank(text.charCodeAt(at))) at++
  return at
}

/** First offset from `at` whose character is outside `chars`, at most `end`. */
export function skipClass(chars: Uint8Array, text: string, at: number, end: number): number {
  while (at < end && chars[text.charCodeAt(at)] === 1) at++
  return at
}

/** Offset after the quoted string that opens at `at`, or -1 when it never closes. */
export function skipQuoted(text: string, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    if (code === BACKSLASH) i++
  }
  return -1
}

/** The characters of a quoted string without quotes and escapes; other text is given back as it is. */
export function unquote(text: string): string {
  const last = text.length - 1
  if (last < 1 || text.charCodeAt(0) !== QUOTE || text.charCodeAt(last) !== QUOTE) return text
  if (text.indexOf('\\') < 0) return text.slice(1, last)
  let plain = ''
  for (let i = 1; i < last; i++) {
    if (text.charCodeAt(i) === BACKSLASH && i + 1 < last) i++
    plain += text[i]
  }
  return plain
}

/** `text` as a quoted string. Line ends cannot be quoted and become blanks. */
export function quote(text: string): string {
  let quoted = '"'
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE || code === BACKSLASH) quoted += '\\'
    quoted += code === CR || code === LF ? ' ' : text[i]
  }
  return quoted + '"'
}

/**
 * The number that 1*DIGIT in [at, end) writes; -1 when it is anything else. Numbers past 2^53 come out as
 * Number.MAX_SAFE_INTEGER, which is larger than every limit.
 */
export function decimal(text: string, at: number, end: number): number {
  if (at >= end) return -1
  let value = 0
  for (let i = at; i < end; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
    if (value > Number.MAX_SAFE_INTEGER) value = Number.MAX_SAFE_INTEGER
  }
  return value
}

/** True when the text in [at, end) is `lower` in any case; `lower` is lower-case letters and hyphens. */
export function sameIgnoringCase(text: string, at: number, end: number, lower: string): boolean {
  if (end - at !== lower.length) return false
  for (let i = 0; i < lower.length; i++)
    if ((text.charCodeAt(at + i) | 32) !== lower.charCodeAt(i)) return false
  return true
}

/** Lower case of ASCII only, so that no byte of UTF-8 changes. */
export function lowerAscii(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((code >= 65 && code <= 90) || code >= 0x80) return lowerFrom(text)
  }
  return text
}

function lowerFrom(text: string): string {
  let lower = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    lower += code >= 65 && code <= 90 ? String.fromCharCode(code | 32) : text[i]
  }
  return lower
}

/** Replaces every line fold and the blanks around it by one blank (RFC 3261 s.7.3.1). */
export function unfold(text: string): string {
  let plain = ''
  let copied = 0
  for (let at = text.indexOf('\r'); at >= 0; at = text.indexOf('\r', copied)) {
    let before = at
    while (before > copied && isBlank(text.charCodeAt(before - 1))) before--
    plain += text.slice(copied, before) + ' '
    copied = skipBlanks(text, at, text.length)
  }
  return plain + text.slice(copied)
}
