/** ChordUpdate (RFC 6940 s.10.7): what this peer tells others of its tables, and what it learns from theirs. */
import { key, sameId, type ChordUpdate, type NodeId } from '../../codec/index.ts'
import { fingerList } from './fingers.ts'
import { NEIGHBORS_EACH_SIDE, type RoutingTable } from './neighbors.ts'
import { compareClockwise } from './ring-math.ts'

/** The tables that a peer named in its last Update. */
export interface NamedNeighbors {
  readonly predecessors: readonly NodeId[]
  readonly successors: readonly NodeId[]
  /** Of an Update of type full. */
  readonly fingers: readonly NodeId[]
}

/** Judgement: no honest table is longer; the rest of a longer list is not looked at. */
const NAMED_MAX = 64

export function peerReadyUpdate(uptimeS: number): ChordUpdate {
  return { kind: 'peerReady', uptime: uptimeS }
}

/** Nearest first: the RFC gives no order, receivers sort for themselves (Trap 36). */
export function neighborsUpdate(table: RoutingTable, uptimeS: number): ChordUpdate {
  return {
    kind: 'neighbors',
    uptime: uptimeS,
    predecessors: table.predecessors(),
    successors: table.successors(),
  }
}

export function fullUpdate(table: RoutingTable, uptimeS: number): ChordUpdate {
  return {
    kind: 'full',
    uptime: uptimeS,
    predecessors: table.predecessors(),
    successors: table.successors(),
    fingers: fingerList(table),
  }
}

export function namedNeighbors(update: ChordUpdate): NamedNeighbors | undefined {
  if (update.kind === 'peerReady') return undefined
  return {
    predecessors: update.predecessors.slice(0, NAMED_MAX),
    successors: update.successors.slice(0, NAMED_MAX),
    fingers: update.kind === 'full' ? update.fingers.slice(0, NAMED_MAX) : [],
  }
}

/** Every node of the lists once, those of the neighborhood first. */
export function namedNodes(named: NamedNeighbors): NodeId[] {
  const seen = new Map<string, NodeId>()
  for (const id of named.predecessors) seen.set(key(id), id)
  for (const id of named.successors) seen.set(key(id), id)
  for (const id of named.fingers) seen.set(key(id), id)
  return [...seen.values()]
}

/**
 * True when `self` belongs into the neighbor table of `owner` but is missing there: somebody has to tell it, or it
 * would not learn before the next periodic Update.
 */
export function misses(owner: NodeId, named: NamedNeighbors, self: NodeId): boolean {
  const { predecessors, successors } = named
  if (sameId(owner, self)) return false
  if ([...predecessors, ...successors].some((id) => sameId(id, self))) return false
  if (predecessors.length < NEIGHBORS_EACH_SIDE || successors.length < NEIGHBORS_EACH_SIDE) return true
  const nearerThanOneSuccessor = successors.some((id) => compareClockwise(owner, self, id) < 0)
  const nearerThanOnePredecessor = predecessors.some((id) => compareClockwise(owner, self, id) > 0)
  return nearerThanOneSuccessor || nearerThanOnePredecessor
}
