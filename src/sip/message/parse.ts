/** Bytes to message: framing by Content-Length, mandatory headers, limits (sip-requirements s.11 rows E01..E12, E57, E58). */
import { fail, ok, type Result } from '../../common/errors.ts'
import { CR, LF, decimal } from './chars.ts'
import type { ParseFault } from './fault.ts'
import { ID_MASK, LINE_STRIDE, scanHead, type Head } from './head.ts'
import { DEFAULT_PARSE_LIMITS, type ParseLimits } from './limits.ts'
import { CALL_ID, CONTENT_LENGTH, CSEQ, FROM, TO, VIA } from './header-ids.ts'
import { isUnanswerable } from './ip.ts'
import { SipMessage } from './sip-message.ts'
import { parseStartLine } from './start-line.ts'

/** Warn-agent of our Warning headers: a pseudonym, so that no address leaks (RFC 3261 s.20.43). */
const WARN_AGENT = 'ringbridge'

/**
 * One datagram or WebSocket message. Without Content-Length the body is what is left; bytes after it are dropped
 * (RFC 3261 s.18.3). Never throws.
 */
export function parseMessage(
  bytes: Uint8Array,
  limits: ParseLimits = DEFAULT_PARSE_LIMITS,
): Result<SipMessage, ParseFault> {
  let start = 0
  while (bytes[start] === CR || bytes[start] === LF) start++
  if (start === bytes.length)
    return fail({ status: undefined, reason: 'Empty', close: false, partial: undefined })
  const head = scanHead(latin1(bytes, start, Math.min(bytes.length, start + limits.headBytesMax)), 0, limits)
  const bodyStart = Math.min(bytes.length, start + head.end)
  const length = declaredLength(head)
  const left = bytes.length - bodyStart
  const bodyLength = length < 0 || length > left ? left : length
  const message = makeMessage(head, bytes, start, bodyStart, bodyStart + bodyLength)
  const fault = findFault(message, length, left, limits)
  return fault === undefined ? ok(message) : fail(fault)
}

/** One char a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('latin1', start, end)
}

/** `start` is where the head lies in `bytes`. */
export function makeMessage(
  head: Head,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  bodyEnd: number,
): SipMessage {
  return new SipMessage(
    head,
    parseStartLine(head.text, head.start, head.startLineEnd),
    bytes,
    start,
    bodyStart,
    bodyEnd,
  )
}

/** No Content-Length. */
export const LENGTH_ABSENT = -1
/** Not 1*DIGIT (E08). */
export const LENGTH_BAD = -2
/** Several that differ. */
export const LENGTH_CONFLICT = -3

/** The body length that the head declares, or one of the LENGTH_ values above. Equal duplicates are one. */
export function declaredLength(head: Head): number {
  if ((head.seen & (1 << CONTENT_LENGTH)) === 0) return LENGTH_ABSENT
  const { lines, text } = head
  let length = LENGTH_ABSENT
  for (let i = 0; i < lines.length; i += LINE_STRIDE) {
    if (((lines[i] as number) & ID_MASK) !== CONTENT_LENGTH) continue
    const value = decimal(text, lines[i + 2] as number, lines[i + 3] as number)
    if (value < 0) return LENGTH_BAD
    if (length >= 0 && value !== length) return LENGTH_CONFLICT
    length = value
  }
  return length
}

const MANDATORY: readonly (readonly [number, string])[] = [
  [VIA, 'Via'],
  [CALL_ID, 'Call-ID'],
  [FROM, 'From'],
  [TO, 'To'],
  [CSEQ, 'CSeq'],
]
const MANDATORY_MASK = MANDATORY.reduce((mask, [id]) => mask | (1 << id), 0)
const DUPLICATE_NAMES = ['', 'Call-ID', 'From', 'To', 'CSeq', 'Max-Forwards', 'Content-Length']

/** `length` as declared, `left` bytes there for the body. Checks in the order in which the answers are most useful. */
export function findFault(
  message: SipMessage,
  length: number,
  left: number,
  limits: ParseLimits,
): ParseFault | undefined {
  const { head } = message
  const { problem } = message.startLine
  if (!message.isRequest) return responseFault(message, length, left)
  if (problem !== undefined) {
    // E01: without a Via there is nowhere to answer, and on a stream nothing tells where the next message starts.
    if (!message.hasUsableVia && problem !== 'version') return dropped(message, 'Not SIP', true)
    // With bare line feeds the version seems to go on to the next CRLF.
    if (problem === 'version' && head.problem === 'lineEnding') return headFault(message)
    if (problem === 'version') return requestFault(message, 505, 'Version Not Supported', false)
    if (problem === 'requestUri') return requestFault(message, 400, 'Bad Request-URI', false)
    const warning = `399 ${WARN_AGENT} "Malformed request line"`
    return requestFault(message, 400, 'Bad Request-Line', head.problem !== undefined, [['Warning', warning]])
  }
  if (head.problem !== undefined) return headFault(message)
  if ((head.seen & MANDATORY_MASK) !== MANDATORY_MASK) {
    for (const [id, name] of MANDATORY) {
      if ((head.seen & (1 << id)) === 0) return requestFault(message, 400, `Missing ${name}`, false)
    }
  }
  if (head.duplicate !== 0)
    return requestFault(message, 400, `Duplicate ${DUPLICATE_NAMES[head.duplicate]}`, false)
  if (length === LENGTH_BAD) return requestFault(message, 400, 'Bad Content-Length', true)
  if (length === LENGTH_CONFLICT) return requestFault(message, 400, 'Duplicate Content-Length', true)
  if (!message.hasUsableVia) return requestFault(message, 400, 'Bad Via', false)
  if (message.cseq.number < 0) return requestFault(message, 400, 'Bad CSeq', false)
  if (length > left) return requestFault(message, 400, 'Truncated Body', true)
  if (message.bodyLength > limits.bodyBytesMax) return requestFault(message, 513, 'Message Too Large', false)
  return undefined
}

function headFault(message: SipMessage): ParseFault {
  switch (message.head.problem) {
    case 'tooLarge':
      return requestFault(message, 513, 'Message Too Large', true)
    case 'tooManyHeaders':
      return requestFault(message, 513, 'Too Many Headers', true)
    case 'tooManyVias':
      return requestFault(message, 513, 'Too Many Vias', true)
    case 'incomplete':
      return requestFault(message, 400, 'Incomplete Header', true)
    case 'lineEnding':
      return requestFault(message, 400, 'Bad Line Ending', true)
    default:
      return requestFault(message, 400, 'Bad Header Line', false)
  }
}

/** A reply for a request; an ACK is never answered (RFC 3261 s.17.1.1.3), nor is anything that came by nobody's Via. */
export function requestFault(
  message: SipMessage,
  status: number,
  reason: string,
  close: boolean,
  headers?: readonly (readonly [string, string])[],
): ParseFault {
  if (message.method === 'ACK') return dropped(message, reason, close)
  return headers === undefined
    ? { status, reason, close, partial: message }
    : { status, reason, headers, close, partial: message }
}

function dropped(message: SipMessage, reason: string, close: boolean): ParseFault {
  return { status: undefined, reason, close, partial: message }
}

/** E57, E58: a response that cannot be used is dropped; the transaction's own timers speak for it. */
function responseFault(message: SipMessage, length: number, left: number): ParseFault | undefined {
  const { head } = message
  if (message.startLine.problem !== undefined) return dropped(message, 'Bad Status-Line', false)
  if (head.problem !== undefined) return dropped(message, 'Bad Header', head.problem !== 'headerLine')
  if ((head.seen & MANDATORY_MASK) !== MANDATORY_MASK) return dropped(message, 'Missing Header', false)
  if (head.duplicate !== 0) return dropped(message, 'Duplicate Header', false)
  if (length === LENGTH_BAD || length === LENGTH_CONFLICT) return dropped(message, 'Bad Content-Length', true)
  if (!message.hasUsableVia) return dropped(message, 'Bad Via', false)
  if (message.cseq.number < 0) return dropped(message, 'Bad CSeq', false)
  if (length > left) return dropped(message, 'Truncated Body', true)
  const next = message.nextVia
  if (next !== undefined && (isUnanswerable(next.host) || isUnanswerable(next.received ?? ''))) {
    return dropped(message, 'Unanswerable Via', false)
  }
  return undefined
}
