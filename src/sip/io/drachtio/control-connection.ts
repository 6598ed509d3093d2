/**
 * The connection to a drachtio server: made, proven with the secret, watched, and made again with back-off whenever it is gone.
 * Every try has a drachtio-srf of its own, whose own way of connecting again never slows down behind a wrong secret.
 */
import type { Socket } from 'node:net'
import type { Trace } from '../../../common/trace.ts'
import { FrameGuard } from './frame-guard.ts'
import { answersPing, serverAddresses, type ServerAddress } from './server-info.ts'
import { loadSrf, type Srf, type SrfRequest, type SrfResponse } from './srf.ts'

/** What a drachtio server passes on outside of dialogs; the rest it answers itself. */
const METHODS = [
  'invite',
  'register',
  'message',
  'options',
  'info',
  'notify',
  'subscribe',
  'publish',
  'refer',
]

export interface ControlEvents {
  up(addresses: readonly ServerAddress[]): void
  down(): void
  request(request: SrfRequest, response: SrfResponse): void
}

export interface ControlInit {
  readonly host: string
  readonly port: number
  readonly secret: string
  readonly timing?: ControlTiming
}

/** Milliseconds. */
export interface ControlTiming {
  /** Wait after the first failure; doubles up to `waitMostMs`. */
  readonly waitFirstMs: number
  readonly waitMostMs: number
  /** From the first SYN to the accepted secret. */
  readonly connectWithinMs: number
  /** Without a byte for so long the server is gone; it is asked every 15 s. */
  readonly silenceMs: number
}

export const CONTROL_TIMING: ControlTiming = {
  waitFirstMs: 250,
  waitMostMs: 15_000,
  connectWithinMs: 5_000,
  silenceMs: 45_000,
}

export class ControlConnection {
  /** How often the connection was made again after it had been up. */
  reconnects = 0
  private readonly events: ControlEvents
  private readonly init: ControlInit
  private readonly timing: ControlTiming
  private readonly trace: Trace
  private current: Srf | undefined
  private socket: Socket | undefined
  private timer: NodeJS.Timeout | undefined
  private failures = 0
  private isUp = false
  private wasUp = false
  private closed = false
  private reason = 'connecting'

  constructor(events: ControlEvents, init: ControlInit, trace: Trace) {
    this.events = events
    this.init = init
    this.timing = init.timing ?? CONTROL_TIMING
    this.trace = trace
  }

  /** Why it is not up; undefined while it is. */
  get fault(): string | undefined {
    return this.isUp ? undefined : this.reason
  }

  open(): void {
    void this.attempt()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.current = undefined
    this.socket?.destroy()
  }

  /** Ends a connection that is of no use; another one is made. */
  private giveUp(why: string): void {
    this.reason = why
    this.socket?.destroy()
    this.ended()
  }

  private async attempt(): Promise<void> {
    const { host, port, secret } = this.init
    let Loaded: new () => Srf
    try {
      Loaded = await loadSrf()
    } catch (error) {
      this.reason = `drachtio-srf cannot be loaded: ${messageOf(error)}`
      this.trace({ level: 'error', area: 'sip', event: 'engine_not_loaded', reason: this.reason })
      return
    }
    if (this.closed) return
    const srf = new Loaded()
    this.current = srf
    this.reason = 'no answer'
    for (const method of METHODS) {
      srf.use(method, (request, response) => {
        if (srf === this.current) this.events.request(request, response)
      })
    }
    srf.on('error', (error) => {
      if (srf === this.current && !this.isUp) this.reason = messageOf(error)
    })
    srf.on('close', () => {
      if (srf === this.current) this.ended()
    })
    srf.on('connect', (error, addresses, version) => {
      if (srf !== this.current) return
      if (error instanceof Error) this.giveUp('the server does not accept the secret')
      else this.established(serverAddresses(addresses), version)
    })
    srf.connect({ host, port, secret, enablePing: true, reconnect: { maxAttempts: 1 } })
    srf.app.client.wp.on('connect', (socket) => this.connected(srf, socket))
    this.timer = setTimeout(() => this.giveUp(this.reason), this.timing.connectWithinMs)
  }

  /** The socket is there; nothing has come yet, since the first word is ours. */
  private connected(srf: Srf, socket: Socket): void {
    if (srf !== this.current) {
      socket.destroy()
      return
    }
    this.socket = socket
    const guard = new FrameGuard()
    const handlers = socket.listeners('data') as ((chunk: Buffer) => void)[]
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => {
      if (!guard.accepts(chunk)) {
        this.misled(srf, 'not the control protocol of drachtio')
        return
      }
      try {
        for (const handle of handlers) handle(chunk)
      } catch (error) {
        this.misled(srf, messageOf(error))
      }
    })
  }

  private misled(srf: Srf, reason: string): void {
    if (srf !== this.current) return
    this.trace({ level: 'error', area: 'sip', event: 'engine_protocol', reason: reason.slice(0, 200) })
    this.giveUp(reason.slice(0, 200))
  }

  private established(addresses: readonly ServerAddress[], version: string | null | undefined): void {
    clearTimeout(this.timer)
    this.failures = 0
    this.isUp = true
    if (this.wasUp) this.reconnects++
    this.wasUp = true
    const { socket } = this
    if (socket !== undefined && answersPing(version)) {
      socket.setTimeout(this.timing.silenceMs, () => this.giveUp('the server has fallen silent'))
    }
    this.trace({
      level: 'info',
      area: 'sip',
      event: 'engine_connected',
      version: version ?? 'unknown',
      addresses: addresses.length,
    })
    this.events.up(addresses)
  }

  private ended(): void {
    clearTimeout(this.timer)
    this.current = undefined
    this.socket = undefined
    if (this.isUp) {
      this.isUp = false
      this.reason = 'the connection was lost'
      this.trace({ level: 'warn', area: 'sip', event: 'engine_lost' })
      this.events.down()
    }
    if (this.closed) return
    const wait = waitMs(this.timing, this.failures, Math.random())
    if (this.failures === 0 || this.failures % REPORT_EVERY === 0)
      this.trace({ level: 'warn', area: 'sip', event: 'engine_unreachable', reason: this.reason })
    this.failures++
    this.timer = setTimeout(() => void this.attempt(), wait)
  }
}

/** Of many failures in a row the first is told, and then some, so that a log says what is wrong and not much else. */
const REPORT_EVERY = 20

/** Doubles after every failure; spread by a quarter to each side, so that nodes do not come back together. */
export function waitMs({ waitFirstMs, waitMostMs }: ControlTiming, failures: number, chance: number): number {
  const wait = Math.min(waitMostMs, waitFirstMs * 2 ** Math.min(failures, 30))
  return Math.round(wait * (0.75 + 0.5 * chance))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
