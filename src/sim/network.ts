/**
 * Secured streams between hosts, as TLS over TCP gives them: ordered, whole, and broken only as a whole. Loss inside
 * TCP shows as delay, or as a reset; a partition or a frozen host shows as silence. Different channels overtake one
 * another. Also the disk: what is journaled is confirmed after a while.
 */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import type {
  ChannelId,
  ChannelPurpose,
  JournalOperation,
  PeerAction,
  PeerInput,
  TransportAddress,
} from '../reload/index.ts'
import type { World } from './world.ts'

/** What goes wrong, and how often. Times in milliseconds, chances 0..1 for each delivery. */
export interface Faults {
  readonly latencyMs: Millis
  readonly jitterMs: Millis
  /** A segment was lost: everything behind it on that channel waits for the retransmission. */
  readonly lossChance: number
  readonly retransmitMs: Millis
  /** The connection breaks; both ends learn of it. */
  readonly resetChance: number
  readonly diskMs: Millis
}

export const CALM: Faults = {
  latencyMs: 10,
  jitterMs: 5,
  lossChance: 0,
  retransmitMs: 300,
  resetChance: 0,
  diskMs: 2,
}

/** What the network does for one machine: the four kinds of action that a shell would carry out. */
export type NetworkAction = Extract<
  PeerAction,
  { kind: 'openChannel' | 'sendChannel' | 'closeChannel' | 'persist' }
>

/** A place in the network: two listeners, a certificate, a disk. */
export interface Port {
  readonly name: string
  readonly addresses: Readonly<Record<ChannelPurpose, TransportAddress>>
  /** What the far end of a handshake is shown, leaf first, DER. */
  readonly certificates: readonly Uint8Array[]
  readonly input: (input: PeerInput) => void
}

interface End {
  readonly port: Station
  readonly channel: ChannelId
}

interface Pipe {
  readonly ends: [End, End]
  /** When the last delivery in each direction happens: nothing on the stream overtakes it. */
  readonly lastAt: [Millis, Millis]
  open: boolean
}

interface Station {
  readonly port: Port
  readonly pipes: Map<ChannelId, { readonly pipe: Pipe; readonly side: 0 | 1 }>
  readonly disk: Map<string, Uint8Array>
  nextChannel: number
  alive: boolean
}

/** A packet seen on the way, for checkers. */
export interface Delivery {
  readonly from: string
  readonly to: string
  readonly purpose: ChannelPurpose
  readonly bytes: Uint8Array
}

export class Network {
  faults: Faults
  private readonly world: World
  private readonly random: Random
  private readonly listeners = new Map<
    string,
    { readonly station: Station; readonly purpose: ChannelPurpose }
  >()
  private readonly stations = new Map<string, Station>()
  private readonly cut = new Set<string>()
  private readonly purposes = new WeakMap<Pipe, ChannelPurpose>()
  private readonly watchers: ((delivery: Delivery) => void)[] = []

  constructor(world: World, faults: Faults = CALM) {
    this.world = world
    this.faults = faults
    this.random = world.fork('network')
  }

  /** Every delivery from now on is shown to `watcher`. */
  watch(watcher: (delivery: Delivery) => void): void {
    this.watchers.push(watcher)
  }

  attach(port: Port): void {
    const disk = this.stations.get(port.name)?.disk ?? new Map<string, Uint8Array>()
    const station: Station = { port, pipes: new Map(), disk, nextChannel: 2, alive: true }
    this.stations.set(port.name, station)
    for (const purpose of ['overlay', 'application'] as const) {
      this.listeners.set(text(port.addresses[purpose]), { station, purpose })
    }
  }

  /** The host is gone: its channels break at once and its listeners refuse. `silent`: nobody is told, as without power. */
  detach(name: string, silent = false): void {
    const station = this.station(name)
    station.alive = false
    for (const [address, listener] of this.listeners) {
      if (listener.station === station) this.listeners.delete(address)
    }
    for (const { pipe } of [...station.pipes.values()]) {
      if (!silent) this.break(pipe)
    }
  }

  knows(name: string): boolean {
    return this.stations.has(name)
  }

  /** What a host has on disk; survives `detach`. */
  disk(name: string): (readonly [string, Uint8Array])[] {
    return [...this.station(name).disk]
  }

  /** Turns one byte of a record around; false when there is no such record. */
  damage(name: string, key: string): boolean {
    const { disk } = this.station(name)
    const record = disk.get(key)?.slice()
    if (record === undefined) return false
    const middle = record.length >> 1
    record[middle] = (record[middle] ?? 0) ^ 0xff
    disk.set(key, record)
    return true
  }

  /** Nothing passes between the two any more, in silence. */
  partition(one: readonly string[], other: readonly string[]): void {
    for (const a of one) for (const b of other) this.cut.add(pair(a, b))
  }

  heal(): void {
    this.cut.clear()
  }

  /** Breaks every connection between the two, as a middlebox would. */
  reset(a: string, b: string): void {
    for (const { pipe } of [...this.station(a).pipes.values()]) {
      if (pipe.ends.some((end) => end.port.port.name === b)) this.break(pipe)
    }
  }

  /** Open connections, all hosts together. */
  get connections(): number {
    let ends = 0
    for (const station of this.stations.values()) ends += station.pipes.size
    return ends / 2
  }

  perform(name: string, action: NetworkAction): void {
    const station = this.station(name)
    if (!station.alive) return
    switch (action.kind) {
      case 'openChannel':
        return this.open(station, action.channel, action.purpose, action.to)
      case 'sendChannel':
        return this.send(station, action.channel, action.bytes)
      case 'closeChannel':
        return this.close(station, action.channel)
      case 'persist':
        return this.persist(station, action.token, action.operations)
    }
  }

  private open(from: Station, channel: ChannelId, purpose: ChannelPurpose, to: TransportAddress): void {
    const listener = this.listeners.get(text(to))
    const target = listener?.station
    // TCP and TLS 1.2: three round trips before both ends may talk.
    const handshake = 6 * this.latency()
    if (target === undefined || this.isCut(from, target)) {
      const wait = target === undefined ? 2 * this.latency() : UNREACHABLE_AFTER_MS
      this.world.after(wait, () => {
        if (from.alive) from.port.input({ kind: 'channelFailed', channel, reason: 'unreachable' })
      })
      return
    }
    this.world.after(handshake, () => {
      if (!from.alive) return
      if (!target.alive || this.isCut(from, target)) {
        from.port.input({ kind: 'channelFailed', channel, reason: 'refused' })
        return
      }
      const there = target.nextChannel
      target.nextChannel += 2
      const pipe: Pipe = {
        ends: [
          { port: from, channel },
          { port: target, channel: there },
        ],
        lastAt: [0, 0],
        open: true,
      }
      this.purposes.set(pipe, purpose)
      from.pipes.set(channel, { pipe, side: 0 })
      target.pipes.set(there, { pipe, side: 1 })
      this.note('open', from, target)
      const listening = listener?.purpose ?? purpose
      const { address } = from.port.addresses.overlay
      target.port.input({
        kind: 'channelOpened',
        channel: there,
        purpose: listening,
        role: 'server',
        certificates: from.port.certificates,
        remote: { address, port: 40_000 + (there % 20_000) },
      })
      if (pipe.open) {
        from.port.input({
          kind: 'channelOpened',
          channel,
          purpose,
          role: 'client',
          certificates: target.port.certificates,
          remote: to,
        })
      }
    })
  }

  private send(from: Station, channel: ChannelId, bytes: Uint8Array): void {
    const place = from.pipes.get(channel)
    if (place === undefined || !place.pipe.open) return
    const { pipe, side } = place
    let at = this.world.now.ms + this.latency()
    if (this.faults.lossChance > 0 && this.random.float() < this.faults.lossChance)
      at += this.faults.retransmitMs
    if (this.faults.resetChance > 0 && this.random.float() < this.faults.resetChance) return this.break(pipe)
    at = Math.max(at, pipe.lastAt[side])
    pipe.lastAt[side] = at
    // The sender may reuse its buffer.
    const copy = bytes.slice()
    this.deliver(at, from, pipe, side, copy)
  }

  private deliver(at: Millis, from: Station, pipe: Pipe, side: 0 | 1, copy: Uint8Array): void {
    const target = pipe.ends[1 - side] as End
    this.world.at(at, () => {
      if (!pipe.open || !target.port.alive) return
      if (this.isCut(from, target.port)) {
        // TCP goes on trying; in order, because everything behind it waits as well.
        const again = this.world.now.ms + this.faults.retransmitMs
        pipe.lastAt[side] = Math.max(pipe.lastAt[side], again)
        return this.deliver(again, from, pipe, side, copy)
      }
      this.world.digest.number(this.world.now.ms)
      this.world.digest.text(`${from.port.name}>${target.port.port.name}`)
      this.world.digest.bytes(copy)
      const purpose = this.purposes.get(pipe) ?? 'overlay'
      for (const watch of this.watchers) {
        watch({ from: from.port.name, to: target.port.port.name, purpose, bytes: copy })
      }
      target.port.port.input({ kind: 'channelData', channel: target.channel, bytes: copy })
    })
  }

  private close(from: Station, channel: ChannelId): void {
    const place = from.pipes.get(channel)
    if (place === undefined) return
    const { pipe, side } = place
    from.pipes.delete(channel)
    const target = pipe.ends[1 - side] as End
    // What is under way still arrives, then the end of the stream.
    const at = Math.max(this.world.now.ms + this.latency(), pipe.lastAt[side])
    this.world.at(at, () => {
      if (!pipe.open) return
      pipe.open = false
      if (target.port.pipes.delete(target.channel) && target.port.alive && !this.isCut(from, target.port)) {
        target.port.port.input({ kind: 'channelClosed', channel: target.channel })
      }
    })
  }

  private persist(station: Station, token: number, operations: readonly JournalOperation[]): void {
    this.world.after(this.faults.diskMs, () => {
      if (!station.alive) return
      for (const operation of operations) {
        if (operation.kind === 'put') station.disk.set(operation.key, operation.value)
        else station.disk.delete(operation.key)
      }
      station.port.input({ kind: 'persisted', token })
    })
  }

  private break(pipe: Pipe): void {
    if (!pipe.open) return
    pipe.open = false
    const [a, b] = pipe.ends
    this.note('break', a.port, b.port)
    for (const end of pipe.ends) {
      end.port.pipes.delete(end.channel)
      this.world.after(this.latency(), () => {
        if (end.port.alive) end.port.port.input({ kind: 'channelClosed', channel: end.channel })
      })
    }
  }

  private latency(): Millis {
    return this.faults.latencyMs + this.random.float() * this.faults.jitterMs
  }

  private isCut(a: Station, b: Station): boolean {
    return this.cut.size > 0 && this.cut.has(pair(a.port.name, b.port.name))
  }

  private station(name: string): Station {
    const station = this.stations.get(name)
    if (station === undefined) throw new RangeError(`no host ${name}`)
    return station
  }

  private note(event: string, a: Station, b: Station): void {
    this.world.digest.text(`${event} ${a.port.name} ${b.port.name}`)
    this.world.digest.number(this.world.now.ms)
  }
}

/** How long a connection attempt into the void lasts before the operating system gives up. */
const UNREACHABLE_AFTER_MS = 5_000

function text({ address, port }: TransportAddress): string {
  return `${address}:${port}`
}

function pair(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
