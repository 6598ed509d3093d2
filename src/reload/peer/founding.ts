/**
 * Who makes a ring where there is none (RFC 6940 s.6.4.2.1, ADR 31). The founder owns it at once, the first time. One that comes back
 * knows its neighbors of before: they may have gone on without it, so it asks them first and founds only when none answers.
 * When everybody was away at once, the bootstrap nodes found it anew, one after the other until there is a ring: each waits long
 * enough to be taken in by the one before it. All others wait for them.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import type { Bootstrap } from './bootstrap.ts'
import { FOUNDER_LOOK_MS, FOUNDING_TURN_MS } from './constants.ts'
import type { FormerNeighbors } from './former-neighbors.ts'
import type { PeerParts } from './parts.ts'

export class Founding {
  private readonly parts: PeerParts
  private readonly topology: TopologyPlugin
  private readonly bootstrap: Bootstrap
  private readonly former: FormerNeighbors
  /** When this peer began to look for the ring. */
  private began: Millis = NEVER
  /** Until then the ring is looked for; NEVER when there is nothing to decide. */
  private deadline: Millis = NEVER

  constructor(parts: PeerParts, topology: TopologyPlugin, bootstrap: Bootstrap, former: FormerNeighbors) {
    this.parts = parts
    this.topology = topology
    this.bootstrap = bootstrap
    this.former = former
  }

  /** Founds, or begins to look for the ring. */
  begin(): void {
    const { init, now } = this.parts
    if (init.founder && this.former.addresses.length === 0) return this.topology.found(now.ms)
    this.began = now.ms
    this.decide()
    this.bootstrap.start()
  }

  /** Bootstrap nodes have other addresses, or this one has another place among them. Only while the ring is looked for. */
  entrancesChanged(): void {
    this.decide()
  }

  stop(): void {
    this.deadline = NEVER
  }

  /** While a way into the ring is being tried its outcome is waited for, and calls `advance` anyway. */
  nextDeadline(): Millis {
    return this.bootstrap.joining ? NEVER : this.deadline
  }

  /** Asked after every input. */
  advance(): void {
    if (this.deadline === NEVER) return
    if (this.topology.state === 'joined') return this.stop()
    const late = this.parts.now.ms >= this.deadline && !this.bootstrap.joining
    if (!late && !(this.turn === 0 && this.bootstrap.nobodyThere)) return
    this.stop()
    this.bootstrap.stop()
    this.parts.trace({ level: 'warn', area: 'reload', event: 'ring_founded_anew' })
    this.topology.found(this.parts.now.ms)
  }

  private decide(): void {
    const { turn } = this
    if (turn === undefined) return this.stop()
    // Nodes just heard of are looked for as long as those of before were.
    const soonest = this.parts.now.ms + FOUNDER_LOOK_MS
    this.deadline = Math.max(soonest, this.began + FOUNDER_LOOK_MS + turn * FOUNDING_TURN_MS)
  }

  private get turn(): number | undefined {
    const { init, entrances } = this.parts
    if (init.role === 'client') return undefined
    return init.founder ? 0 : entrances.turn
  }
}
