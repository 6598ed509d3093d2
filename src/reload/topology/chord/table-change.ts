import { key } from '../../codec/index.ts'
import { neighborFingerprint, type RoutingTable } from './neighbors.ts'
import { replicaSet } from './responsible.ts'
import { sameOrAbsent } from './ring-math.ts'

/** What a change of the routing table means. */
export interface TableChange {
  /** False: only fingers changed. */
  readonly neighborsChanged: boolean
  /** What this peer is responsible for changed. */
  readonly rangeChanged: boolean
  readonly replicasChanged: boolean
}

/** Runs a change and tells what came of it; undefined when it left the table as it was, of which it tells by false. */
export function changeOf(table: RoutingTable, change: () => boolean): TableChange | undefined {
  const neighbors = neighborFingerprint(table)
  const predecessor = table.predecessor
  const replicas = replicaSet(table).map(key).join()
  if (!change()) return undefined
  if (neighborFingerprint(table) === neighbors)
    return { neighborsChanged: false, rangeChanged: false, replicasChanged: false }
  return {
    neighborsChanged: true,
    rangeChanged: !sameOrAbsent(predecessor, table.predecessor),
    replicasChanged: replicas !== replicaSet(table).map(key).join(),
  }
}
