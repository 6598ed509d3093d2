/** TCP flows of the SIP stack, accepted and opened: bytes in, bytes out, nothing understood. */
import { connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { Tally } from '../../common/instruments.ts'
import { PerSource } from '../../common/per-source.ts'
import { TurnWriter } from '../../common/turn-writer.ts'
import type { FlowId, ListenerId, SipInput } from '../core/contract.ts'

export interface TcpLimits {
  /** Bytes waiting for one far end before it is cut off. */
  readonly queueBytesMax: number
  /** Flows of all listeners together; more are refused. */
  readonly flowsMax: number
  /** Flows from one source address. */
  readonly flowsPerSourceMax: number
  readonly connectTimeoutMs: number
  /** A phone that connected must say something within this time. */
  readonly firstBytesTimeoutMs: number
  /** A flow on which nothing moved for this long is closed; above the longest registration. */
  readonly idleTimeoutMs: number
}

export const TCP_LIMITS: TcpLimits = {
  queueBytesMax: 1024 * 1024,
  flowsMax: 20_000,
  flowsPerSourceMax: 2_000,
  connectTimeoutMs: 4_000,
  firstBytesTimeoutMs: 32_000,
  idleTimeoutMs: 7_500_000,
}

export interface TcpListenerInit {
  readonly id: ListenerId
  readonly host: string
  readonly port: number
}

const STREAM_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, allowHalfOpen: true }

interface Flow {
  readonly socket: Socket
  readonly source: string
  open: boolean
  reason: string
}

export class TcpShell {
  readonly opened = new Tally(['tcp|accepted', 'tcp|connected'])
  readonly closed = new Tally(['tcp|remote', 'tcp|local', 'tcp|idle', 'tcp|stuck', 'tcp|error'])
  readonly refused = new Tally(['tcp|flows', 'tcp|source'])
  private readonly sink: (input: SipInput) => void
  private limits: TcpLimits
  private readonly writer: TurnWriter
  private readonly servers: Server[] = []
  private readonly flows = new Map<FlowId, Flow>()
  private readonly perSource: PerSource
  /** Even ids are ours; odd ones are named by the core. */
  private nextFlow: FlowId = 2

  constructor(sink: (input: SipInput) => void, limits: TcpLimits = TCP_LIMITS) {
    this.sink = sink
    this.limits = limits
    this.perSource = new PerSource(limits.flowsPerSourceMax)
    this.writer = new TurnWriter(limits.queueBytesMax, setImmediate)
  }

  get active(): number {
    return this.flows.size
  }

  /** Binds one listener; rejects with the system's error. */
  async listen(init: TcpListenerInit): Promise<{ readonly host: string; readonly port: number }> {
    const server = createServer(STREAM_OPTIONS)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: init.host, port: init.port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', () => this.closed.add('tcp|error'))
    server.on('connection', (socket) => this.accept(init.id, socket))
    this.servers.push(server)
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('TCP listener without an address')
    return { host: bound.address, port: bound.port }
  }

  /** Connects to an IP literal; the answer is `flowOpened` or `flowFailed`. */
  connect(id: FlowId, host: string, port: number): void {
    if (isIP(host) === 0 || port < 1 || port > 65535 || this.flows.size >= this.limits.flowsMax) {
      queueMicrotask(() => this.sink({ kind: 'flowFailed', flow: id, reason: 'not a reachable address' }))
      return
    }
    const socket = connect({ host, port, ...STREAM_OPTIONS })
    const flow: Flow = { socket, source: host, open: false, reason: 'error' }
    socket.setTimeout(this.limits.connectTimeoutMs)
    socket.once('connect', () => {
      flow.open = true
      this.opened.add('tcp|connected')
      socket.setTimeout(this.limits.idleTimeoutMs)
      this.sink({ kind: 'flowOpened', flow: id })
    })
    this.attach(id, flow)
  }

  /** From now on; connections that are there stay. */
  limit(limits: Pick<TcpLimits, 'flowsMax' | 'flowsPerSourceMax'>): void {
    this.limits = { ...this.limits, ...limits }
    this.perSource.limit(limits.flowsPerSourceMax)
  }

  send(id: FlowId, bytes: Uint8Array): void {
    const flow = this.flows.get(id)
    if (flow === undefined || this.writer.write(flow.socket, bytes)) return
    flow.reason = 'stuck'
    flow.socket.destroy()
  }

  /** Closes after what was written has left. The core asked for it, so no `flowClosed` follows. */
  closeFlow(id: FlowId): void {
    const flow = this.flows.get(id)
    if (flow === undefined) return
    flow.reason = 'local'
    this.forget(id, flow)
    flow.socket.end()
    flow.socket.setTimeout(this.limits.connectTimeoutMs)
  }

  async close(): Promise<void> {
    const closing = this.servers
      .splice(0)
      .map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const [id, flow] of this.flows) {
      flow.reason = 'local'
      this.forget(id, flow)
      flow.socket.destroy()
    }
    await Promise.all(closing)
  }

  private accept(listener: ListenerId, socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket
    if (host === undefined || port === undefined) {
      socket.destroy()
      return
    }
    if (this.flows.size >= this.limits.flowsMax || !this.perSource.admits(host)) {
      this.refused.add(this.flows.size >= this.limits.flowsMax ? 'tcp|flows' : 'tcp|source')
      socket.destroy()
      return
    }
    const id = this.nextFlow
    this.nextFlow += 2
    this.opened.add('tcp|accepted')
    this.perSource.add(host)
    socket.setTimeout(this.limits.firstBytesTimeoutMs)
    socket.once('data', () => socket.setTimeout(this.limits.idleTimeoutMs))
    const flow: Flow = { socket, source: host, open: true, reason: 'remote' }
    this.sink({ kind: 'flowAccepted', flow: id, listener, host, port })
    this.attach(id, flow)
  }

  private attach(id: FlowId, flow: Flow): void {
    const { socket } = flow
    this.flows.set(id, flow)
    socket.on('data', (bytes: Buffer) => {
      if (this.flows.get(id) === flow) this.sink({ kind: 'flowData', flow: id, bytes })
    })
    // A far end that says no more serves no request any more, so the flow is gone at once: its phone is then called at the
    // address it registered. What has been answered still goes out, for tools that send one request and close their half.
    socket.on('end', () => {
      socket.end()
      socket.setTimeout(this.limits.connectTimeoutMs)
      this.gone(id, flow, 'remote')
    })
    socket.on('timeout', () => {
      flow.reason = flow.open ? 'idle' : 'timeout'
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      flow.reason = flow.open ? 'error' : (error.code ?? 'error')
    })
    socket.on('close', () => this.gone(id, flow, flow.reason))
  }

  /** Tells the core, once. */
  private gone(id: FlowId, flow: Flow, reason: string): void {
    if (this.flows.get(id) !== flow) return
    flow.reason = reason
    this.forget(id, flow)
    this.sink(flow.open ? { kind: 'flowClosed', flow: id } : { kind: 'flowFailed', flow: id, reason })
  }

  private forget(id: FlowId, flow: Flow): void {
    this.flows.delete(id)
    if (flow.open) this.closed.add(`tcp|${flow.reason}`)
    if (id % 2 !== 0) return
    this.perSource.remove(flow.source)
  }
}
