/**
 * The little that has to be known of a message when it passes: which call it belongs to, and whether it begins, refreshes or ends one. One look
 * at each byte of the head up to Call-ID and CSeq; everything else waits until somebody reads the trace.
 */

/** A call with a longer Call-ID is not traced: its name is kept with every trace. */
export const CALL_ID_LENGTH_MAX = 256

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const COLON = 58
/** FNV-1a; two of them with different starts and primes make 64 bits that name a call. */
const PRIME_LOW = 0x01000193
const PRIME_HIGH = 0x01000197

/** One for all messages: what it says is of the last `read`. */
export class CallName {
  /** 0 for a request. */
  status = 0
  /** Of the Call-ID. */
  low = 0
  high = 0
  /** Where in the message the Call-ID stands. */
  from = 0
  to = 0
  /** CSeq names INVITE. */
  isInvite = false
  /** CSeq names UPDATE. */
  isUpdate = false
  private readonly startLow: number
  private readonly startHigh: number

  /** `seed`: 64 bits that nobody else knows, or strangers could choose Call-IDs that all fall on one place, or on another call. */
  constructor(seed: bigint) {
    this.startLow = Number(BigInt.asIntN(32, seed))
    this.startHigh = Number(BigInt.asIntN(32, seed >> 32n))
  }

  /** False for what is no SIP message, has no Call-ID or one that is too long. */
  read(bytes: Uint8Array): boolean {
    const first = bytes[0] ?? 0
    // A letter: neither a STUN message nor a keep-alive.
    if (first < 65 || first > 122) return false
    this.status = statusOf(bytes)
    this.isInvite = false
    this.isUpdate = false
    this.to = 0
    const { length } = bytes
    let at = lineAfter(bytes, 0, length)
    if (at < 13) return false
    let hasCseq = false
    while (at < length) {
      const letter = (bytes[at] as number) | 32
      if (letter === 99) {
        // c: Call-ID, CSeq or something else.
        const second = ((bytes[at + 1] ?? 0) | 32) as number
        if (second === 97 && this.to === 0) this.callId(bytes, valueAt(bytes, at, CALL_ID))
        else if (second === 115) {
          const value = valueAt(bytes, at, CSEQ)
          if (value > 0) {
            hasCseq = true
            this.isInvite = names(bytes, value, 'INVITE')
            this.isUpdate = !this.isInvite && names(bytes, value, 'UPDATE')
          }
        }
      } else if (letter === 105 && this.to === 0) this.callId(bytes, valueAt(bytes, at, CALL_ID_COMPACT))
      // The end of the head.
      else if (bytes[at] === CR || bytes[at] === LF) break
      if (hasCseq && this.to > 0) break
      at = lineAfter(bytes, at, length)
    }
    return this.to > 0 && this.to - this.from <= CALL_ID_LENGTH_MAX
  }

  /** The same numbers for a Call-ID by itself; what follows a blank is no part of it. */
  of(callId: string): void {
    let low = this.startLow
    let high = this.startHigh
    for (let at = 0; at < callId.length; at++) {
      const code = callId.charCodeAt(at)
      if (code <= SPACE) break
      low = Math.imul(low ^ code, PRIME_LOW)
      high = Math.imul(high ^ code, PRIME_HIGH)
    }
    this.low = low
    this.high = high
  }

  private callId(bytes: Uint8Array, value: number): void {
    if (value === 0) return
    let at = value
    while (bytes[at] === SPACE) at++
    let end = at
    let low = this.startLow
    let high = this.startHigh
    for (let code = bytes[end] ?? 0; code > SPACE; code = bytes[++end] ?? 0) {
      low = Math.imul(low ^ code, PRIME_LOW)
      high = Math.imul(high ^ code, PRIME_HIGH)
    }
    if (end === at) return
    this.from = at
    this.to = end
    this.low = low
    this.high = high
  }
}

/** Seconds that a Session-Expires names (RFC 4028 s.4); undefined without one. */
export function sessionExpires(bytes: Uint8Array): number | undefined {
  const { length } = bytes
  for (let at = lineAfter(bytes, 0, length); at < length; at = lineAfter(bytes, at, length)) {
    const first = bytes[at] as number
    if (first === CR || first === LF) return undefined
    const letter = first | 32
    if (letter !== 115 && letter !== 120) continue
    let digit = valueAt(bytes, at, letter === 115 ? SESSION_EXPIRES : SESSION_EXPIRES_COMPACT)
    if (digit === 0) continue
    while (bytes[digit] === SPACE || bytes[digit] === TAB) digit++
    const from = digit
    let seconds = 0
    for (let code = bytes[digit] ?? 0; code >= 48 && code <= 57; code = bytes[++digit] ?? 0)
      seconds = seconds * 10 + code - 48
    if (digit > from) return seconds
  }
  return undefined
}

/** In lower case, `-` as it is with bit 5 set. */
const CALL_ID = 'call-id'
const CALL_ID_COMPACT = 'i'
const CSEQ = 'cseq'
const SESSION_EXPIRES = 'session-expires'
const SESSION_EXPIRES_COMPACT = 'x'

/** Where the value of the header begins whose name stands at `at`; 0 when it is another one. */
function valueAt(bytes: Uint8Array, at: number, name: string): number {
  for (let i = 0; i < name.length; i++) if (((bytes[at + i] ?? 0) | 32) !== name.charCodeAt(i)) return 0
  let end = at + name.length
  while (bytes[end] === SPACE || bytes[end] === TAB) end++
  return bytes[end] === COLON ? end + 1 : 0
}

function lineAfter(bytes: Uint8Array, from: number, length: number): number {
  let at = from
  while (at < length && bytes[at] !== LF) at++
  return at + 1
}

/** `1 INVITE`: what follows the digits. */
function names(bytes: Uint8Array, value: number, method: string): boolean {
  let at = value
  for (let code = bytes[at] ?? 0; code === SPACE || (code >= 48 && code <= 57); code = bytes[++at] ?? 0);
  for (let i = 0; i < method.length; i++) if (bytes[at + i] !== method.charCodeAt(i)) return false
  return (bytes[at + method.length] ?? 0) <= SPACE
}

/** `SIP/2.0 200 OK`: 200; 0 for a request. */
export function statusOf(bytes: Uint8Array): number {
  if (bytes[0] !== 83 || bytes[3] !== 47 || bytes[7] !== SPACE) return 0
  const status = ((bytes[8] ?? 0) - 48) * 100 + ((bytes[9] ?? 0) - 48) * 10 + ((bytes[10] ?? 0) - 48)
  return status >= 100 && status <= 699 ? status : 0
}
