/**
 * The one scan of a message head: where each header line starts, which header it is, where its value lies. Values are
 * not copied and not looked into.
 */
import { CR, LF, SPACE, TAB, COLON, TOKEN, isBlank } from './chars.ts'
import { CONTENT_LENGTH, SINGLE_LAST, VIA, headerIdAt } from './header-ids.ts'
import type { ParseLimits } from './limits.ts'
import { countValues } from './lists.ts'

/** Numbers per header line in `Head.lines`: header number and fold flag, name start, value start, value end. */
export const LINE_STRIDE = 4
/** Set on the header number of a value that spans lines. */
export const FOLDED = 0x100
export const ID_MASK = 0xff

/** A head that the scan could not read to its end. */
export type HeadProblem =
  'incomplete' | 'tooLarge' | 'tooManyHeaders' | 'tooManyVias' | 'lineEnding' | 'headerLine'

export interface Head {
  readonly text: string
  /** Offset of the start line. */
  readonly start: number
  /** Offset of the line end after the start line. */
  readonly startLineEnd: number
  readonly lines: readonly number[]
  /** Offset of the empty line, or where the scan stopped. */
  readonly headersEnd: number
  /** Offset after the empty line. */
  readonly end: number
  readonly problem: HeadProblem | undefined
  /** Bit n is set when header number n was seen, for the single headers and Via. */
  readonly seen: number
  /** Number of the first single header that stands twice, 0 when there is none. Content-Length is judged apart. */
  readonly duplicate: number
}

const scratch: number[] = new Array<number>(64 * LINE_STRIDE).fill(0)

/**
 * Scans from `start` to the empty line. Lines end in CRLF and nothing else: a bare CR or LF would be a line end for
 * one reader and not for the next, which is how headers are smuggled. Blanks before the colon do not change a name.
 */
export function scanHead(text: string, start: number, limits: ParseLimits): Head {
  let problem: HeadProblem | undefined
  let seen = 0
  let duplicate = 0
  let count = 0
  let vias = 0
  let comma = -1
  let lineFeed = text.indexOf('\n', start)
  let carriage = text.indexOf('\r', start)
  const startLineEnd = lineFeed < 0 ? text.length : lineFeed - 1
  let at = lineFeed < 0 ? text.length : lineFeed + 1
  let end = -1
  if (lineFeed < 0) problem = 'incomplete'
  else if (carriage !== lineFeed - 1) problem = 'lineEnding'
  const headersMax = limits.headersMax * LINE_STRIDE

  while (problem === undefined || problem === 'headerLine') {
    let code = text.charCodeAt(at)
    if (code === CR && text.charCodeAt(at + 1) === LF) {
      end = at + 2
      break
    }
    let colon = at
    while (TOKEN[code] === 1) code = text.charCodeAt(++colon)
    const nameEnd = colon
    while (code === SPACE || code === TAB) code = text.charCodeAt(++colon)
    lineFeed = text.indexOf('\n', at)
    carriage = text.indexOf('\r', at)
    if (lineFeed < 0) {
      problem = 'incomplete'
      break
    }
    if (carriage !== lineFeed - 1) {
      problem = 'lineEnding'
      break
    }
    let next = lineFeed + 1
    let id = 0
    while ((code = text.charCodeAt(next)) === SPACE || code === TAB) {
      id = FOLDED
      lineFeed = text.indexOf('\n', next)
      carriage = text.indexOf('\r', next)
      if (lineFeed < 0 || carriage !== lineFeed - 1) break
      next = lineFeed + 1
    }
    if (lineFeed < 0 || carriage !== lineFeed - 1) {
      problem = lineFeed < 0 ? 'incomplete' : 'lineEnding'
      break
    }
    if (nameEnd === at || colon >= carriage || text.charCodeAt(colon) !== COLON) {
      problem = 'headerLine'
      at = next
      continue
    }
    if (count >= headersMax) {
      problem = 'tooManyHeaders'
      break
    }
    let valueStart = colon + 1
    let valueEnd = carriage
    while (valueStart < valueEnd && isBlank(text.charCodeAt(valueStart))) valueStart++
    while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
    const header = headerIdAt(text, at, nameEnd)
    if (header !== 0 && header <= VIA) {
      const bit = 1 << header
      if (header === VIA) {
        if (comma < valueStart) {
          comma = text.indexOf(',', valueStart)
          if (comma < 0) comma = text.length
        }
        vias += comma < valueEnd ? countValues(text, valueStart, valueEnd) : 1
        if (vias > limits.viaMax) problem = 'tooManyVias'
      } else if (
        (seen & bit) !== 0 &&
        duplicate === 0 &&
        header !== CONTENT_LENGTH &&
        header <= SINGLE_LAST
      ) {
        duplicate = header
      }
      seen |= bit
    }
    scratch[count] = header | id
    scratch[count + 1] = at
    scratch[count + 2] = valueStart
    scratch[count + 3] = valueEnd
    count += LINE_STRIDE
    at = next
  }
  if (end < 0) end = at
  if (problem === 'incomplete' && text.length - start >= limits.headBytesMax) problem = 'tooLarge'
  return {
    text,
    start,
    startLineEnd,
    lines: scratch.slice(0, count),
    headersEnd: at,
    end,
    problem,
    seen,
    duplicate,
  }
}
