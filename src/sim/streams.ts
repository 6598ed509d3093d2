/**
 * Secured streams between hosts, as TLS over TCP gives them: ordered, whole, and broken only as a whole. Loss inside
 * TCP shows as delay, or as a reset; a partition or a frozen host shows as silence. Different channels overtake one
 * another.
 */
import { joinPassing } from '../common/passing-bytes.ts'
import type { Millis } from '../common/time.ts'
import type { ChannelId, ChannelPurpose, TransportAddress } from '../reload/index.ts'
import type { Conditions } from './conditions.ts'
import type { Delivery, End, Pipe, Station, Traffic } from './pipe.ts'
import type { Stations } from './stations.ts'
import type { World } from './world.ts'

export class Streams {
  private readonly world: World
  private readonly conditions: Conditions
  private readonly stations: Stations
  /** Pipes with something held back. */
  private readonly waiting = new Set<Pipe>()
  /** What arrived anywhere so far. */
  readonly total: Traffic = { deliveries: 0, bytes: 0 }
  private readonly watchers: ((delivery: Delivery) => void)[] = []

  constructor(world: World, conditions: Conditions, stations: Stations) {
    this.world = world
    this.conditions = conditions
    this.stations = stations
  }

  /** Every delivery from now on is shown to `watcher`. */
  watch(watcher: (delivery: Delivery) => void): void {
    this.watchers.push(watcher)
  }

  /** The way is free again: what TCP went on repeating arrives. */
  resume(): void {
    for (const pipe of this.waiting) {
      for (const side of [0, 1] as const) {
        const frames = pipe.held[side].splice(0)
        if (frames.length > 0) this.schedule(pipe, side, frames)
        if (!pipe.heldEnd[side]) continue
        pipe.heldEnd[side] = false
        this.scheduleEnd(pipe, side)
      }
    }
    this.waiting.clear()
  }

  open(from: Station, channel: ChannelId, purpose: ChannelPurpose, to: TransportAddress): void {
    const target = this.stations.listening(to)?.station
    const fail = (after: Millis, reason: string): void =>
      this.world.after(after, () => {
        if (from.alive) from.port.input({ kind: 'channelFailed', channel, reason })
      })
    if (target === undefined) return fail(2 * this.conditions.faults.latencyMs, 'unreachable')
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
      heldEnd: [false, false],
      open: true,
    }
    const from = end.station
    from.pipes.set(end.channel, { pipe, side: 0 })
    target.pipes.set(there, { pipe, side: 1 })
    this.note('open', from, target)
    target.port.input({
      kind: 'channelOpened',
      channel: there,
      purpose: this.stations.listening(to)?.purpose ?? purpose,
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

  send(from: Station, channel: ChannelId, bytes: Uint8Array): void {
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
    if (this.isHeld(end.station, target.station)) {
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

  close(from: Station, channel: ChannelId): void {
    const place = from.pipes.get(channel)
    if (place === undefined) return
    const { pipe, side } = place
    from.pipes.delete(channel)
    if (!pipe.open) return
    this.scheduleEnd(pipe, side)
  }

  /** What is under way still arrives, then the end of the stream. */
  private scheduleEnd(pipe: Pipe, side: 0 | 1): void {
    const from = pipe.ends[side].station
    const target = pipe.ends[1 - side] as End
    const at = Math.max(
      this.world.now.ms + this.conditions.latency(from.place, target.station.place),
      pipe.lastAt[side],
    )
    this.world.at(at, () => {
      if (!pipe.open) return
      if (from.alive && this.isHeld(from, target.station)) {
        pipe.heldEnd[side] = true
        this.waiting.add(pipe)
        return
      }
      pipe.open = false
      this.tellClosed(target, from)
    })
  }

  break(pipe: Pipe): void {
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
    if (!this.stations.isAlive(far.port.name)) return
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

  private isHeld(from: Station, to: Station): boolean {
    return this.isCut(from, to) || this.conditions.isClogged(this.world.now.ms, from.place, to.place)
  }

  private isCut(from: Station, to: Station): boolean {
    return this.conditions.isCut(from.place, to.place)
  }

  private note(event: string, a: Station, b: Station): void {
    this.world.digest.text(`${event} ${a.port.name} ${b.port.name}`)
    this.world.digest.number(this.world.now.ms)
  }
}

/** How long a connection attempt into the void lasts before the operating system gives up. */
const UNREACHABLE_AFTER_MS = 5_000

/** The client's end of a stream, with a port that the system chose. */
function source({ station, channel }: End): TransportAddress {
  return { address: station.port.addresses.overlay.address, port: 20_000 + (channel % 40_000) }
}
