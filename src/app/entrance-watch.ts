/**
 * What the names of bootstrap nodes stand for changes while a node runs, or had not changed yet when it started: after a power cut a name
 * server tells addresses of before for half a minute. They are looked up again from time to time.
 */
import { isIP } from 'node:net'
import type { Trace } from '../common/trace.ts'
import type { Entrances } from '../reload/index.ts'
import { entrancesNow } from './bootstrap.ts'
import { parseHostPort } from './config/endpoint.ts'
import type { OwnPlace } from './own-places.ts'

const LOOK_AGAIN_MS = 15_000

export class EntranceWatch {
  private readonly timer: NodeJS.Timeout | undefined
  private readonly names: readonly string[]
  private readonly self: OwnPlace
  private readonly changed: (entrances: Entrances) => void
  private readonly trace: Trace
  private known: string
  /** How many bootstrap nodes those are. */
  private nodes: number
  private looking = false
  private stopped = false

  /** `known`: what the node was told at its start. Nothing is looked up when all are addresses already. */
  constructor(
    watched: {
      readonly names: readonly string[]
      readonly self: OwnPlace
      readonly known: Entrances
    },
    changed: (entrances: Entrances) => void,
    trace: Trace,
  ) {
    this.names = watched.names
    this.self = watched.self
    this.known = textOf(watched.known)
    this.nodes = watched.known.bootstrap.length
    this.changed = changed
    this.trace = trace
    const lookedUp = watched.names.some(
      (name) => isIP(parseHostPort(name, 'overlay.bootstrap', 0).host) === 0,
    )
    this.timer = lookedUp ? setInterval(() => void this.look(), LOOK_AGAIN_MS).unref() : undefined
  }

  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
  }

  /** One look now. Never rejects. */
  async look(addressesOf?: (host: string) => Promise<readonly string[]>): Promise<void> {
    if (this.looking) return
    this.looking = true
    const { entrances, missing } = await entrancesNow(this.names, this.self, addressesOf)
    this.looking = false
    const text = textOf(entrances)
    const { length } = entrances.bootstrap
    // A name without an address says nothing: its server may be away.
    const away = missing.length === this.names.length || (missing.length > 0 && length < this.nodes)
    if (this.stopped || away || text === this.known) return
    this.known = text
    this.nodes = length
    this.trace({
      level: 'info',
      area: 'app',
      event: 'bootstrap_resolved',
      addresses: length,
    })
    this.changed(entrances)
  }
}

/** The same whatever the order in which a name server tells them. */
function textOf({ bootstrap, turn }: Entrances): string {
  const addresses = bootstrap.map(({ address, port }) => `${address} ${port}`).toSorted()
  return JSON.stringify([addresses, turn ?? null])
}
