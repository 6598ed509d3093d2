/** Via values: `SIP/2.0/UDP host:port;params` (RFC 3261 s.20.42, RFC 3581). */
import {
  COLON,
  COMMA,
  DIGIT,
  EQUALS,
  HOST_CHAR,
  LEFT_BRACKET,
  PARAM_VALUE,
  QUOTE,
  SEMICOLON,
  SLASH,
  TOKEN,
  decimal,
  isBlank,
  lowerAscii,
  sameIgnoringCase,
  skipBlanks,
  skipClass,
  skipQuoted,
} from './chars.ts'
import { canonicalAddress, isIpv6, repairIpv6 } from './ip.ts'
import { slice } from './lists.ts'
import { NO_PARAMS, parseParams } from './params.ts'

export interface Via {
  /** Upper-case, such as `UDP`. */
  readonly transport: string
  /** Host of sent-by, lower-case, IPv6 without brackets. */
  readonly host: string
  readonly port: number | undefined
  /** Names lower-case, values with their quotes, '' for a name alone. */
  readonly params: ReadonlyMap<string, string>
  readonly branch: string | undefined
  /** A port; `empty` when the sender asks for it to be filled in (RFC 3581 s.3). */
  readonly rport: number | 'empty' | undefined
  /** Without brackets. */
  readonly received: string | undefined
  readonly maddr: string | undefined
  readonly raw: string
  /** Offset in `raw` after an `rport` without a value, 0 when there is none. */
  readonly emptyRportEnd: number
}

class ParsedVia implements Via {
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  branch: string | undefined = undefined
  rport: number | 'empty' | undefined = undefined
  received: string | undefined = undefined
  maddr: string | undefined = undefined
  /** Offset in `text` after an empty rport, 0 when there is none. */
  rportEnd = 0
  /** The value is [start, end) of `text`; its parameters begin at `paramsAt`. */
  end: number
  private readonly text: string
  private readonly start: number
  private readonly paramsAt: number
  private cachedRaw: string | undefined = undefined
  private cachedParams: ReadonlyMap<string, string> | undefined = undefined

  constructor(
    transport: string,
    host: string,
    port: number | undefined,
    text: string,
    start: number,
    paramsAt: number,
  ) {
    this.transport = transport
    this.host = host
    this.port = port
    this.text = text
    this.start = start
    this.end = paramsAt
    this.paramsAt = paramsAt
  }

  get raw(): string {
    this.cachedRaw ??= slice(this.text, this.start, this.end)
    return this.cachedRaw
  }

  get emptyRportEnd(): number {
    return this.rportEnd === 0 ? 0 : this.rportEnd - this.start
  }

  /** Made on first use: routing needs only the ones that have a field of their own. */
  get params(): ReadonlyMap<string, string> {
    this.cachedParams ??= parseParams(this.text, this.paramsAt, this.end) ?? NO_PARAMS
    return this.cachedParams
  }
}

/** What a message without a readable Via gives. */
export const NO_VIA: Via = {
  transport: '',
  host: '',
  port: undefined,
  params: NO_PARAMS,
  branch: undefined,
  rport: undefined,
  received: undefined,
  maddr: undefined,
  raw: '',
  emptyRportEnd: 0,
}

/** One Via value, unfolded; undefined when it is malformed. Any protocol version is read, so that 505 can be said. */
export function parseVia(text: string): Via | undefined {
  const via = parse(text, 0, text.length)
  return via !== undefined && via.end === text.length ? via : undefined
}

/** The first value of the list in [at, end) of a longer text. */
export function parseFirstVia(text: string, at: number, end: number): Via | undefined {
  return parse(text, at, end)
}

function parse(text: string, at: number, end: number): ParsedVia | undefined {
  const start = skipBlanks(text, at, end)
  const name = skipClass(TOKEN, text, start, end)
  if (!sameIgnoringCase(text, start, name, 'sip')) return undefined
  at = slash(text, name, end)
  const version = skipClass(TOKEN, text, at, end)
  if (at < 0 || version === at) return undefined
  at = slash(text, version, end)
  const transportEnd = skipClass(TOKEN, text, at, end)
  if (at < 0 || transportEnd === at || !(transportEnd < end && isBlank(text.charCodeAt(transportEnd))))
    return undefined
  const transport = transportName(text, at, transportEnd)
  at = skipBlanks(text, transportEnd, end)

  let host: string
  if (text.charCodeAt(at) === LEFT_BRACKET) {
    const close = text.indexOf(']', at)
    if (close < 0 || close >= end) return undefined
    host = repairIpv6(text.slice(at + 1, close)).toLowerCase()
    if (!isIpv6(host)) return undefined
    at = close + 1
  } else {
    const hostEnd = skipClass(HOST_CHAR, text, at, end)
    if (hostEnd === at) return undefined
    host = lowerAscii(text.slice(at, hostEnd))
    at = hostEnd
  }
  at = skipBlanks(text, at, end)
  let port: number | undefined
  if (at < end && text.charCodeAt(at) === COLON) {
    const portStart = skipBlanks(text, at + 1, end)
    at = skipClass(DIGIT, text, portStart, end)
    port = decimal(text, portStart, at)
    if (port < 0 || port > 65_535) return undefined
    at = skipBlanks(text, at, end)
  }
  const via = new ParsedVia(transport, host, port, text, start, at)
  return readParams(via, text, at, end) ? via : undefined
}

/** Offset after a slash and the blanks around it, -1 when there is none. */
function slash(text: string, at: number, end: number): number {
  at = skipBlanks(text, at, end)
  return at < end && text.charCodeAt(at) === SLASH ? skipBlanks(text, at + 1, end) : -1
}

function transportName(text: string, at: number, end: number): string {
  // The common ones without making a string.
  if (end - at === 3) {
    if (sameIgnoringCase(text, at, end, 'udp')) return 'UDP'
    if (sameIgnoringCase(text, at, end, 'tcp')) return 'TCP'
    if (sameIgnoringCase(text, at, end, 'tls')) return 'TLS'
  }
  return text.slice(at, end).toUpperCase()
}

/** Fills the fields that have a name, up to the comma that ends the value; false when a parameter is malformed or a named one stands twice. */
function readParams(via: ParsedVia, text: string, at: number, end: number): boolean {
  while (at < end && text.charCodeAt(at) !== COMMA) {
    if (text.charCodeAt(at) !== SEMICOLON) return false
    const nameStart = skipBlanks(text, at + 1, end)
    const nameEnd = skipClass(TOKEN, text, nameStart, end)
    if (nameEnd === nameStart) return false
    at = skipBlanks(text, nameEnd, end)
    let valueStart = at
    let valueEnd = at
    if (at < end && text.charCodeAt(at) === EQUALS) {
      valueStart = skipBlanks(text, at + 1, end)
      valueEnd =
        text.charCodeAt(valueStart) === QUOTE
          ? skipQuoted(text, valueStart, end)
          : skipClass(PARAM_VALUE, text, valueStart, end)
      if (valueEnd < valueStart) return false
      at = skipBlanks(text, valueEnd, end)
    }
    if (!readParam(via, text, nameStart, nameEnd, valueStart, valueEnd)) return false
  }
  via.end = at
  return true
}

function readParam(
  via: ParsedVia,
  text: string,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): boolean {
  switch (nameEnd - nameStart) {
    case 5:
      if (sameIgnoringCase(text, nameStart, nameEnd, 'rport')) {
        if (via.rport !== undefined) return false
        if (valueEnd === valueStart) {
          via.rport = 'empty'
          // With an `=` behind it there is more to change than to add.
          const bare = text.charCodeAt(skipBlanks(text, nameEnd, valueStart)) !== EQUALS
          via.rportEnd = bare ? nameEnd : 0
        } else {
          const port = decimal(text, valueStart, valueEnd)
          if (port < 0 || port > 65_535) return false
          via.rport = port
        }
      } else if (sameIgnoringCase(text, nameStart, nameEnd, 'maddr')) {
        if (via.maddr !== undefined) return false
        via.maddr = canonicalAddress(text.slice(valueStart, valueEnd))
      }
      return true
    case 6:
      if (sameIgnoringCase(text, nameStart, nameEnd, 'branch')) {
        if (via.branch !== undefined || valueEnd === valueStart) return false
        via.branch = text.slice(valueStart, valueEnd)
      }
      return true
    case 8:
      if (sameIgnoringCase(text, nameStart, nameEnd, 'received')) {
        if (via.received !== undefined) return false
        // RFC 5118 s.4.5: the grammar has no brackets here, many senders write them.
        via.received = canonicalAddress(text.slice(valueStart, valueEnd))
      }
      return true
    default:
      return true
  }
}
