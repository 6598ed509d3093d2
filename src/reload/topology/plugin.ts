/**
 * What the peer asks of a Topology Plug-in and what the plug-in wants done (RFC 6940 s.3.4, s.6.4). The plug-in decides
 * who is a neighbor, who is responsible and where a message goes next; it never sees bytes, keys or channels. Like every
 * machine here it is told what happened and what time it is, and leaves actions to be drained.
 */
import type { Millis } from '../../common/time.ts'
import type { ChordLeaveData, ChordUpdate, NodeId, ResourceId } from '../codec/index.ts'

/**
 * outside: not in the ring. joining: on its way in, or back in after isolation. joined: in the ring with at least one
 * neighbor, or alone by right. isolated: every neighbor was lost; what is here is still served. left: for good.
 */
export type RingState = 'outside' | 'joining' | 'joined' | 'isolated' | 'left'

/** Why a link to a peer is no longer there. */
export type LossCause = 'failure' | 'leave'

/** Why an Attach was asked for; comes back with its outcome. */
export type AttachPurpose =
  | { readonly kind: 'admitting' }
  | { readonly kind: 'neighbor'; readonly nodeId: NodeId }
  | { readonly kind: 'finger'; readonly index: number }

export type TopologyAction =
  /** Attach to a Node-ID, source-routed through `via` when that peer named it (RFC 6940 s.10.6). Wants an Update back. */
  | {
      readonly kind: 'attachNode'
      readonly to: NodeId
      readonly via: NodeId | undefined
      readonly purpose: AttachPurpose
    }
  /** Attach to whoever is responsible for an id; `through` is the first hop when ordinary routing does not work yet. */
  | {
      readonly kind: 'attachResource'
      readonly resource: ResourceId
      readonly through: NodeId | undefined
      readonly purpose: AttachPurpose
    }
  | { readonly kind: 'sendUpdate'; readonly to: NodeId; readonly update: ChordUpdate }
  | { readonly kind: 'sendJoin'; readonly to: NodeId }
  | { readonly kind: 'sendLeave'; readonly to: NodeId; readonly data: ChordLeaveData }
  /** Who is responsible for `target`? Answered by `fingerFound`. */
  | { readonly kind: 'searchFinger'; readonly index: number; readonly target: ResourceId }
  /** Time to see whether the far end lives: a direct Ping, unless its link was heard of a moment ago. */
  | { readonly kind: 'checkLink'; readonly to: NodeId; readonly near: boolean }
  /** Store everything in (after, to] to the node about to be admitted, then call `handOverDone`. */
  | { readonly kind: 'handOver'; readonly to: NodeId; readonly after: NodeId }
  | { readonly kind: 'stateChanged'; readonly state: RingState }
  /** The neighbor table changed; responsibility and replicas have to be looked at again. */
  | {
      readonly kind: 'neighborsChanged'
      readonly rangeChanged: boolean
      readonly replicasChanged: boolean
      readonly cause: 'join' | LossCause
      /** The peer that came or went. */
      readonly nodeId: NodeId
    }
  /** The way in did not work out; the peer starts over with another bootstrap node. */
  | { readonly kind: 'joinFailed'; readonly reason: string }

/** The tables, for people and metrics. */
export interface TopologySnapshot {
  readonly state: RingState
  readonly predecessors: readonly NodeId[]
  readonly successors: readonly NodeId[]
  readonly fingers: readonly NodeId[]
  /** (after, through], undefined while this peer owns nothing. */
  readonly responsible: { readonly after: NodeId; readonly through: NodeId } | undefined
  /** Share of the ring this peer owns, 0..1. */
  readonly responsibleShare: number
  readonly sizeEstimate: number
}

/** Whom a message shall not be sent to, though the routing table would choose it. */
export interface Avoid {
  /** So many of the best ones, as long as others lie on the way. */
  readonly detour?: number
  /** The message came from that peer unchanged, so it has no better way itself. */
  readonly notBackTo?: NodeId | undefined
}

export interface TopologyPlugin {
  readonly state: RingState

  /** Owns the whole ring at once (RFC 6940 s.6.4.2.1, first node). */
  found(now: Millis): void
  /** Joins through a node to which a link is up. */
  join(now: Millis, bootstrap: NodeId): void
  /** Tells the neighbors that this peer goes; afterwards it owns nothing. */
  leave(): void

  /** A link to that node is up; `attached` when an Attach of either side made it, with or without send_update. */
  linkUp(now: Millis, nodeId: NodeId, attached: boolean, wantsUpdate: boolean): void
  /** No working link leads to that node any more, or it said that it leaves. */
  linkDown(now: Millis, nodeId: NodeId, cause: LossCause): void
  /** The Attach answered by `nodeId` has its link, or failed. */
  attachDone(now: Millis, purpose: AttachPurpose, nodeId: NodeId | undefined): void

  updateReceived(now: Millis, from: NodeId, update: ChordUpdate): void
  /** Somebody asked for the tables: Attach or RouteQuery with send_update. */
  updateWanted(now: Millis, by: NodeId): void
  /** Whether a Join of that directly connected node may be accepted; if so the hand-over begins. */
  joinRequested(from: NodeId): boolean
  joinAnswered(now: Millis, from: NodeId, accepted: boolean): void
  handOverDone(now: Millis, to: NodeId): void
  fingerFound(now: Millis, index: number, nodeId: NodeId): void

  /** The peer to which a message for `target` goes; undefined when no way is known. */
  nextHop(target: Uint8Array, avoid?: Avoid): NodeId | undefined
  responsible(target: Uint8Array): boolean
  /** RFC 6940 s.10.4: `sender` may hand this peer a copy of `resource`. */
  mayReplicate(sender: NodeId, resource: ResourceId): boolean
  /** The peers that hold copies of what this one is responsible for. */
  replicaSet(): readonly NodeId[]
  /** The owner of `target` as far as this peer knows, self included. */
  knownResponsible(target: Uint8Array): NodeId
  /** No peer is known between the owner of `target` and this one: its first replica. */
  followsOwner(target: Uint8Array): boolean
  /** Neither owner nor replica of `target` any more (RFC 6940 s.10.7.3). */
  beyondReplicas(target: Uint8Array): boolean
  /** False when a peer is known that is nearer to `target` than `signer` (RFC 6940 s.6.3.4, answers to a Resource-ID). */
  plausibleResponsible(signer: NodeId, target: Uint8Array): boolean
  isNeighbor(nodeId: NodeId): boolean
  /** That node takes part in the ring: an Update of it came over a working link. */
  isPeer(nodeId: NodeId): boolean

  timeout(now: Millis): void
  nextDeadline(): Millis
  drain(): TopologyAction[]
  snapshot(): TopologySnapshot
}
