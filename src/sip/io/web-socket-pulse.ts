/** Pings WebSockets (RFC 7118 s.6, RFC 6455 s.5.5.2): proxies in between keep them open, and a far end that is gone is noticed. */
import { WebSocket } from 'ws'
import { Tally } from '../../common/instruments.ts'
import type { StreamFlow, StreamFlows } from './stream-flows.ts'

interface Watched {
  readonly flow: StreamFlow
  readonly since: number
  /** Something has come since the last ping. */
  answered: boolean
  /** When the last message came; undefined when none has. */
  heardAt: number | undefined
}

export class WebSocketPulse {
  /** By transport. */
  readonly failures = new Tally(['ws', 'wss'])
  private readonly flows: StreamFlows
  private readonly watched = new Map<WebSocket, Watched>()
  private timer: NodeJS.Timeout | undefined

  constructor(flows: StreamFlows) {
    this.flows = flows
  }

  watch(socket: WebSocket, flow: StreamFlow): void {
    const entry: Watched = { flow, since: performance.now(), answered: true, heardAt: undefined }
    this.watched.set(socket, entry)
    socket.on('pong', () => (entry.answered = true))
    socket.on('message', () => {
      entry.answered = true
      entry.heardAt = performance.now()
    })
    socket.once('close', () => {
      this.watched.delete(socket)
      if (this.watched.size === 0) this.stop()
    })
    if (this.timer !== undefined) return
    this.timer = setInterval(() => this.beat(), this.flows.limits.pingIntervalMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private beat(): void {
    const { firstBytesTimeoutMs, idleTimeoutMs } = this.flows.limits
    const now = performance.now()
    for (const [socket, entry] of this.watched) {
      const { flow, since, answered, heardAt } = entry
      const silentMs = now - (heardAt ?? since)
      const idle = silentMs > (heardAt === undefined ? firstBytesTimeoutMs : idleTimeoutMs)
      if (!answered) this.failures.add(flow.transport)
      if (!answered || idle) {
        flow.reason = 'idle'
        socket.terminate()
      } else if (socket.readyState === WebSocket.OPEN) {
        entry.answered = false
        socket.ping()
      }
    }
  }
}
