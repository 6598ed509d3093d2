/**
 * The Framing Header (RFC 6940 s.6.6.2): every message on every link, and the ack that answers it. Does no I/O.
 */
import { appended } from '../../common/appended.ts'
import { passingBytes } from '../../common/passing-bytes.ts'
import { RELO_TOKEN, FIXED_HEADER_BYTES, type FramedMessage } from '../codec/index.ts'

export const FRAME_DATA = 0x80
export const FRAME_ACK = 0x81
/** Type, sequence and 24-bit length that precede a message. */
export const DATA_HEADER_BYTES = 8
export const ACK_BYTES = 9

/** MessageContents begin with the code (RFC 6940 s.6.3.3), which tells requests, the only ones to get errors. */
const MESSAGE_CODE_BYTES = 2

/** Why a byte stream cannot be read any further; the connection has to be closed. */
export type FrameFault =
  /**
   * RFC 6940 s.6.6: longer than max-message-size. `head` is the message's forwarding header and its message code, with
   * the length field corrected so that a HeaderView reads it: from it an Error_Message_Too_Large can be addressed. It
   * is undefined when not even the header fits, or when it is no RELOAD message: then nothing is sent.
   */
  | { readonly kind: 'messageTooLarge'; readonly bytes: number; readonly head: Uint8Array | undefined }
  | { readonly kind: 'unknownFrameType'; readonly type: number }

export interface FrameBatch {
  /** In the order of arrival. Messages may be views on the bytes that were pushed. */
  readonly frames: readonly FramedMessage[]
  /** Once set, nothing more is ever read. */
  readonly fault: FrameFault | undefined
}

/** A data frame around `message`, which must be shorter than 2^24 bytes. */
export function encodeData(sequence: number, message: Uint8Array): Uint8Array {
  const frame = passingBytes(DATA_HEADER_BYTES + message.length)
  frame[0] = FRAME_DATA
  putU32(frame, 1, sequence)
  frame[5] = message.length >>> 16
  frame[6] = message.length >>> 8
  frame[7] = message.length
  frame.set(message, DATA_HEADER_BYTES)
  return frame
}

export function encodeAck(ackSequence: number, received: number): Uint8Array {
  const frame = passingBytes(ACK_BYTES)
  frame[0] = FRAME_ACK
  putU32(frame, 1, ackSequence)
  putU32(frame, 5, received)
  return frame
}

/** Read at every message, since a newer Configuration Document may change it. */
export interface MessageLimits {
  readonly maxMessageBytes: number
}

/**
 * Cuts a byte stream, split anywhere, into frames. Holds at most one incomplete message, in a buffer of exactly its
 * size; of a message above `maxMessageBytes` only the forwarding header is ever held.
 */
export class FrameReader {
  private readonly limits: MessageLimits
  private readonly prefix = new Uint8Array(ACK_BYTES)
  private prefixLength = 0
  /** The message being collected. */
  private body: Uint8Array | undefined
  private bodyLength = 0
  private sequence = 0
  /** Size of the oversize message whose forwarding header is being collected in `body`; 0 otherwise. */
  private oversize = 0
  private fault: FrameFault | undefined
  /** Read by the `push` that is under way. */
  private frames: FramedMessage[] | undefined

  constructor(limits: MessageLimits) {
    this.limits = limits
  }

  push(bytes: Uint8Array): FrameBatch {
    let at = 0
    while (at < bytes.length && this.fault === undefined) {
      at = this.body === undefined ? this.readPrefix(bytes, at) : this.readBody(bytes, at)
    }
    const frames = this.frames ?? NO_FRAMES
    this.frames = undefined
    return { frames, fault: this.fault }
  }

  /** Collects type, sequence and length; starts a message or finishes an ack. Returns the new offset. */
  private readPrefix(bytes: Uint8Array, start: number): number {
    let at = start
    if (this.prefixLength === 0) {
      const type = bytes[at] as number
      if (type !== FRAME_DATA && type !== FRAME_ACK) {
        // RFC 6940 s.6.6.2: the enumeration is closed, and without a known length nothing after this can be read.
        this.fault = { kind: 'unknownFrameType', type }
        return bytes.length
      }
      this.prefix[this.prefixLength++] = type
      at++
    }
    const wanted = this.prefix[0] === FRAME_DATA ? DATA_HEADER_BYTES : ACK_BYTES
    while (this.prefixLength < wanted && at < bytes.length)
      this.prefix[this.prefixLength++] = bytes[at++] as number
    if (this.prefixLength < wanted) return at
    this.prefixLength = 0
    const sequence = getU32(this.prefix, 1)
    if (this.prefix[0] === FRAME_ACK) {
      this.frames = appended(this.frames, {
        kind: 'ack',
        ackSequence: sequence,
        received: getU32(this.prefix, 5),
      })
      return at
    }
    return this.startMessage(sequence, getU24(this.prefix, 5), bytes, at)
  }

  private startMessage(sequence: number, length: number, bytes: Uint8Array, at: number): number {
    this.sequence = sequence
    if (length > this.limits.maxMessageBytes) {
      this.oversize = length
      this.body = new Uint8Array(Math.min(FIXED_HEADER_BYTES, length))
      this.bodyLength = 0
      return at
    }
    if (bytes.length - at >= length) {
      // The common case: the whole frame came in one read, nothing is copied.
      const message = bytes.subarray(at, at + length)
      this.frames = appended(this.frames, { kind: 'data', sequence, message })
      return at + length
    }
    this.body = new Uint8Array(length)
    this.bodyLength = 0
    return at
  }

  private readBody(bytes: Uint8Array, at: number): number {
    const body = this.body as Uint8Array
    const taken = Math.min(body.length - this.bodyLength, bytes.length - at)
    body.set(bytes.subarray(at, at + taken), this.bodyLength)
    this.bodyLength += taken
    if (this.bodyLength === body.length) {
      if (this.oversize > 0) this.oversizeHead(body)
      else {
        this.frames = appended(this.frames, { kind: 'data', sequence: this.sequence, message: body })
        this.body = undefined
      }
    }
    return at + taken
  }

  /** Called with the fixed part of an oversize message's header, then once more with the whole header and the code. */
  private oversizeHead(head: Uint8Array): void {
    const tooLarge = (found: Uint8Array | undefined): void => {
      this.body = undefined
      this.fault = { kind: 'messageTooLarge', bytes: this.oversize, head: found }
    }
    if (head.length < FIXED_HEADER_BYTES || getU32(head, 0) !== RELO_TOKEN) return tooLarge(undefined)
    const headerBytes = FIXED_HEADER_BYTES + getU16(head, 32) + getU16(head, 34) + getU16(head, 36)
    // RFC 6940 s.6.6: a header that alone is too large closes the session without an error.
    if (headerBytes > this.limits.maxMessageBytes) return tooLarge(undefined)
    const headBytes = Math.min(headerBytes + MESSAGE_CODE_BYTES, this.oversize)
    if (head.length < headBytes) {
      this.body = new Uint8Array(headBytes)
      this.body.set(head)
      return
    }
    putU32(head, 16, headBytes)
    tooLarge(head)
  }
}

const NO_FRAMES: readonly FramedMessage[] = []

function getU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function getU24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | getU16(bytes, at + 1)
}

function getU32(bytes: Uint8Array, at: number): number {
  return getU16(bytes, at) * 0x1_0000 + getU16(bytes, at + 2)
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
