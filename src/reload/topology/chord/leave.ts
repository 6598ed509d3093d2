/** Leaving (RFC 6940 s.10.9): who is told what. */
import { sameId, type ChordLeaveData, type NodeId } from '../../codec/index.ts'
import type { RoutingTable } from './neighbors.ts'

/** RFC 6940 s.10.9: the sender is a successor of the recipient. */
export const FROM_SUCCESSOR = 1
/** RFC 6940 s.10.9: the sender is a predecessor of the recipient. */
export const FROM_PREDECESSOR = 2

/**
 * The Leave for one recipient. A recipient on our predecessor side sees us as its successor and gets our successors,
 * which replace us there; the others get our predecessors. In a small ring it may be on both sides: the nearer counts.
 */
export function leaveDataFor(table: RoutingTable, recipient: NodeId): ChordLeaveData {
  const behind = table.predecessors().findIndex((id) => sameId(id, recipient))
  const ahead = table.successors().findIndex((id) => sameId(id, recipient))
  return behind >= 0 && (ahead < 0 || behind <= ahead)
    ? { type: FROM_SUCCESSOR, nodes: table.successors() }
    : { type: FROM_PREDECESSOR, nodes: table.predecessors() }
}
