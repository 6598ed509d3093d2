/**
 * What arrives on WebSockets and is no whole message yet: a frame, or a message of several, may take its time (RFC 6455 s.5.4), and a far
 * end that answers pings may take for ever. As on other streams it is bounded in time, and in bytes with all connections together.
 */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { sourceOf } from '../../common/rate-limit.ts'
import {
  BODY_COMPLETE_MS,
  unfinishedBytesMax,
  UnfinishedMessages,
  type Unfinished,
} from '../transport/index.ts'
import type { StreamFlow, StreamLimits } from './stream-flows.ts'

/** Frames of one message. Browsers send one; proxies in between may cut it. Judgement. */
export const FRAGMENTS_MAX = 128
/** Bytes that each piece takes beside its own, as measured: two objects of V8 and what was allocated to read into. */
const PIECE_BYTES = 2_048
/** Smallest piece of a long message that must be taken: below the smallest segments of TCP. */
const SEGMENT_BYTES_MIN = 256

interface Arrival extends Unfinished {
  readonly socket: WebSocket
  readonly flow: StreamFlow
  /** Until when what is arriving must be there; undefined when nothing is. */
  deadline: NodeJS.Timeout | undefined
}

/** What `ws` holds and tells nobody: pieces that are not read yet, and the message's frames so far. */
interface Receiver {
  readonly _bufferedBytes: number
  readonly _buffers: readonly Buffer[]
  readonly _fragments: readonly Buffer[]
}

/** Pieces in which a message may come. */
export function piecesMax({ messageBytesMax }: StreamLimits): number {
  return Math.max(256, Math.ceil(messageBytesMax / SEGMENT_BYTES_MIN))
}

export class WebSocketArrivals {
  private readonly unfinished: UnfinishedMessages<Arrival>
  private readonly completeMs: number

  /** `limits` are asked for at every use. */
  constructor(
    limits: () => Pick<StreamLimits, 'flowsMax' | 'messageBytesMax'>,
    init: { readonly bytesMax?: number; readonly completeMs?: number } = {},
  ) {
    const { bytesMax, completeMs = BODY_COMPLETE_MS } = init
    this.unfinished = new UnfinishedMessages(() => {
      const { flowsMax, messageBytesMax } = limits()
      return bytesMax ?? unfinishedBytesMax({ flows: flowsMax, messageBytes: messageBytesMax })
    })
    this.completeMs = completeMs
  }

  /** Bytes of memory that messages which are not complete take. */
  get bytes(): number {
    return this.unfinished.bytes
  }

  /** `carrier` brings the bytes of `socket`, which reads them before anybody who listens from now on. */
  watch(socket: WebSocket, carrier: Duplex, flow: StreamFlow, host: string): void {
    const arrival: Arrival = {
      socket,
      flow,
      source: sourceOf(host),
      deadline: undefined,
      unfinishedBytes: 0,
    }
    carrier.on('data', () => this.look(arrival))
    // A message is there in whole; what holds less than before may be the same message after a ping.
    socket.on('message', () => this.note(arrival, 0))
    socket.once('close', () => this.note(arrival, 0))
  }

  private look(arrival: Arrival): void {
    this.note(arrival, heldBy(arrival.socket))
    for (const each of this.unfinished.excess()) this.end(each)
  }

  private note(arrival: Arrival, bytes: number): void {
    this.unfinished.note(arrival, bytes)
    if (bytes === 0) {
      clearTimeout(arrival.deadline)
      arrival.deadline = undefined
    } else arrival.deadline ??= setTimeout(() => this.end(arrival), this.completeMs).unref()
  }

  private end(arrival: Arrival): void {
    const { socket, flow } = arrival
    this.note(arrival, 0)
    flow.reason = 'idle'
    socket.terminate()
  }
}

/** A piece keeps the whole of what it was cut out of, which may be much more than itself. */
function heldBy(socket: WebSocket): number {
  const { _receiver: receiver } = socket as unknown as { readonly _receiver?: Partial<Receiver> | null }
  if (receiver === undefined || receiver === null) return 0
  const { _bufferedBytes: buffered = 0, _buffers: buffers = NONE, _fragments: fragments = NONE } = receiver
  let bytes = buffered + PIECE_BYTES * (buffers.length + fragments.length)
  const [first] = buffers
  // Those behind it are whole.
  if (first !== undefined) bytes += first.buffer.byteLength - first.length
  for (const { buffer } of fragments) bytes += buffer.byteLength
  return bytes
}

const NONE: readonly Buffer[] = []
