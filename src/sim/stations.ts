import type { ChannelPurpose, TransportAddress } from '../reload/index.ts'
import { Disk } from './disk.ts'
import type { Place } from './conditions.ts'
import type { Port, Station } from './pipe.ts'

interface Listener {
  readonly station: Station
  readonly purpose: ChannelPurpose
}

/** The hosts of the network, by name and by the addresses at which they listen. */
export class Stations {
  private readonly byName = new Map<string, Station>()
  private readonly listeners = new Map<string, Listener>()

  /** A host starts, for the first time or once more: place, disk and traffic are those of its former lives. */
  attach(port: Port, placeOf: (name: string) => Place): void {
    const before = this.byName.get(port.name)
    before?.disk.restarted()
    const station: Station = {
      port,
      place: before?.place ?? placeOf(port.name),
      pipes: new Map(),
      disk: before?.disk ?? new Disk(),
      traffic: before?.traffic ?? { deliveries: 0, bytes: 0 },
      nextChannel: 2,
      alive: true,
    }
    this.byName.set(port.name, station)
    for (const purpose of ['overlay', 'application'] as const) {
      this.listeners.set(text(port.addresses[purpose]), { station, purpose })
    }
  }

  /** The host is gone, and nobody listens at its addresses. */
  detach(station: Station): void {
    station.alive = false
    for (const address of Object.values(station.port.addresses)) {
      if (this.listeners.get(text(address))?.station === station) this.listeners.delete(text(address))
    }
  }

  remove(name: string): void {
    this.byName.delete(name)
  }

  knows(name: string): boolean {
    return this.byName.has(name)
  }

  isAlive(name: string): boolean {
    return this.byName.get(name)?.alive === true
  }

  /** Throws RangeError when there is no host of that name. */
  named(name: string): Station {
    const station = this.byName.get(name)
    if (station === undefined) throw new RangeError(`no host ${name}`)
    return station
  }

  all(): IterableIterator<Station> {
    return this.byName.values()
  }

  /** Who listens there. */
  listening(at: TransportAddress): Listener | undefined {
    return this.listeners.get(text(at))
  }
}

function text({ address, port }: TransportAddress): string {
  return `${address}:${port}`
}
