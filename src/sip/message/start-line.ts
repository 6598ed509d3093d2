/** The first line: `Method SP URI SP SIP/2.0` or `SIP/2.0 SP code SP reason` (RFC 3261 s.7.1, s.7.2). */
import { GREATER, LESS, SLASH, SPACE, TAB, TOKEN, decimal, skipClass } from './chars.ts'

/** `problem` says what is wrong with a start line whose kind could still be told. */
export type StartLineProblem = 'requestLine' | 'requestUri' | 'version' | 'statusLine'

export interface StartLine {
  readonly kind: 'request' | 'response'
  /** Offset after the method; of a response, after the version. */
  readonly methodEnd: number
  /** Where the Request-URI or the reason phrase lies. */
  readonly uriStart: number
  readonly uriEnd: number
  readonly status: number
  /** True when it reads exactly as we would write it. */
  readonly exact: boolean
  readonly problem: StartLineProblem | undefined
}

/** Reads [start, end) of `text`. Blanks at the end of the line are tolerated, and not written when forwarding. */
export function parseStartLine(text: string, start: number, end: number): StartLine {
  let last = end
  while (last > start && isSpace(text.charCodeAt(last - 1))) last--
  if (isSipSlash(text, start, last)) return parseStatusLine(text, start, last, end)
  const methodEnd = skipClass(TOKEN, text, start, last)
  let versionStart = last
  while (versionStart > methodEnd && !isSpace(text.charCodeAt(versionStart - 1))) versionStart--
  const uriStart = methodEnd + 1
  const uriEnd = versionStart - 1
  if (methodEnd === start || text.charCodeAt(methodEnd) !== SPACE || uriEnd <= uriStart) {
    return requestLine(methodEnd, methodEnd, methodEnd, false, 'requestLine')
  }
  let problem: StartLineProblem | undefined
  if (!isSipSlash(text, versionStart, last)) problem = 'requestLine'
  else if (last - versionStart !== VERSION_CHARS || !isVersion2(text, versionStart)) problem = 'version'
  else problem = uriProblem(text, uriStart, uriEnd)
  const exact = last === end && isUpperSip(text, versionStart)
  return requestLine(methodEnd, uriStart, uriEnd, exact, problem)
}

function requestLine(
  methodEnd: number,
  uriStart: number,
  uriEnd: number,
  exact: boolean,
  problem: StartLineProblem | undefined,
): StartLine {
  return { kind: 'request', methodEnd, uriStart, uriEnd, status: 0, exact, problem }
}

/** S3261-7.1-02: blanks, control characters and brackets make it no URI; blanks at its edge belong to the line. */
function uriProblem(text: string, start: number, end: number): StartLineProblem | undefined {
  if (isSpace(text.charCodeAt(start)) || isSpace(text.charCodeAt(end - 1))) return 'requestLine'
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code <= SPACE || code === 0x7f || code === LESS || code === GREATER) return 'requestUri'
  }
  return undefined
}

function parseStatusLine(text: string, start: number, last: number, end: number): StartLine {
  const methodEnd = start + VERSION_CHARS
  const statusEnd = methodEnd + 4
  const status = statusEnd <= last ? decimal(text, methodEnd + 1, statusEnd) : -1
  const wellFormed =
    isVersion2(text, start) &&
    text.charCodeAt(methodEnd) === SPACE &&
    (statusEnd === last || text.charCodeAt(statusEnd) === SPACE) &&
    status >= 100 &&
    status <= 699
  const uriStart = Math.min(statusEnd + 1, end)
  return {
    kind: 'response',
    methodEnd,
    uriStart,
    uriEnd: Math.max(uriStart, last),
    status: wellFormed ? status : 0,
    exact: isUpperSip(text, start),
    problem: wellFormed ? undefined : 'statusLine',
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}

// Compared code by code: `startsWith` costs more here than everything else in this file.

const VERSION_CHARS = 7

/** `SIP/` in any case at `at`, before `end`. No method can look like it. */
function isSipSlash(text: string, at: number, end: number): boolean {
  return (
    at + 4 <= end &&
    (text.charCodeAt(at) | 32) === 115 &&
    (text.charCodeAt(at + 1) | 32) === 105 &&
    (text.charCodeAt(at + 2) | 32) === 112 &&
    text.charCodeAt(at + 3) === SLASH
  )
}

function isUpperSip(text: string, at: number): boolean {
  return text.charCodeAt(at) === 83 && text.charCodeAt(at + 1) === 73 && text.charCodeAt(at + 2) === 80
}

/** `2.0` after `SIP/`. */
function isVersion2(text: string, at: number): boolean {
  return text.charCodeAt(at + 4) === 50 && text.charCodeAt(at + 5) === 46 && text.charCodeAt(at + 6) === 48
}
