/** Who holds what (RFC 6940 s.10.1, s.10.4): plain questions to the routing table. */
import { sameId, type NodeId } from '../../codec/ids.ts'
import type { RoutingTable } from './neighbors.ts'
import { inRange, ringShare } from './ring-math.ts'

/** RFC 6940 s.10.4: the successor and its successor. */
export const REPLICA_COUNT = 2

/** A lone peer owns everything. Only meaningful for a peer that is in the ring. */
export function isResponsible(table: RoutingTable, id: Uint8Array): boolean {
  const predecessor = table.predecessor
  return predecessor === undefined || inRange(id, predecessor, table.self)
}

/** The peers that must hold a copy of what this peer is responsible for; fewer when the ring is smaller. */
export function replicaSet(table: RoutingTable): NodeId[] {
  return table.successors(REPLICA_COUNT)
}

/** Which known peer owns `id`, self included: the first one clockwise from it. */
export function knownResponsible(table: RoutingTable, id: Uint8Array): NodeId {
  if (isResponsible(table, id)) return table.self
  const upTo = table.countUpTo(id)
  const last = table.clockwise[upTo - 1]
  if (last !== undefined && sameId(last, id)) return last
  return table.clockwise[upTo] ?? table.self
}

/** The owner of the id is the peer right before this one. */
export function followsOwner(table: RoutingTable, id: Uint8Array): boolean {
  const { predecessor } = table
  return predecessor !== undefined && sameId(predecessor, knownResponsible(table, id))
}

/**
 * RFC 6940 s.10.7.3: three predecessors between this peer and the resource, so two other peers hold the replicas.
 * With fewer than three other peers nothing is ever out of reach.
 */
export function isBeyondReplicas(table: RoutingTable, id: Uint8Array): boolean {
  if (table.size <= REPLICA_COUNT) return false
  const third = table.predecessors(REPLICA_COUNT + 1)[REPLICA_COUNT]
  return third !== undefined && !inRange(id, third, table.self)
}

/** Share of the ring this peer answers for, 0..1. */
export function responsibleShare(table: RoutingTable): number {
  const predecessor = table.predecessor
  return predecessor === undefined ? 1 : ringShare(predecessor, table.self)
}

/**
 * Peers in the overlay as seen from here: the neighbor table spans so many peers on such a share of the ring. Exact
 * while the table holds everyone, an estimate with some 30 % error later.
 */
export function sizeEstimate(table: RoutingTable): number {
  const first = table.predecessors().at(-1)
  const last = table.successors().at(-1)
  if (first === undefined || last === undefined) return 1
  const neighbors = table.predecessors().length + table.successors().length
  if (table.size < neighbors) return table.size + 1
  const share = ringShare(first, last)
  return Math.max(table.size + 1, Math.round(neighbors / share))
}
