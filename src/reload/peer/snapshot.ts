import type { Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { Storage } from '../storage/storage.ts'
import type { StorageUse } from '../storage/use.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import type { PeerState, TransportAddress } from './contract.ts'
import type { Links } from './links.ts'

export interface ConnectionSnapshot {
  readonly nodeId: NodeId
  readonly address: TransportAddress | undefined
  /** Monotonic time at which the channel was opened. */
  readonly since: Millis
  readonly bytesIn: number
  readonly bytesOut: number
  /** It takes part in the ring; otherwise a client or a joining node. */
  readonly peer: boolean
  readonly rttMs: number | undefined
}

/** The peer as it sees itself and the ring: for people, metrics and checkers. */
export interface PeerSnapshot {
  readonly state: PeerState
  readonly nodeId: NodeId
  /** Nearest first. */
  readonly predecessors: readonly NodeId[]
  readonly successors: readonly NodeId[]
  readonly fingers: readonly NodeId[]
  readonly connections: readonly ConnectionSnapshot[]
  /** (after, through], undefined while this peer owns nothing. */
  readonly responsible: { readonly after: NodeId; readonly through: NodeId } | undefined
  /** Share of the ring this peer owns, 0..1. */
  readonly responsibleShare: number
  readonly sizeEstimate: number
  readonly storage: readonly StorageUse[]
  /** Owned resources that a member of the replica set is not known to have. */
  readonly replicaDeficit: number
}

export function peerSnapshot(
  state: PeerState,
  self: NodeId,
  components: {
    readonly topology: TopologyPlugin
    readonly links: Links
    readonly storage: Storage
    readonly replicaDeficit: number
  },
): PeerSnapshot {
  const { topology, links, storage, replicaDeficit } = components
  const ring = topology.snapshot()
  return {
    state,
    nodeId: self,
    predecessors: ring.predecessors,
    successors: ring.successors,
    fingers: ring.fingers,
    connections: connectionsOf(links, topology),
    responsible: ring.responsible,
    responsibleShare: ring.responsibleShare,
    sizeEstimate: ring.sizeEstimate,
    storage: storage.use(),
    replicaDeficit,
  }
}

function connectionsOf(links: Links, topology: TopologyPlugin): ConnectionSnapshot[] {
  const connections: ConnectionSnapshot[] = []
  for (const { nodeId, connection } of links.table.connectedNodes()) {
    const { openedAt, channel, link } = connection
    const peer = topology.isPeer(nodeId)
    const address = links.listeners.of(nodeId) ?? links.remote(channel)
    connections.push({
      nodeId,
      address,
      since: openedAt,
      bytesIn: link?.counters.bytesReceived ?? 0,
      bytesOut: link?.counters.bytesSent ?? 0,
      peer,
      rttMs: link?.rttMs,
    })
  }
  return connections
}
