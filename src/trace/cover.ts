/** Covers parts of header values with `*`, byte for byte. */

const STAR = 42

export function coverTo(bytes: Uint8Array, from: number, to: number): void {
  bytes.fill(STAR, from, to)
}

const AT = 64
const COLON = 58
const QUESTION = 63
const SEMICOLON = 59
const EQUALS = 61
const QUOTE = 34
const COMMA = 44

/** Passwords before `@`, what follows `?`, and the push parameters of RFC 8599, in all URIs of `from`..`to`. */
export function addressCovered(bytes: Uint8Array, from: number, to: number): void {
  words(bytes, from, to, false)
}

/** Everything between the scheme and `@`. */
export function userPartCovered(bytes: Uint8Array, from: number, to: number): void {
  words(bytes, from, to, true)
}

/** Each byte is looked at a few times and no more, whatever a stranger has written: messages of 16 kB are covered as they pass (HEP). */
function words(bytes: Uint8Array, from: number, to: number, users: boolean): void {
  let start = from
  for (let end = from; end <= to; end++) {
    if (end < to && !endsUri(bytes[end] as number)) continue
    if (end > start) word(bytes, start, end, to, users)
    start = end + 1
  }
}

/**
 * Bytes among which no URI ends: one URI at most, or so much of it as counts. `users`: its user part is covered as well. The line ends at
 * `lineEnd`.
 */
function word(bytes: Uint8Array, from: number, to: number, lineEnd: number, users: boolean): void {
  let lastAt = -1
  let firstAt = -1
  let scheme = -1
  let second = -1
  for (let at = from; at < to; at++) {
    const code = bytes[at]
    if (code === AT) {
      lastAt = at
      if (firstAt < 0) firstAt = at
    } else if (code === COLON) {
      if (scheme < 0) scheme = at
      else if (second < 0) second = at
    }
  }
  if (lastAt >= 0) {
    if (users) coverTo(bytes, scheme >= 0 && scheme < firstAt ? scheme + 1 : from, lastAt)
    // `sip:user:password@`: what is behind the second colon.
    else if (second >= 0 && second < lastAt) coverTo(bytes, second + 1, lastAt)
  }
  for (let at = from; at < to; at++) {
    const code = bytes[at]
    if (code === QUESTION) return coverTo(bytes, at + 1, to)
    if (code === SEMICOLON && isSecretParameter(bytes, at + 1))
      at = valueCovered(bytes, at + 1, to, lineEnd) - 1
  }
}

/** The value of the parameter at `from`; returns where it ends, or where the next one begins. */
function valueCovered(bytes: Uint8Array, from: number, to: number, lineEnd: number): number {
  let equals = from
  while (equals < to && bytes[equals] !== EQUALS && bytes[equals] !== SEMICOLON) equals++
  if (bytes[equals] !== EQUALS || equals === to) return equals
  let end = equals + 1
  while (end < to && !endsValue(bytes[end])) end++
  coverTo(bytes, equals + 1, end)
  if (equals + 1 === to && to < lineEnd && bytes[to] === QUOTE) quotedCovered(bytes, to + 1, lineEnd)
  return end
}

function quotedCovered(bytes: Uint8Array, from: number, lineEnd: number): void {
  const end = indexIn(bytes, QUOTE, from, lineEnd)
  coverTo(bytes, from, end < 0 ? lineEnd : end)
}

/** As `indexOf`, and no look at what is behind `to`. */
export function indexIn(bytes: Uint8Array, code: number, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === code) return at
  return -1
}

/** Blank, quote, `<` or `>`. A comma may stand in user and password (RFC 3261 s.25.1), and a list without brackets shows less for it. */
function endsUri(code: number): boolean {
  return code <= 32 || code === QUOTE || code === 60 || code === 62
}

function endsValue(code: number | undefined): boolean {
  return code === SEMICOLON || code === QUESTION || code === COMMA
}

/** pn-prid and pn-param name a device to a push service; some phones put their password or a token into the Contact. */
const SECRET_PARAMETERS: readonly string[] = ['pn-prid', 'pn-param', 'token', 'passw', 'auth', 'secret']

function isSecretParameter(bytes: Uint8Array, from: number): boolean {
  const first = (bytes[from] ?? 0) | 32
  // p, t, a, s: the first letters of the list.
  if (first !== 112 && first !== 116 && first !== 97 && first !== 115) return false
  return SECRET_PARAMETERS.some((name) => {
    for (let i = 0; i < name.length; i++) {
      const code = bytes[from + i] ?? 0
      if ((code >= 65 && code <= 90 ? code + 32 : code) !== name.charCodeAt(i)) return false
    }
    return true
  })
}
