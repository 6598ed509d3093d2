/**
 * The phones' side of the world: datagrams that get lost and overtake one another, and plain TCP streams that are
 * ordered and whole. Addresses are texts `host:port`.
 */
import type { Random } from '../../src/common/random.ts'
import type { Millis } from '../../src/common/time.ts'
import type { World } from '../../src/sim/world.ts'

/** Times in milliseconds, chances 0..1 for each datagram. Jitter above the spacing of datagrams reorders them. */
export interface LanFaults {
  readonly latencyMs: Millis
  readonly jitterMs: Millis
  readonly lossChance: number
}

export const CALM_LAN: LanFaults = { latencyMs: 2, jitterMs: 1, lossChance: 0 }

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One end of a stream; whoever holds it sets the two callbacks. */
export class LanStream {
  onData: (bytes: Uint8Array) => void = () => undefined
  onClose: () => void = () => undefined
  readonly remote: Endpoint
  open = true
  far: LanStream | undefined = undefined
  private readonly lan: Lan
  private lastAt: Millis = 0

  constructor(lan: Lan, remote: Endpoint) {
    this.lan = lan
    this.remote = remote
  }

  send(bytes: Uint8Array): void {
    const { far } = this
    if (!this.open || far === undefined) return
    const copy = this.lan.rewrite(far.remote.host, bytes, false).slice()
    this.inOrder(() => {
      if (far.open) far.onData(copy)
    })
  }

  /** What is under way still arrives, then the end. */
  close(): void {
    const { far } = this
    if (!this.open) return
    this.open = false
    this.inOrder(() => {
      if (far?.open !== true) return
      far.open = false
      far.onClose()
    })
  }

  private inOrder(run: () => void): void {
    const { world } = this.lan
    this.lastAt = Math.max(this.lastAt, world.now.ms + this.lan.latency())
    world.after(this.lastAt - world.now.ms, run)
  }
}

export class Lan {
  readonly world: World
  faults: LanFaults
  /** What `host` sends, each message by itself, as it goes over the line. */
  rewrite: (host: string, bytes: Uint8Array, datagram: boolean) => Uint8Array = (_host, bytes) => bytes
  private readonly random: Random
  private readonly sockets = new Map<string, (from: Endpoint, bytes: Uint8Array) => void>()
  private readonly listeners = new Map<string, (stream: LanStream) => void>()
  private readonly streams = new Map<string, Set<LanStream>>()
  private readonly watchers: ((from: Endpoint, to: Endpoint, bytes: Uint8Array) => void)[] = []
  private nextPort = 30_000

  constructor(world: World, faults: LanFaults = CALM_LAN) {
    this.world = world
    this.faults = faults
    this.random = world.fork('lan')
  }

  /** Every datagram is shown to `watcher` at the moment it is sent, lost or not. */
  watch(watcher: (from: Endpoint, to: Endpoint, bytes: Uint8Array) => void): void {
    this.watchers.push(watcher)
  }

  bind(at: Endpoint, receive: (from: Endpoint, bytes: Uint8Array) => void): void {
    this.sockets.set(text(at), receive)
  }

  listen(at: Endpoint, accept: (stream: LanStream) => void): void {
    this.listeners.set(text(at), accept)
  }

  /** A host is gone: its sockets are deaf and its streams break. */
  remove(host: string): void {
    for (const at of [...this.sockets.keys()]) if (at.startsWith(`${host}:`)) this.sockets.delete(at)
    for (const at of [...this.listeners.keys()]) if (at.startsWith(`${host}:`)) this.listeners.delete(at)
    for (const stream of this.streams.get(host) ?? []) stream.close()
    this.streams.delete(host)
  }

  datagram(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    for (const watch of this.watchers) watch(from, to, bytes)
    if (this.faults.lossChance > 0 && this.random.float() < this.faults.lossChance) return
    const copy = this.rewrite(from.host, bytes, true).slice()
    this.world.after(this.latency(), () => {
      const receive = this.sockets.get(text(to))
      if (receive === undefined) return
      this.world.digest.number(this.world.now.ms)
      this.world.digest.text(`${text(from)}>${text(to)}`)
      this.world.digest.bytes(copy)
      receive(from, copy)
    })
  }

  /** Opens a stream; the other end is told before `done`, which gets undefined when nobody listens there. */
  connect(fromHost: string, to: Endpoint, done: (stream: LanStream | undefined) => void): void {
    const from = { host: fromHost, port: this.nextPort++ }
    this.world.after(2 * this.latency(), () => {
      const accept = this.listeners.get(text(to))
      if (accept === undefined) return done(undefined)
      const here = new LanStream(this, to)
      const there = new LanStream(this, from)
      here.far = there
      there.far = here
      this.note(fromHost, here)
      this.note(to.host, there)
      accept(there)
      done(here)
    })
  }

  latency(): Millis {
    return this.faults.latencyMs + this.random.float() * this.faults.jitterMs
  }

  private note(host: string, stream: LanStream): void {
    const streams = this.streams.get(host)
    if (streams === undefined) this.streams.set(host, new Set([stream]))
    else streams.add(stream)
  }
}

function text({ host, port }: Endpoint): string {
  return `${host}:${port}`
}
