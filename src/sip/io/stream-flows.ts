/**
 * The stream connections of phones, whatever carries them (TCP, TLS, WebSocket): one table, one numbering, one set of limits.
 * The shells beside it know how a connection is made; what happens on it is told to the core from here.
 */
import { Tally } from '../../common/instruments.ts'
import { PerSource } from '../../common/per-source.ts'
import { sourceOf } from '../../common/rate-limit.ts'
import { TurnWriter } from '../../common/turn-writer.ts'
import type { FlowId, ListenerId, SipInput, Transport } from '../core/contract.ts'
import { Backlog, backlogBytesMax, type Waited } from './backlog.ts'

export type StreamTransport = Exclude<Transport, 'udp'>

export const STREAM_TRANSPORTS: readonly StreamTransport[] = ['tcp', 'tls', 'ws', 'wss']

export interface StreamLimits {
  /** Bytes waiting for one far end before it is cut off. */
  readonly queueBytesMax: number
  /** Connections of all listeners together, those still shaking hands included; more are refused. */
  readonly flowsMax: number
  /** Connections from one source address; of IPv6 from one /64. */
  readonly flowsPerSourceMax: number
  /** TCP, and TLS or the WebSocket handshake with it. */
  readonly connectTimeoutMs: number
  /** Handshakes that phones began. */
  readonly handshakeTimeoutMs: number
  /** A phone that connected must say something within this time. */
  readonly firstBytesTimeoutMs: number
  /** A flow on which nothing moved for this long is closed; above the longest registration, and far above 64*T1. */
  readonly idleTimeoutMs: number
  /** Between two WebSocket pings; below the minute after which proxies in between give up. */
  readonly pingIntervalMs: number
  /** Largest message that is taken. */
  readonly messageBytesMax: number
}

export const STREAM_LIMITS: StreamLimits = {
  queueBytesMax: 1024 * 1024,
  flowsMax: 20_000,
  flowsPerSourceMax: 2_000,
  connectTimeoutMs: 4_000,
  handshakeTimeoutMs: 8_000,
  firstBytesTimeoutMs: 32_000,
  idleTimeoutMs: 7_500_000,
  pingIntervalMs: 25_000,
  messageBytesMax: 384 * 1024,
}

/** One connection, as its shell drives it. */
export interface StreamChannel {
  /** False when too much waits for the far end; nothing was queued then. */
  write(bytes: Uint8Array): boolean
  /** Bytes that wait for the far end. */
  waiting(): number
  /** Closes once what was written has left. */
  finish(): void
  /** Closes at once. */
  abort(): void
}

const CLOSE_REASONS = ['remote', 'local', 'idle', 'stuck', 'error']

export class StreamFlows {
  /** transport|side */
  readonly opened = new Tally(labels(['accepted', 'connected']))
  /** transport|reason */
  readonly closed = new Tally(labels(CLOSE_REASONS))
  /** transport|limit */
  readonly refused = new Tally(labels(['flows', 'source']))
  readonly writer: TurnWriter
  private readonly sink: (input: SipInput) => void
  private current: StreamLimits
  private readonly flows = new Map<FlowId, StreamFlow>()
  private readonly perSource: PerSource
  private readonly backlog = new Backlog<StreamFlow>(() => backlogBytesMax(this.current.flowsMax))
  /** Connections of phones that are there, with or without a flow yet. */
  private seats = 0
  /** Even ids are ours; odd ones are named by the core. */
  private nextFlow: FlowId = 2

  constructor(sink: (input: SipInput) => void, limits: StreamLimits = STREAM_LIMITS) {
    this.sink = sink
    this.current = limits
    this.perSource = new PerSource(limits.flowsPerSourceMax)
    this.writer = new TurnWriter(limits.queueBytesMax, setImmediate)
  }

  /** Limits in force. */
  get limits(): StreamLimits {
    return this.current
  }

  get active(): number {
    return this.flows.size
  }

  /** From now on; connections that are there stay. */
  limit(limits: Partial<StreamLimits>): void {
    this.current = { ...this.current, ...limits }
    this.perSource.limit(this.current.flowsPerSourceMax)
  }

  /** A place for a connection that a phone made, and how to give it back; undefined (and counted) when there is none. */
  seat(transport: StreamTransport, host: string): (() => void) | undefined {
    const source = sourceOf(host)
    const full = this.seats >= this.current.flowsMax
    if (full || !this.perSource.admits(source)) {
      this.refused.add(`${transport}|${full ? 'flows' : 'source'}`)
      return undefined
    }
    this.seats++
    this.perSource.add(source)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.seats--
      this.perSource.remove(source)
    }
  }

  /** A phone's connection is up; `identities` are the names that its certificate has proven. */
  accepted(
    from: {
      readonly transport: StreamTransport
      readonly listener: ListenerId
      readonly host: string
      readonly port: number
      readonly identities?: readonly string[]
    },
    channel: StreamChannel,
  ): StreamFlow {
    const { transport, ...source } = from
    const id = this.nextFlow
    this.nextFlow += 2
    const flow = new StreamFlow(this, { id, transport, channel, source: sourceOf(from.host) })
    flow.open = true
    flow.reason = 'remote'
    this.flows.set(id, flow)
    this.opened.add(`${transport}|accepted`)
    this.sink({ kind: 'flowAccepted', flow: id, ...source })
    return flow
  }

  /** A connection that the core has named and asked for is being made. */
  connecting(id: FlowId, transport: StreamTransport, host: string, channel: StreamChannel): StreamFlow {
    const flow = new StreamFlow(this, { id, transport, channel, source: sourceOf(host) })
    this.flows.set(id, flow)
    return flow
  }

  /** There is room for one more connection of our own making. */
  get hasRoom(): boolean {
    return this.flows.size < this.current.flowsMax
  }

  /** Answers `openFlow` where nothing could be begun. */
  refuse(id: FlowId, reason: string): void {
    queueMicrotask(() => this.sink({ kind: 'flowFailed', flow: id, reason }))
  }

  send(id: FlowId, bytes: Uint8Array): void {
    const flow = this.flows.get(id)
    if (flow === undefined) return
    const stuck = flow.channel.write(bytes) ? this.backlog.written(flow) : [flow]
    for (const each of stuck) {
      each.reason = 'stuck'
      each.channel.abort()
    }
  }

  /** Closes after what was written has left. The core asked for it, so no `flowClosed` follows. */
  closeFlow(id: FlowId): void {
    const flow = this.flows.get(id)
    if (flow === undefined) return
    if (!flow.hasEnded) flow.reason = 'local'
    this.forget(flow)
    flow.channel.finish()
  }

  /** Cuts every connection. */
  close(): void {
    for (const flow of [...this.flows.values()]) {
      flow.reason = 'local'
      this.forget(flow)
      flow.channel.abort()
    }
  }

  /** For `StreamFlow`. */
  holds(flow: StreamFlow): boolean {
    return this.flows.get(flow.id) === flow
  }

  /** For `StreamFlow`. */
  tell(input: SipInput): void {
    this.sink(input)
  }

  /** For `StreamFlow`. */
  forget(flow: StreamFlow): void {
    this.flows.delete(flow.id)
    this.backlog.forget(flow)
    if (flow.open) this.closed.add(`${flow.transport}|${closeLabel(flow.reason)}`)
  }
}

/** What a shell says about one of its connections. */
export class StreamFlow implements Waited {
  readonly id: FlowId
  readonly transport: StreamTransport
  readonly channel: StreamChannel
  /** Whose it is: the address that counts for limits. */
  readonly source: string
  /** Only the backlog writes it. */
  unfinishedBytes = 0
  open = false
  /** The far end says no more. */
  hasEnded = false
  /** Why it ends, as far as known now. */
  reason = 'error'
  private readonly owner: StreamFlows

  constructor(owner: StreamFlows, init: Pick<StreamFlow, 'id' | 'transport' | 'channel' | 'source'>) {
    this.owner = owner
    this.id = init.id
    this.transport = init.transport
    this.channel = init.channel
    this.source = init.source
  }

  waiting(): number {
    return this.channel.waiting()
  }

  /** The connection that we were making is up. */
  connected(): void {
    if (this.open || !this.owner.holds(this)) return
    this.open = true
    this.owner.opened.add(`${this.transport}|connected`)
    this.owner.tell({ kind: 'flowOpened', flow: this.id })
  }

  data(bytes: Uint8Array): void {
    if (this.owner.holds(this)) this.owner.tell({ kind: 'flowData', flow: this.id, bytes })
  }

  /** The far end says no more, and may wait for answers yet: the core closes. False where there is no flow that it could close. */
  ended(): boolean {
    if (!this.open || !this.owner.holds(this)) return false
    this.hasEnded = true
    this.reason = 'remote'
    this.owner.tell({ kind: 'flowEnded', flow: this.id })
    return true
  }

  /** It is gone; told to the core once, and not at all when the core closed it. */
  gone(reason: string = this.reason): void {
    if (!this.owner.holds(this)) return
    this.reason = reason
    this.owner.forget(this)
    const { id, open } = this
    this.owner.tell(open ? { kind: 'flowClosed', flow: id } : { kind: 'flowFailed', flow: id, reason })
  }
}

function labels(values: readonly string[]): string[] {
  return STREAM_TRANSPORTS.flatMap((transport) => values.map((value) => `${transport}|${value}`))
}

/** Labels are a closed set; error codes of the system are not. */
function closeLabel(reason: string): string {
  return CLOSE_REASONS.includes(reason) ? reason : 'error'
}
