/**
 * What arrives on WebSockets and is no whole message yet: a frame, or a message of several, may take its time (RFC 6455 s.5.4), and a far
 * end that answers pings may take for ever. As on other streams it is bounded in time, and in bytes with all connections together.
 */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { BODY_COMPLETE_MS, UnfinishedMessages, type Unfinished } from '../transport/index.ts'
import type { StreamFlow } from './stream-flows.ts'

interface Arrival extends Unfinished {
  readonly socket: WebSocket
  readonly flow: StreamFlow
  /** Until when what is arriving must be there; undefined when nothing is. */
  deadline: NodeJS.Timeout | undefined
}

/** What `ws` holds and tells nobody: bytes that are not read yet, and those of the message's frames so far. */
interface Receiver {
  readonly _bufferedBytes: number
  readonly _messageLength: number
}

export class WebSocketArrivals {
  private readonly unfinished: UnfinishedMessages<Arrival>
  private readonly completeMs: number

  constructor(init: { readonly bytesMax?: number; readonly completeMs?: number } = {}) {
    this.unfinished = new UnfinishedMessages(init.bytesMax)
    this.completeMs = init.completeMs ?? BODY_COMPLETE_MS
  }

  /** Bytes of messages that are not complete. */
  get bytes(): number {
    return this.unfinished.bytes
  }

  /** `carrier` brings the bytes of `socket`, which reads them before anybody who listens from now on. */
  watch(socket: WebSocket, carrier: Duplex, flow: StreamFlow): void {
    const arrival: Arrival = { socket, flow, deadline: undefined, unfinishedBytes: 0 }
    carrier.on('data', () => this.look(arrival))
    // A message is there in whole; what holds less than before may be the same message after a ping.
    socket.on('message', () => this.note(arrival, 0))
    socket.once('close', () => this.note(arrival, 0))
  }

  private look(arrival: Arrival): void {
    const bytes = heldBy(arrival.socket)
    if (bytes === arrival.unfinishedBytes) return
    this.note(arrival, bytes)
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

function heldBy(socket: WebSocket): number {
  const { _receiver: receiver } = socket as unknown as { readonly _receiver?: Partial<Receiver> | null }
  return (receiver?._bufferedBytes ?? 0) + (receiver?._messageLength ?? 0)
}
