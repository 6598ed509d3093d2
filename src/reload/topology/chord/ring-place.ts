/** A peer's place in the ring, and what its tables say: whose is an id, where copies lie, where a message goes next. */
import { Outbox } from '../../../common/outbox.ts'
import type { NodeId, ResourceId } from '../../codec/index.ts'
import type { Avoid, RingState, TopologyAction, TopologySnapshot } from '../plugin.ts'
import { fingerList } from './fingers.ts'
import { RoutingTable } from './neighbors.ts'
import {
  isBeyondReplicas,
  isResponsible,
  followsOwner,
  knownResponsible,
  replicaSet,
  responsibleShare,
  sizeEstimate,
} from './responsible.ts'
import { compareClockwise } from './ring-math.ts'
import { nextHop } from './routing.ts'

/** The questions of the Topology Plug-in interface; chord.ts adds how the tables come about. */
export abstract class RingPlace {
  protected readonly self: NodeId
  protected readonly table: RoutingTable
  protected readonly outbox = new Outbox<TopologyAction>()
  protected current: RingState = 'outside'
  /** It owns its part of the ring, even while it is cut off from the others. */
  protected inRing = false

  constructor(self: NodeId) {
    this.self = self
    this.table = new RoutingTable(self)
  }

  get state(): RingState {
    return this.current
  }

  nextHop(target: Uint8Array, avoid: Avoid = {}): NodeId | undefined {
    return nextHop(this.table, target, avoid)
  }

  responsible(target: Uint8Array): boolean {
    return this.inRing && isResponsible(this.table, target)
  }

  mayReplicate(sender: NodeId, resource: ResourceId): boolean {
    if (!this.inRing || !this.table.has(sender)) return false
    if (isResponsible(this.table, resource)) return true
    return this.table.isNeighbor(sender) && !isBeyondReplicas(this.table, resource)
  }

  replicaSet(): readonly NodeId[] {
    return this.inRing ? replicaSet(this.table) : []
  }

  knownResponsible(target: Uint8Array): NodeId {
    return knownResponsible(this.table, target)
  }

  followsOwner(target: Uint8Array): boolean {
    return followsOwner(this.table, target)
  }

  beyondReplicas(target: Uint8Array): boolean {
    return isBeyondReplicas(this.table, target)
  }

  plausibleResponsible(signer: NodeId, target: Uint8Array): boolean {
    if (this.inRing && compareClockwise(target, this.self, signer) < 0) return false
    return this.table.clockwise.every((peer) => compareClockwise(target, peer, signer) >= 0)
  }

  isNeighbor(nodeId: NodeId): boolean {
    return this.table.isNeighbor(nodeId)
  }

  isPeer(nodeId: NodeId): boolean {
    return this.table.has(nodeId)
  }

  drain(): TopologyAction[] {
    return this.outbox.drain()
  }

  snapshot(): TopologySnapshot {
    const after = this.table.predecessor ?? this.self
    return {
      state: this.current,
      predecessors: this.table.predecessors(),
      successors: this.table.successors(),
      fingers: fingerList(this.table),
      responsible: this.inRing ? { after, through: this.self } : undefined,
      responsibleShare: this.inRing ? responsibleShare(this.table) : 0,
      sizeEstimate: this.inRing ? sizeEstimate(this.table) : 0,
    }
  }

  protected enter(state: RingState): void {
    if (this.current === state) return
    this.current = state
    this.outbox.push({ kind: 'stateChanged', state })
  }
}
