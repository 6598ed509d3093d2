/** The first line: `Method SP URI SP SIP/2.0` or `SIP/2.0 SP code SP reason` (RFC 3261 s.7.1, s.7.2). */
import { GREATER, LESS, SLASH, SPACE, TAB, TOKEN, decimal, sameIgnoringCase, skipClass } from './chars.ts'

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
  if (
    sameIgnoringCase(text, start, Math.min(start + 3, last), 'sip') &&
    text.charCodeAt(start + 3) === SLASH
  ) {
    return parseStatusLine(text, start, last, end)
  }
  const methodEnd = skipClass(TOKEN, text, start, last)
  let versionStart = last
  while (versionStart > methodEnd && !isSpace(text.charCodeAt(versionStart - 1))) versionStart--
  const uriStart = methodEnd + 1
  const uriEnd = versionStart - 1
  const exact = last === end && text.startsWith('SIP/2.0', versionStart) && last - versionStart === 7
  const line = { kind: 'request', methodEnd, status: 0 } as const
  if (methodEnd === start || text.charCodeAt(methodEnd) !== SPACE || uriEnd <= uriStart) {
    return { ...line, uriStart: methodEnd, uriEnd: methodEnd, exact: false, problem: 'requestLine' }
  }
  let problem: StartLineProblem | undefined
  if (!exact) {
    if (
      !sameIgnoringCase(text, versionStart, Math.min(versionStart + 3, last), 'sip') ||
      text[versionStart + 3] !== '/'
    ) {
      problem = 'requestLine'
    } else if (last - versionStart !== 7 || !text.startsWith('2.0', versionStart + 4)) problem = 'version'
  }
  if (problem === undefined) problem = uriProblem(text, uriStart, uriEnd)
  return { ...line, uriStart, uriEnd, exact, problem }
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
  const methodEnd = start + 7
  const statusEnd = methodEnd + 4
  const status = decimal(text, methodEnd + 1, statusEnd)
  const wellFormed =
    text.startsWith('2.0', start + 4) &&
    text.charCodeAt(methodEnd) === SPACE &&
    statusEnd <= last &&
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
    exact: text.startsWith('SIP', start),
    problem: wellFormed ? undefined : 'statusLine',
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}
