/** Where CHORD-RELOAD sends a message next (RFC 6940 s.10.3). */
import { sameId, type NodeId } from '../../codec/ids.ts'
import type { Avoid } from '../plugin.ts'
import type { RoutingTable } from './neighbors.ts'

/**
 * The peer with the largest Node-ID in (self, target]; without one, the smallest Node-ID above `target`, which then is
 * the first peer clockwise from self. Undefined when no peer may be routed through. That a node which is directly
 * connected comes first is forwarding's business: it owns the connection table. `detour` passes over that many of the
 * best ones, as long as others lie on the way: a peer that swallows what it should pass on is not asked again and again.
 */
export function nextHop(table: RoutingTable, target: Uint8Array, avoid: Avoid = {}): NodeId | undefined {
  const { detour = 0, notBackTo } = avoid
  const { clockwise } = table
  const upTo = table.countUpTo(target)
  const choice = upTo > 0 ? clockwise[upTo - 1 - (detour % upTo)] : clockwise[0]
  if (choice === undefined || notBackTo === undefined || !sameId(choice, notBackTo)) return choice
  return around(table, upTo, choice)
}

/**
 * The rule's choice has just sent us the message: a peer that restarted and joins again, which our table still has from its
 * former life, or one whose table lacks a neighbor. Ours may know who comes after it, who then owns the target; farther
 * away the rule goes on as if that peer were not there.
 */
function around(table: RoutingTable, upTo: number, choice: NodeId): NodeId | undefined {
  const { clockwise } = table
  const owner = clockwise[Math.max(upTo, 1)]
  const before = clockwise[upTo - 2]
  return before === undefined || table.isNeighbor(choice) ? (owner ?? before) : before
}
