/**
 * When the founder owns the whole ring (RFC 6940 s.6.4.2.1). The first time at once. One that comes back knows its
 * neighbors of before: they may have gone on without it, so it asks them first and founds only when none answers.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import type { Bootstrap } from './bootstrap.ts'
import { FOUNDER_LOOK_MS } from './constants.ts'
import type { FormerNeighbors } from './former-neighbors.ts'
import type { PeerParts } from './parts.ts'

export class Founding {
  private readonly parts: PeerParts
  private readonly topology: TopologyPlugin
  private readonly bootstrap: Bootstrap
  private readonly former: FormerNeighbors
  /** Until then the former ring is looked for; NEVER when there is nothing to decide. */
  private deadline: Millis = NEVER

  constructor(parts: PeerParts, topology: TopologyPlugin, bootstrap: Bootstrap, former: FormerNeighbors) {
    this.parts = parts
    this.topology = topology
    this.bootstrap = bootstrap
    this.former = former
  }

  /** Founds, or begins to look. */
  begin(): void {
    if (this.former.addresses.length === 0) return this.topology.found(this.parts.now.ms)
    this.deadline = this.parts.now.ms + FOUNDER_LOOK_MS
    this.bootstrap.start()
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
    if (!late && !this.bootstrap.nobodyThere) return
    this.stop()
    this.bootstrap.stop()
    this.parts.trace({ level: 'warn', area: 'reload', event: 'ring_founded_anew' })
    this.topology.found(this.parts.now.ms)
  }
}
