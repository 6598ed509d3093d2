/**
 * The network between simulated hosts and what befalls it: who is there, what is cut, and what is on the hosts' disks. What is
 * journaled is confirmed after a while. The streams between hosts are in streams.ts.
 */
import type { Millis } from '../common/time.ts'
import type { JournalOperation, PeerAction } from '../reload/index.ts'
import { Conditions } from './conditions.ts'
import type { Disk } from './disk.ts'
import { CALM, type Faults } from './faults.ts'
import type { Delivery, Port, Station, Traffic } from './pipe.ts'
import { Stations } from './stations.ts'
import { Streams } from './streams.ts'
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
  private readonly stations = new Stations()
  private readonly streams: Streams

  constructor(world: World, faults: Faults = CALM) {
    this.world = world
    this.conditions = new Conditions(world.fork('network'), faults)
    this.streams = new Streams(world, this.conditions, this.stations)
  }

  get faults(): Faults {
    return this.conditions.faults
  }

  set faults(faults: Faults) {
    this.conditions.faults = faults
  }

  /** Every delivery from now on is shown to `watcher`. */
  watch(watcher: (delivery: Delivery) => void): void {
    this.streams.watch(watcher)
  }

  attach(port: Port): void {
    this.stations.attach(port, (name) => this.conditions.place(name))
  }

  /** The host is gone: its channels break at once and its listeners refuse. `silent`: nobody is told, as without power. */
  detach(name: string, silent = false): void {
    const station = this.stations.named(name)
    this.stations.detach(station)
    for (const { pipe } of [...station.pipes.values()]) {
      if (silent) pipe.open = false
      else this.streams.break(pipe)
    }
    station.pipes.clear()
  }

  /** A host that is gone for good, with its disk. */
  remove(name: string): void {
    if (this.stations.named(name).alive) this.detach(name)
    this.stations.remove(name)
  }

  knows(name: string): boolean {
    return this.stations.knows(name)
  }

  /** What a host has on disk; survives `detach`. */
  disk(name: string): Disk {
    return this.stations.named(name).disk
  }

  /** There is room again on a disk that was full. */
  makeRoom(name: string): void {
    const { disk, port, alive } = this.stations.named(name)
    if (!alive) disk.restarted()
    else if (disk.makeRoom()) port.input({ kind: 'journalWritable' })
  }

  /** What arrived anywhere so far. */
  get total(): Readonly<Traffic> {
    return this.streams.total
  }

  /** What arrived at a host so far. */
  traffic(name: string): Readonly<Traffic> {
    return this.stations.named(name).traffic
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
    this.world.after(duration, () => this.streams.resume())
  }

  /** Every cut and clog is gone; what TCP went on repeating arrives. */
  heal(): void {
    this.conditions.mend()
    this.streams.resume()
  }

  /** Breaks every connection between the two, as a middlebox would. */
  reset(a: string, b: string): void {
    for (const { pipe } of [...this.stations.named(a).pipes.values()]) {
      if (pipe.ends.some((end) => end.station.port.name === b)) this.streams.break(pipe)
    }
  }

  /** Open connections, all hosts together. */
  get connections(): number {
    let ends = 0
    for (const station of this.stations.all()) ends += station.pipes.size
    return ends / 2
  }

  perform(name: string, action: NetworkAction): void {
    const station = this.stations.named(name)
    if (!station.alive) return
    switch (action.kind) {
      case 'openChannel':
        return this.streams.open(station, action.channel, action.purpose, action.to)
      case 'sendChannel':
        return this.streams.send(station, action.channel, action.bytes)
      case 'closeChannel':
        return this.streams.close(station, action.channel)
      case 'persist':
        return this.persist(station, action.token, action.operations)
    }
  }

  private persist(station: Station, token: number, operations: readonly JournalOperation[]): void {
    this.world.after(this.faults.diskMs, () => {
      if (!station.alive) return
      if (station.disk.write(operations)) station.port.input({ kind: 'persisted', token })
      else station.port.input({ kind: 'notPersisted', token })
    })
  }
}
