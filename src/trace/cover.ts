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

/** Passwords before `@`, what follows `?`, and the push parameters of RFC 8599, in all URIs of `from`..`to`. */
export function addressCovered(bytes: Uint8Array, from: number, to: number): void {
  for (let at = bytes.indexOf(AT, from); at >= 0 && at < to; at = bytes.indexOf(AT, at + 1)) {
    passwordCovered(bytes, from, at)
  }
  for (let at = bytes.indexOf(QUESTION, from); at >= 0 && at < to; at = bytes.indexOf(QUESTION, at + 1)) {
    coverTo(bytes, at + 1, uriEnd(bytes, at + 1, to))
  }
  for (let at = bytes.indexOf(SEMICOLON, from); at >= 0 && at < to; at = bytes.indexOf(SEMICOLON, at + 1)) {
    if (!isSecretParameter(bytes, at + 1)) continue
    const equals = bytes.indexOf(EQUALS, at)
    if (equals >= 0 && equals < to) coverTo(bytes, equals + 1, parameterEnd(bytes, equals + 1, to))
  }
}

/** Everything between the scheme and `@`. */
export function userPartCovered(bytes: Uint8Array, from: number, to: number): void {
  for (let at = bytes.indexOf(AT, from); at >= 0 && at < to; at = bytes.indexOf(AT, at + 1)) {
    const start = userInfoStart(bytes, from, at)
    const scheme = bytes.indexOf(COLON, start)
    coverTo(bytes, scheme >= 0 && scheme < at ? scheme + 1 : start, at)
  }
  addressCovered(bytes, from, to)
}

/** `sip:user:password@`: what is behind the second colon. */
function passwordCovered(bytes: Uint8Array, from: number, at: number): void {
  const scheme = bytes.indexOf(COLON, userInfoStart(bytes, from, at))
  if (scheme < 0 || scheme >= at) return
  const second = bytes.indexOf(COLON, scheme + 1)
  if (second >= 0 && second < at) coverTo(bytes, second + 1, at)
}

/** Where the URI begins that has its `@` at `at`. */
function userInfoStart(bytes: Uint8Array, from: number, at: number): number {
  let start = at
  while (start > from && !endsUri(bytes[start - 1] as number)) start--
  return start
}

function uriEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = from
  while (end < to && !endsUri(bytes[end] as number)) end++
  return end
}

function parameterEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = from
  while (end < to && bytes[end] !== SEMICOLON && bytes[end] !== QUESTION && !endsUri(bytes[end] as number))
    end++
  return end
}

/** Blank, quote, `,`, `<` or `>`. */
function endsUri(code: number): boolean {
  return code <= 32 || code === 34 || code === 44 || code === 60 || code === 62
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
