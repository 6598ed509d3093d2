/**
 * Whom to attach to: nodes that others named and that would be neighbors (RFC 6940 s.10.7.3). Remembers what is under
 * way and what failed, so that a false or stale table costs a bounded number of Attaches.
 */
import { NEVER, type Millis } from '../../../common/time.ts'
import { key, sameId, type NodeId } from '../../codec/index.ts'
import { ATTACHES_MAX, ATTACH_RETRY_MS, REATTACH_DELAY_MS } from './constants.ts'
import { wouldBeNeighbor, type RoutingTable } from './neighbors.ts'

export class Candidates {
  private readonly table: RoutingTable
  private readonly pending = new Map<string, NodeId>()
  private readonly retryAt = new Map<string, Millis>()
  /** Lost neighbors that get one attempt to come back. */
  private readonly lost = new Map<string, { readonly nodeId: NodeId; readonly at: Millis }>()
  /** When named nodes that failed before may be looked at again. */
  private relearnAt: Millis = NEVER

  constructor(table: RoutingTable) {
    this.table = table
  }

  /** The nodes of `named` that an Attach shall be sent to now; they count as under way from here on. */
  admit(now: Millis, named: readonly NodeId[], connected: (id: NodeId) => boolean): NodeId[] {
    const admitted: NodeId[] = []
    for (const id of named) {
      const name = key(id)
      if (sameId(id, this.table.self) || this.table.has(id) || this.pending.has(name) || connected(id))
        continue
      if ((this.retryAt.get(name) ?? 0) > now || this.pending.size >= ATTACHES_MAX) continue
      if (!wouldBeNeighbor(this.table.self, id, [...this.table.clockwise, ...this.pending.values()])) continue
      this.pending.set(name, id)
      this.lost.delete(name)
      admitted.push(id)
    }
    return admitted
  }

  attached(id: NodeId): void {
    this.pending.delete(key(id))
    this.retryAt.delete(key(id))
    this.lost.delete(key(id))
  }

  failed(now: Millis, id: NodeId): void {
    this.pending.delete(key(id))
    this.retryAt.set(key(id), now + ATTACH_RETRY_MS)
    this.relearnAt = Math.min(this.relearnAt, now + ATTACH_RETRY_MS)
  }

  lostNeighbor(now: Millis, id: NodeId): void {
    this.lost.set(key(id), { nodeId: id, at: now + REATTACH_DELAY_MS })
    this.retryAt.delete(key(id))
  }

  /** It said goodbye: nobody's table is reason enough to look for it for a while. */
  left(now: Millis, id: NodeId): void {
    this.lost.delete(key(id))
    this.retryAt.set(key(id), now + ATTACH_RETRY_MS)
  }

  /** Lost neighbors whose attempt is due. */
  dueLost(now: Millis): NodeId[] {
    const due: NodeId[] = []
    for (const [name, { nodeId, at }] of this.lost) {
      if (at > now) continue
      this.lost.delete(name)
      due.push(nodeId)
    }
    return due
  }

  /** True when the tables that others named should be gone through again. */
  relearnDue(now: Millis): boolean {
    if (now < this.relearnAt) return false
    this.relearnAt = NEVER
    for (const [name, at] of this.retryAt) if (at <= now) this.retryAt.delete(name)
    return true
  }

  clear(): void {
    this.pending.clear()
    this.lost.clear()
    this.relearnAt = NEVER
  }

  nextDeadline(): Millis {
    let at = this.relearnAt
    for (const lost of this.lost.values()) at = Math.min(at, lost.at)
    return at
  }
}
