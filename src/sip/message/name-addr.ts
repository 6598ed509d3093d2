/** To, From, Contact, Route and their kin: `"display" <uri>;params` or `uri;params` (RFC 3261 s.20.10). */
import {
  COLON,
  COMMA,
  DISPLAY,
  GREATER,
  LESS,
  LOOSE_DISPLAY,
  QUESTION,
  QUOTE,
  SEMICOLON,
  URI_CHAR,
  isBlank,
  quote,
  skipBlanks,
  skipClass,
  skipQuoted,
  unquote,
} from './chars.ts'
import { NO_PARAMS, parseParams } from './params.ts'
import { parseUri, type SipUri } from './uri.ts'

export interface NameAddr {
  /** Display name without quotes, '' when there is none. */
  readonly display: string
  /** The URI as it stands, without brackets. */
  readonly uri: string
  /** The URI read, on first use; undefined when it is malformed. */
  readonly parsedUri: SipUri | undefined
  /** Header parameters; values keep their quotes. */
  readonly params: ReadonlyMap<string, string>
  readonly raw: string
  /** The value with its display name in quotes where the sender should have set them; undefined where it needs none. */
  readonly quoted: string | undefined
}

class ParsedNameAddr implements NameAddr {
  readonly display: string
  readonly uri: string
  readonly params: ReadonlyMap<string, string>
  private readonly text: string
  private readonly start: number
  private readonly end: number
  /** Where the `<` after a display name stands that is no words of the grammar; -1 for all others. */
  private readonly looseUntil: number
  private cachedUri: SipUri | null | undefined = undefined

  /** The value is [start, end) of `text`. */
  constructor(
    display: string,
    uri: string,
    params: ReadonlyMap<string, string>,
    text: string,
    start: number,
    end: number,
    looseUntil = -1,
  ) {
    this.display = display
    this.uri = uri
    this.params = params
    this.text = text
    this.start = start
    this.end = end
    this.looseUntil = looseUntil
  }

  get quoted(): string | undefined {
    const { looseUntil, text, end, display } = this
    return looseUntil < 0 ? undefined : `${quote(display)} ${text.slice(looseUntil, end)}`
  }

  get raw(): string {
    return this.text.slice(this.start, this.end)
  }

  get parsedUri(): SipUri | undefined {
    if (this.cachedUri === undefined) this.cachedUri = parseUri(this.uri) ?? null
    return this.cachedUri ?? undefined
  }
}

/** What a message without a readable header gives. */
export const NO_NAME_ADDR: NameAddr = new ParsedNameAddr('', '', NO_PARAMS, '', 0, 0)

/** One name-addr or addr-spec with its parameters; undefined when it is malformed. The text is unfolded. */
export function parseNameAddr(text: string): NameAddr | undefined {
  return parseNameAddrIn(text, 0, text.length)
}

/** The same for [at, end) of a longer text. */
export function parseNameAddrIn(text: string, at: number, end: number): NameAddr | undefined {
  at = skipBlanks(text, at, end)
  while (end > at && isBlank(text.charCodeAt(end - 1))) end--
  const start = at
  let display = ''
  let looseUntil = -1
  if (text.charCodeAt(at) === QUOTE) {
    const close = skipQuoted(text, at, end)
    if (close < 0) return undefined
    display = unquote(text.slice(at, close))
    at = skipBlanks(text, close, end)
    if (text.charCodeAt(at) !== LESS) return undefined
  } else if (text.charCodeAt(at) !== LESS) {
    const less = displayEnd(text, at, end)
    if (less < 0) return parseAddrSpec(text, start, end)
    let displayLast = less
    while (displayLast > at && isBlank(text.charCodeAt(displayLast - 1))) displayLast--
    display = text.slice(at, displayLast)
    if (!isWords(text, at, displayLast)) looseUntil = less
    at = less
  }
  const uriEnd = skipClass(URI_CHAR, text, at + 1, end)
  if (uriEnd >= end || text.charCodeAt(uriEnd) !== GREATER || uriEnd === at + 1) return undefined
  const params = parseParams(text, uriEnd + 1, end)
  if (params === undefined) return undefined
  return new ParsedNameAddr(display, text.slice(at + 1, uriEnd), params, text, start, end, looseUntil)
}

/** Offset of the `<` after unquoted display words, -1 when something else comes first. */
function displayEnd(text: string, at: number, end: number): number {
  while (at < end) {
    const code = text.charCodeAt(at)
    if (code === LESS) return at
    if (LOOSE_DISPLAY[code] !== 1 && !isBlank(code)) return -1
    at++
  }
  return -1
}

function isWords(text: string, at: number, end: number): boolean {
  for (; at < end; at++) {
    const code = text.charCodeAt(at)
    if (DISPLAY[code] !== 1 && !isBlank(code)) return false
  }
  return true
}

/**
 * RFC 3261 s.20.10: without brackets, what follows a semicolon is the header's, and a URI with a comma or question
 * mark must not stand bare.
 */
function parseAddrSpec(text: string, start: number, end: number): NameAddr | undefined {
  let at = start
  let colon = false
  for (; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === SEMICOLON || isBlank(code)) break
    if (code === COLON) colon = true
    if (code === COMMA || code === QUESTION || URI_CHAR[code] !== 1) return undefined
  }
  if (!colon) return undefined
  const params = parseParams(text, at, end)
  if (params === undefined) return undefined
  return new ParsedNameAddr('', text.slice(start, at), params, text, start, end)
}
