/** Where CHORD-RELOAD sends a message next (RFC 6940 s.10.3). */
import type { NodeId } from '../../codec/ids.ts'
import type { RoutingTable } from './neighbors.ts'

/**
 * The peer with the largest Node-ID in (self, target]; without one, the smallest Node-ID above `target`, which then is
 * the first peer clockwise from self. Undefined when no peer may be routed through. That a node which is directly
 * connected comes first is forwarding's business: it owns the connection table. `detour` passes over that many of the
 * best ones, as long as others lie on the way: a peer that swallows what it should pass on is not asked again and again.
 */
export function nextHop(table: RoutingTable, target: Uint8Array, detour = 0): NodeId | undefined {
  const upTo = table.countUpTo(target)
  return upTo > 0 ? table.clockwise[upTo - 1 - (detour % upTo)] : table.clockwise[0]
}
