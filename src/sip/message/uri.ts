/** URIs: `sip:` and `sips:` in full, `tel:` by its number and parameters, every other scheme as opaque text. */
import { detached } from '../../common/detached.ts'
import {
  AT,
  COLON,
  DIGIT,
  DOT,
  EQUALS,
  HOST_CHAR,
  LEFT_BRACKET,
  PERCENT,
  QUESTION,
  SEMICOLON,
  URI_CHAR,
  URI_HEADER_CHAR,
  URI_PARAM_CHAR,
  USER_CHAR,
  decimal,
  lowerAscii,
  skipClass,
} from './chars.ts'
import { isEscape, normalizeEscapes } from './escapes.ts'
import { bracketed, isIpv4, isIpv6, repairIpv6 } from './ip.ts'
import { NO_PARAMS } from './params.ts'

export interface SipUri {
  /** Lower-case. */
  readonly scheme: string
  /** As it stands, escapes included; of a tel URI the number. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** Lower-case, without the dot that may end a name; IPv6 without brackets; '' for schemes other than sip and sips. */
  readonly host: string
  readonly port: number | undefined
  /** Names lower-case, values as they stand, '' for a name without value. */
  readonly params: ReadonlyMap<string, string>
  /** The part after `?` as it stands; undefined when there is none. */
  readonly headers: string | undefined
  readonly raw: string
}

/** Undefined when the text is no URI at all, or a sip, sips or tel URI that breaks the grammar (RFC 3261 s.25.1). */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0 || !isScheme(text, colon)) return undefined
  const scheme = schemeOf(text, colon)
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text, scheme, colon + 1)
  if (skipClass(URI_CHAR, text, 0, text.length) !== text.length || colon + 1 === text.length) return undefined
  if (scheme === 'tel') return parseTelUri(text, colon + 1)
  return {
    scheme,
    user: undefined,
    password: undefined,
    host: '',
    port: undefined,
    params: NO_PARAMS,
    headers: undefined,
    raw: text,
  }
}

function schemeOf(text: string, colon: number): string {
  const scheme = text.slice(0, colon)
  return scheme === 'sip' || scheme === 'sips' ? scheme : lowerAscii(scheme)
}

function isScheme(text: string, colon: number): boolean {
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i)
    const letter = (code | 32) >= 97 && (code | 32) <= 122
    if (!letter && (i === 0 || !((code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46)))
      return false
  }
  return true
}

function parseSipUri(text: string, scheme: string, start: number): SipUri | undefined {
  const end = text.length
  let user: string | undefined
  let password: string | undefined
  let at = start
  // `@` is reserved: the first one ends the user part, another one is an error found below.
  const sign = text.indexOf('@', start)
  if (sign >= 0) {
    const userEnd = escapedEnd(USER_CHAR, text, start, sign)
    if (userEnd === start || userEnd < 0) return undefined
    user = text.slice(start, userEnd)
    if (userEnd < sign) {
      if (text.charCodeAt(userEnd) !== COLON || escapedEnd(USER_CHAR, text, userEnd + 1, sign) !== sign)
        return undefined
      password = text.slice(userEnd + 1, sign)
    }
    at = sign + 1
  }
  let host: string
  if (text.charCodeAt(at) === LEFT_BRACKET) {
    const close = text.indexOf(']', at)
    if (close < 0) return undefined
    host = repairIpv6(text.slice(at + 1, close)).toLowerCase()
    if (!isIpv6(host)) return undefined
    at = close + 1
  } else {
    const hostEnd = skipClass(HOST_CHAR, text, at, end)
    if (hostEnd === at) return undefined
    // `example.com.` is `example.com` (adapter-mapping s.1 item 4).
    const nameEnd = hostEnd - at > 1 && text.charCodeAt(hostEnd - 1) === DOT ? hostEnd - 1 : hostEnd
    host = lowerAscii(text.slice(at, nameEnd))
    at = hostEnd
  }
  let port: number | undefined
  if (text.charCodeAt(at) === COLON) {
    const portStart = at + 1
    at = skipClass(DIGIT, text, portStart, end)
    // Nothing behind the colon is no port (docs/adr/0038).
    port = at === portStart ? undefined : decimal(text, portStart, at)
    if (port !== undefined && (port < 0 || port > 65_535)) return undefined
  }
  let params = NO_PARAMS
  let headers: string | undefined
  if (at < end) {
    const question = text.indexOf('?', at)
    const paramsEnd = question < 0 ? end : question
    const parsed = parseUriParams(text, at, paramsEnd)
    if (parsed === undefined) return undefined
    params = parsed
    if (question >= 0) {
      if (!isHeaders(text, question + 1, end)) return undefined
      headers = text.slice(question + 1)
    }
  }
  return { scheme, user, password, host, port, params, headers, raw: text }
}

/** Offset of the first character that is neither of `chars` nor an escape; -1 for a broken escape. */
function escapedEnd(chars: Uint8Array, text: string, at: number, end: number): number {
  while (at < end) {
    const code = text.charCodeAt(at)
    if (chars[code] === 1) at++
    else if (code === PERCENT) {
      if (at + 2 >= end || !isEscape(text, at)) return -1
      at += 3
    } else break
  }
  return at
}

/** Judgement: `;lr`, `;transport=tcp` and the like; longer ones are rarely the same twice. */
const SHARED_CHARS_MAX = 24
const SHARED_MAX = 64
/** Parameters that were read before, by their text. */
const shared = new Map<string, ReadonlyMap<string, string>>()

function parseUriParams(text: string, at: number, end: number): ReadonlyMap<string, string> | undefined {
  if (at === end) return NO_PARAMS
  if (end - at > SHARED_CHARS_MAX) return readUriParams(text, at, end)
  const whole = text.slice(at, end)
  const known = shared.get(whole)
  if (known !== undefined) return known
  const read = readUriParams(whole, 0, whole.length)
  // Nothing makes room: whoever comes with ever new ones would have each read twice.
  if (read === undefined || shared.size >= SHARED_MAX) return read
  // What is kept must not keep the message.
  const kept = detached(whole)
  const params = readUriParams(kept, 0, kept.length) ?? NO_PARAMS
  shared.set(kept, params)
  return params
}

function readUriParams(text: string, at: number, end: number): ReadonlyMap<string, string> | undefined {
  const params = new Map<string, string>()
  while (at < end) {
    if (text.charCodeAt(at) !== SEMICOLON) return undefined
    const nameEnd = escapedParamEnd(text, at + 1, end)
    if (nameEnd === end && nameEnd === at + 1) break
    if (nameEnd <= at + 1) return undefined
    // An escaped name is the same name (RFC 3261 s.19.1.4, RFC 4475 s.3.1.1.3).
    const name = lowerAscii(normalizeEscapes(text.slice(at + 1, nameEnd)))
    if (params.has(name)) return undefined
    at = nameEnd
    let value = ''
    if (at < end && text.charCodeAt(at) === EQUALS) {
      // `gr` values are base64 and end in `=` (adapter-mapping s.3.6).
      let valueEnd = escapedParamEnd(text, at + 1, end)
      if (valueEnd < 0) return undefined
      while (valueEnd < end && text.charCodeAt(valueEnd) === EQUALS) valueEnd++
      value = text.slice(at + 1, valueEnd)
      at = valueEnd
    }
    params.set(name, value)
  }
  return params
}

function escapedParamEnd(text: string, at: number, end: number): number {
  // An escape may end the text, so the end is one further than for a user part.
  while (at < end) {
    const code = text.charCodeAt(at)
    if (URI_PARAM_CHAR[code] === 1) at++
    else if (code === PERCENT) {
      if (at + 2 >= end || !isEscape(text, at)) return -1
      at += 3
    } else break
  }
  return at
}

function isHeaders(text: string, at: number, end: number): boolean {
  while (at < end) {
    const code = text.charCodeAt(at)
    if (code === PERCENT) {
      if (at + 2 >= end || !isEscape(text, at)) return false
      at += 3
    } else if (
      URI_HEADER_CHAR[code] === 1 ||
      code === EQUALS ||
      code === 38 ||
      code === AT ||
      code === SEMICOLON
    )
      at++
    else return false
  }
  return true
}

/** RFC 3966: number, then parameters. Which characters may stand in the number is the caller's question. */
function parseTelUri(text: string, start: number): SipUri | undefined {
  let at = start
  while (at < text.length && text.charCodeAt(at) !== SEMICOLON && text.charCodeAt(at) !== QUESTION) at++
  if (at === start) return undefined
  const params = parseUriParams(text, at, text.length)
  if (params === undefined) return undefined
  return {
    scheme: 'tel',
    user: text.slice(start, at),
    password: undefined,
    host: '',
    port: undefined,
    params,
    headers: undefined,
    raw: text,
  }
}

/** The parts of a SIP URI that has no text yet. */
export interface UriParts {
  readonly scheme: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly host: string
  readonly port?: number | undefined
  readonly params?: ReadonlyMap<string, string> | undefined
  readonly headers?: string | undefined
}

/** Text of a sip, sips or tel URI from its parts; parts are taken as escaped already. */
export function formatUri(uri: UriParts): string {
  let text = `${uri.scheme}:`
  if (uri.user !== undefined) {
    text += uri.user
    if (uri.password !== undefined) text += `:${uri.password}`
    if (uri.scheme !== 'tel') text += '@'
  }
  text += bracketed(uri.host)
  if (uri.port !== undefined) text += `:${uri.port}`
  if (uri.params !== undefined) {
    for (const [name, value] of uri.params) text += value === '' ? `;${name}` : `;${name}=${value}`
  }
  if (uri.headers !== undefined) text += `?${uri.headers}`
  return text
}

/** True when the host is an IP literal, which is never looked up. */
export function isIpHost(host: string): boolean {
  return host.indexOf(':') >= 0 || isIpv4(host)
}
