/**
 * Finds messages in a byte stream (RFC 3261 s.18.3): bytes of any split in; messages, keep-alive pings and faults out.
 * It holds at most one head and one body below their limits, and grows only as bytes really arrive.
 */
import {
  DEFAULT_PARSE_LIMITS,
  latin1,
  type ParseFault,
  type ParseLimits,
  type SipMessage,
} from '../message/index.ts'
import { scanHead, type Head } from '../message/head.ts'
import { LENGTH_ABSENT, declaredLength, findFault, makeMessage, requestFault } from '../message/parse.ts'
import { NEVER, type Millis } from '../../common/time.ts'

export type FramerOutput =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** Double CRLF between messages: a single CRLF goes back (RFC 5626 s.5.4). */
  | { readonly kind: 'ping' }
  /** Answer it when it has a status; close the stream when it says so, after which the framer ignores all input. */
  | { readonly kind: 'fault'; readonly fault: ParseFault }

/** Longest time from the first byte of a head to its last. Judgement: a slow phone needs one or two seconds. */
export const HEAD_COMPLETE_MS: Millis = 10_000
/** Longest time from the end of a head to the end of its body (E10). */
export const BODY_COMPLETE_MS: Millis = 32_000

const PING: FramerOutput = { kind: 'ping' }
const CR = 13
const LF = 10
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1')
const FIRST_CAPACITY = 2048
/** Bytes that a head takes once it is read, for each of its own: four with the shortest of header fields. */
const HEAD_SHARE = 4
/** Up to so many times the limits a message is refused and passed over, and the stream goes on; beyond that it is closed. Judgement. */
const PASSED_OVER_SHARE = 4
const NOTHING = Buffer.alloc(0)

export class StreamFramer {
  private readonly limits: ParseLimits
  /** Bytes not used yet: [at, end) of `data`. `owned` tells that `data` is ours and not the caller's chunk. */
  private data: Buffer = NOTHING
  private at = 0
  private end = 0
  private owned = false
  /** How far the search for the end of the head has come. */
  private searched = 0
  /** The head whose body is awaited. */
  private head: Head | undefined = undefined
  private length = 0
  /** Bytes of a refused message that are still to come, and are not kept. */
  private skipping = 0
  private deadline: Millis = NEVER
  private closed = false

  constructor(limits: ParseLimits = DEFAULT_PARSE_LIMITS) {
    this.limits = limits
  }

  /** True after a fault that closes the stream. */
  get isClosed(): boolean {
    return this.closed
  }

  /** Bytes held for a message that is not complete. */
  get pendingBytes(): number {
    return this.end - this.at
  }

  /** Bytes of memory that it takes for them. A head that was read lies there as text and as numbers once more. */
  get heldBytes(): number {
    return this.data.length + (this.head === undefined ? 0 : HEAD_SHARE * this.head.end)
  }

  push(bytes: Uint8Array, now: Millis): FramerOutput[] {
    const outputs: FramerOutput[] = []
    if (this.closed || bytes.length === 0) return outputs
    this.take(bytes)
    while (!this.closed && this.next(outputs, now)) continue
    this.keepRest()
    return outputs
  }

  /** When the message that is arriving must be complete. */
  nextDeadline(): Millis {
    return this.deadline
  }

  /** To be called at the deadline: the fault to act on, or undefined when there is time left. */
  expired(now: Millis): ParseFault | undefined {
    return now < this.deadline ? undefined : this.abandon(408, 'Request Timeout')
  }

  /** Gives up the message that is arriving, and the stream: the fault to act on, undefined when that is done already. */
  abandon(status: number, reason: string): ParseFault | undefined {
    if (this.closed) return undefined
    const { head } = this
    const partial =
      head === undefined ? undefined : makeMessage(head, this.data, this.at, this.at + head.end, this.end)
    this.close()
    if (partial === undefined || !partial.isRequest) {
      return { status: undefined, reason: 'Message Never Completed', close: true, partial }
    }
    return requestFault(partial, status, reason, true)
  }

  /** One step: true when something was used up and more may follow. */
  private next(outputs: FramerOutput[], now: Millis): boolean {
    if (this.skipping === 0 && this.head === undefined) {
      if (!this.skipLineEnds(outputs)) return false
      if (!this.readHead(outputs, now)) return false
    }
    return this.skipping > 0 ? this.skip() : this.readBody(outputs)
  }

  /** Uses up CRLFs between messages (RFC 3261 s.7.5); false when a message cannot start yet. */
  private skipLineEnds(outputs: FramerOutput[]): boolean {
    const { data } = this
    while (this.at < this.end && data[this.at] === CR) {
      if (this.end - this.at < 2) return false
      if (data[this.at + 1] !== LF) return true
      if (this.end - this.at < 3) return false
      if (data[this.at + 2] === CR) {
        if (this.end - this.at < 4) return false
        if (data[this.at + 3] === LF) {
          outputs.push(PING)
          this.at += 4
          continue
        }
      }
      this.at += 2
    }
    return this.at < this.end
  }

  private readHead(outputs: FramerOutput[], now: Millis): boolean {
    const { limits } = this
    const from = Math.max(this.at, this.searched - 3)
    const found = this.data.subarray(0, this.end).indexOf(HEAD_END, from)
    const headEnd = found < 0 ? this.end : found + HEAD_END.length
    if (headEnd - this.at > limits.headBytesMax) {
      // E12: where the next message starts is not known, so nothing can follow.
      const head = scanHead(latin1(this.data, this.at, this.at + limits.headBytesMax), 0, limits)
      this.fail(outputs, findFault(this.messageOf(head, 0), LENGTH_ABSENT, 0, limits), head)
      return false
    }
    if (found < 0) {
      this.searched = this.end
      if (this.deadline === NEVER) this.deadline = now + HEAD_COMPLETE_MS
      return false
    }
    const text = latin1(this.data, this.at, headEnd)
    const head = scanHead(text, 0, limits)
    // Which Content-Length counts, and whether there are two, tell all lines together.
    const whole = hasTooMany(head) ? scanHead(text, 0, passedOver(limits)) : head
    const length = declaredLength(whole)
    const refusal = this.unframeable(head, whole, length)
    if (refusal !== undefined) {
      this.fail(outputs, refusal, head)
      return false
    }
    this.deadline = now + BODY_COMPLETE_MS
    if (whole !== head || length > limits.bodyBytesMax) {
      this.passOver(outputs, head, whole.end + length)
      return true
    }
    this.head = head
    this.length = length
    return true
  }

  /** A head after which the stream is out of step, or whose body is far larger than we take: known before it arrives. */
  private unframeable(head: Head, whole: Head, length: number): ParseFault | undefined {
    const message = this.messageOf(head, 0)
    if (length < 0 || hasTooMany(whole) || whole.problem === 'lineEnding') {
      const fault = findFault(message, length, 0, this.limits)
      return fault ?? this.refuse(message, 400, 'Content-Length Required')
    }
    // Who does not speak SIP is not read on.
    const passedOver = hasTooMany(head) || length > this.limits.bodyBytesMax
    if (passedOver && message.startLine.problem === 'requestLine')
      return findFault(message, 0, 0, this.limits) ?? this.refuse(message, 400, 'Bad Request-Line')
    if (length > PASSED_OVER_SHARE * this.limits.bodyBytesMax)
      return this.refuse(message, 513, 'Message Too Large')
    return undefined
  }

  /** E12: a message that is too large is refused; where it ends is known, so that the next one can follow. */
  private passOver(outputs: FramerOutput[], head: Head, bytes: number): void {
    const message = this.messageOf(head, 0)
    const fault = hasTooMany(head) ? findFault(message, 0, 0, this.limits) : undefined
    const refusal = fault ?? this.refuse(message, 513, 'Message Too Large')
    outputs.push({ kind: 'fault', fault: { ...refusal, close: false } })
    this.skipping = bytes
  }

  /** True when all of it has come. */
  private skip(): boolean {
    const here = Math.min(this.skipping, this.end - this.at)
    this.at += here
    this.skipping -= here
    if (this.skipping > 0) return false
    this.searched = this.at
    this.deadline = NEVER
    return true
  }

  private refuse(message: SipMessage, status: number, reason: string): ParseFault {
    if (!message.isRequest) return { status: undefined, reason, close: true, partial: message }
    return requestFault(message, status, reason, true)
  }

  private readBody(outputs: FramerOutput[]): boolean {
    const head = this.head as Head
    const bodyStart = this.at + head.end
    const messageEnd = bodyStart + this.length
    if (this.end < messageEnd) return false
    const message = this.messageOf(head, this.length)
    const fault = findFault(message, this.length, this.length, this.limits)
    this.head = undefined
    this.deadline = NEVER
    this.at = messageEnd
    this.searched = messageEnd
    if (fault === undefined) outputs.push({ kind: 'message', message })
    else {
      outputs.push({ kind: 'fault', fault })
      if (fault.close) this.close()
    }
    return !this.closed
  }

  private messageOf(head: Head, length: number): SipMessage {
    const bodyStart = this.at + head.end
    return makeMessage(head, this.data, this.at, bodyStart, bodyStart + length)
  }

  private fail(outputs: FramerOutput[], fault: ParseFault | undefined, head: Head): void {
    const message = this.messageOf(head, 0)
    const closing = fault ?? this.refuse(message, 513, 'Message Too Large')
    outputs.push({ kind: 'fault', fault: closing.close ? closing : { ...closing, close: true } })
    this.close()
  }

  private close(): void {
    this.closed = true
    this.skipping = 0
    this.deadline = NEVER
    this.head = undefined
    this.data = NOTHING
    this.at = 0
    this.end = 0
  }

  /** Makes `bytes` the data when nothing is pending, else puts them behind it. */
  private take(bytes: Uint8Array): void {
    if (this.at === this.end) {
      this.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      this.at = 0
      this.end = bytes.length
      this.searched = 0
      this.owned = false
      return
    }
    const pending = this.end - this.at
    const needed = pending + bytes.length
    if (!this.owned || this.end + bytes.length > this.data.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, needed * 2))
      grown.set(this.data.subarray(this.at, this.end), 0)
      this.searched -= this.at
      this.data = grown
      this.at = 0
      this.end = pending
      this.owned = true
    }
    this.data.set(bytes, this.end)
    this.end += bytes.length
  }

  /** A rest must not hold on to the caller's chunk, and messages handed out must not see it overwritten. */
  private keepRest(): void {
    if (this.at === this.end) {
      this.data = NOTHING
      this.at = 0
      this.end = 0
      this.searched = 0
      this.owned = false
      return
    }
    if (this.at === 0 && this.owned) return
    const rest = this.end - this.at
    const kept = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, rest * 2))
    kept.set(this.data.subarray(this.at, this.end), 0)
    this.searched = Math.max(0, this.searched - this.at)
    this.data = kept
    this.at = 0
    this.end = rest
    this.owned = true
  }
}

function hasTooMany({ problem }: Head): boolean {
  return problem === 'tooManyHeaders' || problem === 'tooManyVias'
}

/** Limits within which a head is read for its length alone. */
function passedOver(limits: ParseLimits): ParseLimits {
  const { headersMax, viaMax } = limits
  return { ...limits, headersMax: PASSED_OVER_SHARE * headersMax, viaMax: PASSED_OVER_SHARE * viaMax }
}
