/**
 * A SIP message as a trace may show it: a copy whose secrets are covered with `*` of the same length, so that it still reads
 * and parses as SIP. One pass over the head.
 */
import { addressCovered, coverTo, indexIn, userPartCovered } from './cover.ts'
import { ADDRESS, CALL_ID, CONTENT_TYPE, COVERED, CSEQ, ROUTE, ruleOf, SCHEME } from './header-rules.ts'
import { CALL_ID_LENGTH_MAX, statusOf } from './call-id.ts'
import { coverKeys } from './sdp-keys.ts'

/** Longer heads are cut; real ones have one or two thousand bytes. */
const HEAD_BYTES_MAX = 8_192
const BODY_BYTES_MAX = 8_192
/** As much of a message is kept. */
export const CAPTURED_BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX

export interface Capture {
  readonly callId: string
  /** Of a response, that of its CSeq. */
  readonly method: string
  /** 0 for a request. */
  readonly status: number
  /** Head, and the body where it may be shown. */
  readonly bytes: Uint8Array
  /** Bytes of the message that are not in `bytes`. */
  readonly omitted: number
}

/** Undefined for what is no SIP message or has no Call-ID. `length` is that of the whole when `message` is only its beginning. */
export function capture(message: Uint8Array, length: number = message.length): Capture | undefined {
  const first = message[0] ?? 0
  // A letter: neither a STUN message nor a keep-alive.
  if (first < 65 || first > 122) return undefined
  const lineEnd = message.indexOf(LF)
  if (lineEnd < 12) return undefined
  const end = Math.min(message.length, CAPTURED_BYTES_MAX)
  // Not `slice`: that of a Buffer makes no copy, and what is covered would leave this node covered.
  const bytes = new Uint8Array(end)
  bytes.set(end === message.length ? message : message.subarray(0, end))
  const status = statusOf(bytes)
  if (status === 0) addressCovered(bytes, 0, lineEnd)
  const head = new Head(bytes)
  const bodyStart = head.read(lineEnd + 1)
  if (head.callId === '' || head.callId.length > CALL_ID_LENGTH_MAX) return undefined
  const method = status === 0 ? text(bytes, 0, bytes.indexOf(SPACE)) : head.method
  const shown = head.isSdp && length <= end ? bytes : bytes.subarray(0, bodyStart)
  if (shown === bytes) coverKeys(bytes, bodyStart)
  return {
    callId: head.callId,
    method,
    status,
    // A part of a larger copy would keep the whole of it.
    bytes: shown === bytes || bodyStart === bytes.length ? bytes : bytes.slice(0, bodyStart),
    omitted: length - shown.length,
  }
}

const LF = 10
const CR = 13
const TAB = 9
const SPACE = 32
const COLON = 58

class Head {
  callId = ''
  method = ''
  isSdp = false
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Covers what has to be, from the first header line on; returns where the body begins. */
  read(from: number): number {
    const { bytes } = this
    let rule = COVERED
    for (let at = from; at < bytes.length;) {
      const feed = bytes.indexOf(LF, at)
      const next = feed < 0 ? bytes.length : feed + 1
      const end = feed > at && bytes[feed - 1] === CR ? feed - 1 : feed < 0 ? bytes.length : feed
      if (end === at) return next
      const first = bytes[at] as number
      // A folded line goes on with the header above it.
      if (first === SPACE || first === TAB) this.line(rule, at + 1, end, true)
      else {
        const colon = indexIn(bytes, COLON, at, end)
        if (colon < 0) {
          rule = COVERED
          coverTo(bytes, at, end)
        } else {
          rule = ruleOf(bytes, at, nameEnd(bytes, at, colon))
          this.line(rule, colon + 1, end, false)
        }
      }
      at = next
    }
    return bytes.length
  }

  private line(rule: number, from: number, end: number, folded: boolean): void {
    const { bytes } = this
    let at = from
    while (at < end && bytes[at] === SPACE) at++
    switch (rule) {
      case COVERED:
        return coverTo(bytes, at, end)
      case SCHEME: {
        const space = folded ? -1 : indexIn(bytes, SPACE, at, end)
        return coverTo(bytes, space > at && isToken(bytes, at, space) ? space + 1 : at, end)
      }
      case ADDRESS:
        return addressCovered(bytes, at, end)
      case ROUTE:
        return userPartCovered(bytes, at, end)
      case CALL_ID:
        if (!folded) this.callId = text(bytes, at, trimmed(bytes, at, end))
        return
      case CSEQ:
        if (!folded) this.method = lastWord(bytes, at, trimmed(bytes, at, end))
        return
      case CONTENT_TYPE:
        if (!folded) this.isSdp = isSdp(bytes, at, end)
        return
      default:
        return
    }
  }
}

/** `Call-ID :` is allowed. */
function nameEnd(bytes: Uint8Array, from: number, colon: number): number {
  let end = colon
  while (end > from && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--
  return end
}

function trimmed(bytes: Uint8Array, from: number, to: number): number {
  let end = to
  while (end > from && (bytes[end - 1] as number) <= SPACE) end--
  return end
}

/** Letters and digits only: `Digest`, not the first parameter of somebody who left the scheme out. */
function isToken(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = bytes[at] as number
    const isWord = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
    if (!isWord) return false
  }
  return to - from <= 16
}

function lastWord(bytes: Uint8Array, from: number, to: number): string {
  let at = to
  while (at > from && (bytes[at - 1] as number) > SPACE) at--
  return text(bytes, at, Math.min(to, at + 32))
}

const SDP = 'application/sdp'

function isSdp(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from < SDP.length) return false
  for (let i = 0; i < SDP.length; i++) {
    if (((bytes[from + i] as number) | 32) !== (SDP.charCodeAt(i) | 32)) return false
  }
  return true
}

/** Latin-1, as SIP texts are kept everywhere here. */
function text(bytes: Uint8Array, from: number, to: number): string {
  return to <= from || to - from > 1_024 ? '' : String.fromCharCode(...bytes.subarray(from, to))
}
