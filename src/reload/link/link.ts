/**
 * One overlay link over an ordered, secured byte stream (TLS-TCP-FH-NO-ICE, RFC 6940 s.6.6.5). Knows frames, acks
 * and the failure timeout; knows nothing of sockets, handshakes or what the messages mean. A link over datagrams with
 * simple reliability is another class with the same methods.
 */
import { appended } from '../../common/appended.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { AckWindow } from './ack-window.ts'
import { RTT_SAMPLE_MAX_MS, SUSPECT_KEEP_MS } from './constants.ts'
import { encodeAck, encodeData, FrameReader, type FrameFault, type MessageLimits } from './framing.ts'
import { rtoOf, rttAfter, type RttEstimate } from './rto.ts'
import { Unacked } from './unacked.ts'

/**
 * up: usable. suspect: an RTO passed without ack; out of the routing table, kept open. dead: close it, either after
 * 30 s of suspicion or because the stream cannot be read any further.
 */
export type LinkState = 'up' | 'suspect' | 'dead'

export interface LinkReceipt {
  /** Whole RELOAD messages, possibly views on the received bytes. */
  readonly messages: readonly Uint8Array[]
  /** Acks to send back at once, one an arrived message. */
  readonly replies: readonly Uint8Array[]
  /** A suspect link was acknowledged again: it may return to the routing table. */
  readonly restored: boolean
  /** Close the connection, after sending the error that framing.ts describes. */
  readonly fault: FrameFault | undefined
}

/** Running totals of one link; bytes include framing. */
export interface LinkCounters {
  messagesSent: number
  messagesReceived: number
  bytesSent: number
  bytesReceived: number
  /** Messages that the unacked limits kept from being sent. */
  messagesRefused: number
  /** Acks for numbers that were not waiting. */
  acksIgnored: number
}

const NONE: readonly Uint8Array[] = []

/** Of nothing but acks, which every second receipt is of. */
const NOTHING: LinkReceipt = { messages: NONE, replies: NONE, restored: false, fault: undefined }

export class Link {
  readonly counters: LinkCounters = {
    messagesSent: 0,
    messagesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    messagesRefused: 0,
    acksIgnored: 0,
  }
  private readonly reader: FrameReader
  private readonly window = new AckWindow()
  private readonly unacked = new Unacked()
  private nextSequence = 0
  private rtt: RttEstimate | undefined
  private ackedAt: Millis = Number.NEGATIVE_INFINITY
  private heardAt: Millis
  private suspectSince: Millis = NEVER
  private current: LinkState = 'up'

  constructor(now: Millis, limits: MessageLimits) {
    this.heardAt = now
    this.reader = new FrameReader(limits)
  }

  get state(): LinkState {
    return this.current
  }

  /** Smoothed round-trip time in milliseconds, undefined before the first ack. */
  get rttMs(): number | undefined {
    return this.rtt?.srttMs
  }

  get rtoMs(): Millis {
    return rtoOf(this.rtt)
  }

  /** When bytes last came in, or when the link was opened. */
  get heardAtMs(): Millis {
    return this.heardAt
  }

  get unackedCount(): number {
    return this.unacked.count
  }

  receive(now: Millis, bytes: Uint8Array): LinkReceipt {
    if (this.current === 'dead') return NOTHING
    this.heardAt = now
    this.counters.bytesReceived += bytes.length
    const { frames, fault } = this.reader.push(bytes)
    let messages: Uint8Array[] | undefined
    let replies: Uint8Array[] | undefined
    let restored = false
    for (const frame of frames) {
      if (frame.kind === 'ack') {
        if (this.acknowledged(now, frame.ackSequence)) restored = true
        continue
      }
      const ack = encodeAck(frame.sequence, this.window.receive(frame.sequence))
      messages = appended(messages, frame.message)
      replies = appended(replies, ack)
      this.counters.bytesSent += ack.length
    }
    if (messages !== undefined) this.counters.messagesReceived += messages.length
    if (fault !== undefined) this.current = 'dead'
    else if (messages === undefined && !restored) return NOTHING
    return { messages: messages ?? NONE, replies: replies ?? NONE, restored, fault }
  }

  /** The frame to put on the stream, or undefined when too much is unacknowledged or the link is dead. */
  send(now: Millis, message: Uint8Array): Uint8Array | undefined {
    if (this.current === 'dead' || !this.unacked.admits(message.length)) {
      this.counters.messagesRefused++
      return undefined
    }
    const frame = encodeData(this.nextSequence, message)
    this.nextSequence = (this.nextSequence + 1) >>> 0
    this.unacked.add(now, frame.length)
    this.counters.messagesSent++
    this.counters.bytesSent += frame.length
    return frame
  }

  /** The last frame of a link whose stream cannot be read any further: says why, then the channel is closed. */
  farewell(message: Uint8Array): Uint8Array {
    const frame = encodeData(this.nextSequence, message)
    this.counters.messagesSent++
    this.counters.bytesSent += frame.length
    return frame
  }

  /** When `expired` has something to say if no ack comes before. */
  nextDeadline(): Millis {
    if (this.current === 'dead') return NEVER
    if (this.current === 'suspect') return this.suspectSince + SUSPECT_KEEP_MS
    const oldest = this.unacked.oldestSentAt
    // RFC 6298 s.5.3: an ack of new data starts the wait afresh, so that a long queue is no failure.
    return oldest === undefined ? NEVER : Math.max(oldest, this.ackedAt) + this.rtoMs
  }

  /** The state that the link enters now, or undefined when no deadline has passed. */
  expired(now: Millis): 'suspect' | 'dead' | undefined {
    const deadline = this.nextDeadline()
    if (now < deadline) return undefined
    if (this.current === 'suspect') {
      this.current = 'dead'
      return 'dead'
    }
    // RFC 6940 s.6.6.5: the RTO repeats nothing here; it takes the link out of the routing table.
    this.current = 'suspect'
    this.suspectSince = now
    return 'suspect'
  }

  /** Returns whether this ended a suspicion. */
  private acknowledged(now: Millis, sequence: number): boolean {
    const sentAt = this.unacked.acknowledge(sequence)
    if (sentAt === undefined) {
      this.counters.acksIgnored++
      return false
    }
    this.rtt = rttAfter(this.rtt, Math.min(RTT_SAMPLE_MAX_MS, Math.max(0, now - sentAt)))
    this.ackedAt = now
    if (this.current !== 'suspect') return false
    this.current = 'up'
    this.suspectSince = NEVER
    return true
  }
}
