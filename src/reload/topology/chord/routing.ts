/** Where CHORD-RELOAD sends a message next (RFC 6940 s.10.3). */
import type { NodeId } from '../../codec/ids.ts'
import type { RoutingTable } from './neighbors.ts'

/**
 * The peer with the largest Node-ID in (self, target]; without one, the smallest Node-ID above `target`, which then is
 * the first peer clockwise from self. Undefined when no peer may be routed through. That a node which is directly
 * connected comes first is forwarding's business: it owns the connection table.
 */
export function nextHop(table: RoutingTable, target: Uint8Array): NodeId | undefined {
  const upTo = table.countUpTo(target)
  return upTo > 0 ? table.clockwise[upTo - 1] : table.clockwise[0]
}
