/**
 * Secured streams between hosts, as TLS over TCP gives them: ordered, whole, and broken only as a whole. Loss inside
 * TCP shows as delay, or as a reset; a partition or a frozen host shows as silence. Different channels overtake one
 * another. Also the disk: what is journaled is confirmed after a while.
 */
import { joinPassing } from '../common/passing-bytes.ts'
import type { Millis } from '../common/time.ts'
import type {
  ChannelId,
  ChannelPurpose,
  JournalOperation,
  PeerAction,
  TransportAddress,
} from '../reload/index.ts'
import { Conditions } from './conditions.ts'
import { CALM, type Faults } from './faults.ts'
import type { Delivery, End, Pipe, Port, Station, Traffic } from './pipe.ts'
import type { World } from './world.ts'

export { CALM, type Faults }
export type { Delivery, Port }

/** What the network does for one machine: the four kinds of action that a shell would carry out. */
export type NetworkAction = Extract<
  PeerAction,
  { kind: 'openChannel' | 'sendChannel' | 'closeChannel' | 'persist' }
>

export class Network {
  private readonly world: World
  private readonly conditions: Conditions
  private readonly listeners = new Map<
    string,
    { readonly station: Station; readonly purpose: ChannelPurpose }
  >()
  private readonly stations = new Map<string, Station>()
  /** Pipes with something held back. */
  private readonly waiting = new Set<Pipe>()
  /** What arrived anywhere so far. */
  readonly total: Traffic = { deliveries: 0, bytes: 0 }
  private readonly watchers: ((delivery: Delivery) => void)[] = []

  constructor(world: World, faults: Faults = CALM) {
    this.world = world
    this.conditions = new Conditions(world.fork('network'), faults)
  }

  get faults(): Faults {
    return this.conditions.faults
  }

  set faults(faults: Faults) {
    this.conditions.faults = faults
  }

  /** Every delivery from now on is shown to `watcher`. */
  watch(watcher: (delivery: Delivery) => void): void {
    this.watchers.push(watcher)
  }

  attach(port: Port): void {
    const before = this.stations.get(port.name)
    const station: Station = {
      port,
      place: before?.place ?? this.conditions.place(port.name),
      pipes: new Map(),
      disk: before?.disk ?? new Map<string, Uint8Array>(),
      unwritten: undefined,
      traffic: before?.traffic ?? { deliveries: 0, bytes: 0 },
      nextChannel: 2,
      alive: true,
    }
    this.stations.set(port.name, station)
    for (const purpose of ['overlay', 'application'] as const) {
      this.listeners.set(text(port.addresses[purpose]), { station, purpose })
    }
  }

  /** The host is gone: its channels break at once and its listeners refuse. `silent`: nobody is told, as without power. */
  detach(name: string, silent = false): void {
    const station = this.station(name)
    station.alive = false
    for (const address of Object.values(station.port.addresses)) {
      if (this.listeners.get(text(address))?.station === station) this.listeners.delete(text(address))
    }
    for (const { pipe } of [...station.pipes.values()]) {
      if (silent) pipe.open = false
      else this.break(pipe)
    }
    station.pipes.clear()
  }

  /** A host that is gone for good, with its disk. */
  remove(name: string): void {
    if (this.station(name).alive) this.detach(name)
    this.stations.delete(name)
  }

  knows(name: string): boolean {
    return this.stations.has(name)
  }

  /** What a host has on disk; survives `detach`. */
  disk(name: string): (readonly [string, Uint8Array])[] {
    return [...this.station(name).disk]
  }

  /** The disk of a host takes nothing from now on; its shell keeps what it is given. */
  fill(name: string): void {
    this.station(name).unwritten ??= []
  }

  /** There is room again. */
  makeRoom(name: string): void {
    const station = this.station(name)
    const operations = station.unwritten
    if (operations === undefined) return
    station.unwritten = undefined
    write(station, operations)
    station.port.input({ kind: 'journalWritable' })
  }

  /** A new disk. */
  wipe(name: string): void {
    this.station(name).disk.clear()
  }

  /** What arrived at a host so far. */
  traffic(name: string): Readonly<Traffic> {
    return this.station(name).traffic
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

  /** Nothing passes between the two sides any more, in silence. */
  partition(one: readonly string[], other: readonly string[]): void {
    this.conditions.cut(one, other, true)
  }

  /** Nothing passes from the ones to the others; the other way is open. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    this.conditions.cut(from, to, false)
  }

  /** What one sends to the other arrives, all of it, when that time is over. */
  clog(from: string, to: string, duration: Millis): void {
    this.conditions.clog(from, to, this.world.now.ms + duration)
  }

  /** Every cut and clog is gone; what TCP went on repeating arrives. */
  heal(): void {
    this.conditions.mend()
    for (const pipe of this.waiting) {
      for (const side of [0, 1] as const) {
        const frames = pipe.held[side].splice(0)
        if (frames.length > 0) this.schedule(pipe, side, frames)
      }
    }
    this.waiting.clear()
  }

  /** Breaks every connection between the two, as a middlebox would. */
  reset(a: string, b: string): void {
    for (const { pipe } of [...this.station(a).pipes.values()]) {
      if (pipe.ends.some((end) => end.station.port.name === b)) this.break(pipe)
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
    const target = this.listeners.get(text(to))?.station
    const fail = (after: Millis, reason: string): void =>
      this.world.after(after, () => {
        if (from.alive) from.port.input({ kind: 'channelFailed', channel, reason })
      })
    if (target === undefined) return fail(2 * this.faults.latencyMs, 'unreachable')
    if (this.isCut(from, target) || this.isCut(target, from)) return fail(UNREACHABLE_AFTER_MS, 'unreachable')
    // TCP and TLS 1.2: three round trips before both ends may talk.
    this.world.after(6 * this.conditions.latency(from.place, target.place), () => {
      if (!from.alive) return
      if (!target.alive || this.isCut(from, target)) return fail(0, 'refused')
      this.connect({ station: from, channel }, target, purpose, to)
    })
  }

  private connect(end: End, target: Station, purpose: ChannelPurpose, to: TransportAddress): void {
    const there = target.nextChannel
    target.nextChannel += 2
    const ends = [end, { station: target, channel: there }] as const
    const pipe: Pipe = {
      purpose,
      ends,
      lastAt: [0, 0],
      last: [undefined, undefined],
      held: [[], []],
      open: true,
    }
    const from = end.station
    from.pipes.set(end.channel, { pipe, side: 0 })
    target.pipes.set(there, { pipe, side: 1 })
    this.note('open', from, target)
    target.port.input({
      kind: 'channelOpened',
      channel: there,
      purpose: this.listeners.get(text(to))?.purpose ?? purpose,
      role: 'server',
      certificates: from.port.certificates,
      remote: source(end),
    })
    if (!pipe.open) return
    from.port.input({
      kind: 'channelOpened',
      channel: end.channel,
      purpose,
      role: 'client',
      certificates: target.port.certificates,
      remote: to,
    })
  }

  private send(from: Station, channel: ChannelId, bytes: Uint8Array): void {
    const place = from.pipes.get(channel)
    if (place === undefined) return
    const { pipe, side } = place
    if (!pipe.open) return this.refuse(pipe, side)
    if (this.conditions.breaks()) return this.break(pipe)
    const last = pipe.last[side]
    if (last?.sentAt === this.world.now.ms) last.frames.push(bytes)
    else this.schedule(pipe, side, [bytes])
    if (this.conditions.repeats()) this.schedule(pipe, side, [bytes])
  }

  private schedule(pipe: Pipe, side: 0 | 1, frames: Uint8Array[]): void {
    const from = pipe.ends[side].station
    const target = pipe.ends[1 - side] as End
    const arrival = this.conditions.arrival(this.world.now.ms, from.place, target.station.place)
    const at = Math.max(arrival, pipe.lastAt[side])
    pipe.lastAt[side] = at
    pipe.last[side] = { sentAt: this.world.now.ms, frames }
    this.world.at(at, () => this.arrive(pipe, side, frames))
  }

  private arrive(pipe: Pipe, side: 0 | 1, frames: readonly Uint8Array[]): void {
    const end = pipe.ends[side]
    const target = pipe.ends[1 - side] as End
    if (pipe.last[side]?.frames === frames) pipe.last[side] = undefined
    if (!pipe.open || !target.station.alive) return
    if (this.isCut(end.station, target.station)) {
      pipe.held[side].push(...frames)
      this.waiting.add(pipe)
      return
    }
    const { digest } = this.world
    digest.number(this.world.now.ms)
    digest.text(end.station.port.name)
    digest.text(target.station.port.name)
    const bytes = frames.length === 1 ? (frames[0] as Uint8Array) : joinPassing(frames)
    digest.bytes(bytes)
    const { traffic } = target.station
    traffic.deliveries += frames.length
    traffic.bytes += bytes.length
    this.total.deliveries += frames.length
    this.total.bytes += bytes.length
    if (this.watchers.length > 0) for (const frame of frames) this.show(pipe, side, frame)
    target.station.port.input({ kind: 'channelData', channel: target.channel, bytes })
  }

  private show(pipe: Pipe, side: 0 | 1, bytes: Uint8Array): void {
    const { purpose } = pipe
    const [client, server] = pipe.ends
    const listener = server.station.port.addresses[purpose]
    const delivery = {
      at: this.world.now.ms,
      from: pipe.ends[side].station.port.name,
      to: (pipe.ends[1 - side] as End).station.port.name,
      purpose,
      source: side === 0 ? source(client) : listener,
      target: side === 0 ? listener : source(client),
      bytes,
    }
    for (const watch of this.watchers) watch(delivery)
  }

  private close(from: Station, channel: ChannelId): void {
    const place = from.pipes.get(channel)
    if (place === undefined) return
    const { pipe, side } = place
    from.pipes.delete(channel)
    if (!pipe.open) return
    const target = pipe.ends[1 - side] as End
    // What is under way still arrives, then the end of the stream.
    const at = Math.max(
      this.world.now.ms + this.conditions.latency(from.place, target.station.place),
      pipe.lastAt[side],
    )
    this.world.at(at, () => {
      if (!pipe.open) return
      pipe.open = false
      this.tellClosed(target, from)
    })
  }

  private persist(station: Station, token: number, operations: readonly JournalOperation[]): void {
    this.world.after(this.faults.diskMs, () => {
      if (!station.alive) return
      if (station.unwritten !== undefined) {
        station.unwritten.push(...operations)
        return station.port.input({ kind: 'notPersisted', token })
      }
      write(station, operations)
      station.port.input({ kind: 'persisted', token })
    })
  }

  private break(pipe: Pipe): void {
    if (!pipe.open) return
    pipe.open = false
    const [a, b] = pipe.ends
    this.note('break', a.station, b.station)
    this.world.after(this.conditions.latency(a.station.place, b.station.place), () => {
      this.tellClosed(a, b.station)
      this.tellClosed(b, a.station)
    })
  }

  /** A segment on a stream that the far end no longer knows: it answers with a reset, when there is anybody to answer. */
  private refuse(pipe: Pipe, side: 0 | 1): void {
    const end = pipe.ends[side]
    const far = (pipe.ends[1 - side] as End).station
    if (this.stations.get(far.port.name)?.alive !== true) return
    this.world.after(2 * this.conditions.latency(end.station.place, far.place), () =>
      this.tellClosed(end, far),
    )
  }

  /** The far host's word that a stream is over; it does not come through a cut. */
  private tellClosed(end: End, far: Station): void {
    const { station, channel } = end
    if (!station.alive || !station.pipes.has(channel) || this.isCut(far, station)) return
    station.pipes.delete(channel)
    station.port.input({ kind: 'channelClosed', channel })
  }

  private isCut(from: Station, to: Station): boolean {
    return this.conditions.isCut(from.place, to.place)
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

/** The client's end of a stream, with a port that the system chose. */
function source({ station, channel }: End): TransportAddress {
  return { address: station.port.addresses.overlay.address, port: 20_000 + (channel % 40_000) }
}

function write({ disk }: Station, operations: readonly JournalOperation[]): void {
  for (const operation of operations) {
    if (operation.kind === 'put') disk.set(operation.key, operation.value)
    else disk.delete(operation.key)
  }
}
