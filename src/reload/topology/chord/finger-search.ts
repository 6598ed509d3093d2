/** How the finger table fills (RFC 6940 s.10.7.4.2), and what is done about a finger that was lost (s.10.7.2). */
import type { Outbox } from '../../../common/outbox.ts'
import type { Random } from '../../../common/random.ts'
import type { NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import { fingerToSearch, openFingers } from './fingers.ts'
import type { RoutingTable } from './neighbors.ts'
import { fingerIndexOf, fingerStart, randomFingerTarget } from './ring-math.ts'

interface FingerParts {
  readonly table: RoutingTable
  readonly outbox: Outbox<TopologyAction>
  readonly random: Random
}

export class FingerSearch {
  private readonly parts: FingerParts
  /** Fingers that failed since the last search. */
  private readonly lost = new Set<number>()

  constructor(parts: FingerParts) {
    this.parts = parts
  }

  /** A new peer attaches to whoever answers for the start of each range. */
  attachToOpen(): void {
    const { table, outbox } = this.parts
    for (const index of openFingers(table)) {
      const resource = fingerStart(table.self, index)
      outbox.push({
        kind: 'attachResource',
        resource,
        through: undefined,
        purpose: { kind: 'finger', index },
      })
    }
  }

  /** That peer, none of the neighbors, has failed. */
  lose(nodeId: NodeId): void {
    this.lost.add(fingerIndexOf(this.parts.table.self, nodeId))
  }

  search(): void {
    const { table, outbox, random } = this.parts
    // RFC 6940 s.10.7.2: what was lost is looked for, whatever the draw says.
    const lost = openFingers(table).filter((index) => this.lost.has(index))
    this.lost.clear()
    for (const index of lost) {
      const target = randomFingerTarget(table.self, index, random)
      outbox.push({ kind: 'searchFinger', index, target })
    }
    if (lost.length > 0) return
    const search = fingerToSearch(table, random)
    if (search !== undefined) outbox.push({ kind: 'searchFinger', ...search })
  }

  /** The answer to a search. True: it names a peer worth an Attach, which goes out. */
  found(index: number, nodeId: NodeId): boolean {
    const { table, outbox } = this.parts
    if (table.has(nodeId) || fingerIndexOf(table.self, nodeId) !== index) return false
    outbox.push({ kind: 'attachNode', to: nodeId, via: undefined, purpose: { kind: 'finger', index } })
    return true
  }
}
