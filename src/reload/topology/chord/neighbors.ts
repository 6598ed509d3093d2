/**
 * The peers that may be routed through, in ring order, and the neighbor table drawn from them. A peer gets in here only
 * when its link is up and one of its Updates was received (RFC 6940 s.6.5.1, s.10.7), so whatever is lost is replaced by
 * the best remaining one without further bookkeeping (s.10.7.1).
 */
import { key, sameId, type NodeId } from '../../codec/ids.ts'
import { compareClockwise } from './ring-math.ts'

/** RFC 6940 s.10.7 wants three or more a side and recommends O(log N): four serve sixteen peers and more. */
export const NEIGHBORS_EACH_SIDE = 4

export class RoutingTable {
  readonly self: NodeId
  /** Clockwise from self: the first is the successor, the last the predecessor. */
  private readonly ring: NodeId[] = []
  private readonly keys = new Set<string>()

  constructor(self: NodeId) {
    this.self = self
  }

  get size(): number {
    return this.ring.length
  }

  /** All peers, clockwise from self. */
  get clockwise(): readonly NodeId[] {
    return this.ring
  }

  has(id: NodeId): boolean {
    return this.keys.has(key(id))
  }

  /** False when the peer was there already; self never enters (RFC 6940 s.10.7.3). */
  add(id: NodeId): boolean {
    if (sameId(id, this.self) || this.keys.has(key(id))) return false
    this.ring.splice(this.countUpTo(id), 0, id)
    this.keys.add(key(id))
    return true
  }

  remove(id: NodeId): boolean {
    if (!this.keys.delete(key(id))) return false
    this.ring.splice(
      this.ring.findIndex((peer) => sameId(peer, id)),
      1,
    )
    return true
  }

  /** Nearest first. */
  successors(count = NEIGHBORS_EACH_SIDE): NodeId[] {
    return this.ring.slice(0, count)
  }

  /** Nearest first. */
  predecessors(count = NEIGHBORS_EACH_SIDE): NodeId[] {
    return this.ring.slice(-count).reverse()
  }

  get successor(): NodeId | undefined {
    return this.ring[0]
  }

  get predecessor(): NodeId | undefined {
    return this.ring[this.ring.length - 1]
  }

  isNeighbor(id: NodeId): boolean {
    const at = this.ring.findIndex((peer) => sameId(peer, id))
    return at >= 0 && (at < NEIGHBORS_EACH_SIDE || at >= this.ring.length - NEIGHBORS_EACH_SIDE)
  }

  /** How many peers lie in (self, id]. */
  countUpTo(id: Uint8Array): number {
    let low = 0
    let high = this.ring.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareClockwise(this.self, this.ring[middle] as NodeId, id) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** True when `id` would be among the nearest `count` of `others` on either side of `self`. */
export function wouldBeNeighbor(
  self: NodeId,
  id: NodeId,
  others: readonly NodeId[],
  count = NEIGHBORS_EACH_SIDE,
): boolean {
  let nearerClockwise = 0
  let nearerCounter = 0
  for (const other of others) {
    if (sameId(other, id) || sameId(other, self)) continue
    if (compareClockwise(self, other, id) < 0) nearerClockwise++
    else nearerCounter++
  }
  return nearerClockwise < count || nearerCounter < count
}

/** A value that changes exactly when the neighbor table does. */
export function neighborFingerprint(table: RoutingTable): string {
  return `${table.predecessors().map(key).join(',')}|${table.successors().map(key).join(',')}`
}
