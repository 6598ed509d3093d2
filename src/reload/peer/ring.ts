/** Carries out what the Topology Plug-in wants: turns its actions into messages, and hands results back to it. */
import {
  asResourceId,
  encodeChordLeaveData,
  encodeChordUpdate,
  encodeJoinReq,
  encodeLeaveReq,
  encodePingReq,
  decodeJoinAns,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type NodeId,
  type ResourceId,
} from '../codec/index.ts'
import { fingerStart, RING_BITS } from '../topology/chord/ring-math.ts'
import type { Connection } from '../link/connection.ts'
import type { TopologyAction, TopologyPlugin } from '../topology/plugin.ts'
import type { Attaches } from './attach.ts'
import {
  LINK_FRESH_MS,
  OTHER_LINK_FRESH_MS,
  REPLICATION_HOLD_DOWN_MS,
  REPLICATION_SETTLE_MS,
} from './constants.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Replication } from './replication.ts'
import type { Requests } from './requests.ts'
import type { RequestOutcome } from './signal.ts'

type NetworkTopologyAction = Exclude<TopologyAction, { kind: 'stateChanged' | 'joinFailed' }>

export class Ring {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly requests: Requests
  private readonly attaches: Attaches
  private readonly topology: TopologyPlugin
  private readonly replication: Replication

  constructor(components: {
    readonly parts: PeerParts
    readonly links: Links
    readonly requests: Requests
    readonly attaches: Attaches
    readonly topology: TopologyPlugin
    readonly replication: Replication
  }) {
    this.parts = components.parts
    this.links = components.links
    this.requests = components.requests
    this.attaches = components.attaches
    this.topology = components.topology
    this.replication = components.replication
  }

  perform(action: NetworkTopologyAction): void {
    switch (action.kind) {
      case 'attachNode': {
        // RFC 6940 s.10.6: through the peer that named it, which is connected to it.
        const destinations: Destination[] = [node(action.to)]
        if (action.via !== undefined) destinations.unshift(node(action.via))
        return this.attaches.start(destinations, action.purpose, { target: action.to })
      }
      case 'attachResource':
        return this.attaches.start([{ kind: 'resource', resourceId: action.resource }], action.purpose, {
          ...(action.through === undefined ? {} : { firstHop: action.through }),
        })
      case 'sendUpdate':
        return this.direct(action.to, MESSAGE_CODE.updateReq, encodeChordUpdate(action.update))
      case 'sendJoin':
        this.requests.send({
          code: MESSAGE_CODE.joinReq,
          body: encodeJoinReq({ joiningPeerId: this.parts.self, overlaySpecificData: NOTHING }),
          destinations: [node(action.to)],
          purpose: { kind: 'join', to: action.to },
          firstHop: action.to,
        })
        return
      case 'sendLeave':
        this.requests.send({
          code: MESSAGE_CODE.leaveReq,
          body: encodeLeaveReq({
            leavingPeerId: this.parts.self,
            overlaySpecificData: encodeChordLeaveData(action.data),
          }),
          destinations: [node(action.to)],
          purpose: { kind: 'leave', to: action.to },
          firstHop: action.to,
        })
        return
      case 'searchFinger':
        // A Node-ID that nobody has would be dropped on the way (Trap 28): searches go to resources.
        this.requests.send({
          code: MESSAGE_CODE.pingReq,
          body: encodePingReq({ padding: NOTHING }),
          destinations: [{ kind: 'resource', resourceId: action.target }],
          purpose: { kind: 'fingerSearch', index: action.index },
        })
        return
      case 'checkLink':
        return this.checkLink(action.to, action.near)
      case 'handOver':
        return this.replication.beginHandOver(action.to, action.after)
      case 'neighborsChanged':
        return this.neighborsChanged(action)
    }
  }

  /** Whoever is responsible there becomes a peer that both sides know, and takes copies from this one. */
  attachToOwner(resource: ResourceId, through: NodeId | undefined): void {
    const options = through === undefined ? {} : { firstHop: through }
    this.attaches.start([{ kind: 'resource', resourceId: resource }], { kind: 'finger', index: 0 }, options)
  }

  /**
   * In our ring the peer responsible for the Node-ID of a peer is that peer.
   *
   * DEVIATION RFC 6940 s.10.7.4.4: our ring is asked for the bootstrap node, not the bootstrap node for us: nobody but us may answer for
   * our own id (s.6.3.4), so an answer to that could not be believed.
   */
  compareRings(nodeId: NodeId): void {
    this.requests.send({
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: NOTHING }),
      destinations: [{ kind: 'resource', resourceId: asResourceId(nodeId) }],
      purpose: { kind: 'ringCheck', nodeId },
    })
  }

  /** It is another one's: who comes after us in the ring of that node may be nearer than the successor that we have. */
  ringCompared(nodeId: NodeId, outcome: RequestOutcome): void {
    if (!outcome.ok || sameId(outcome.signer.nodeId, nodeId)) return
    this.attachToOwner(fingerStart(this.parts.self, RING_BITS), nodeId)
  }

  joined(to: NodeId, outcome: RequestOutcome): void {
    const accepted = outcome.ok && decodeJoinAns(outcome.message.contents.body).ok
    this.topology.joinAnswered(this.parts.now.ms, to, accepted)
  }

  fingerSearched(index: number, outcome: RequestOutcome): void {
    if (outcome.ok) this.topology.fingerFound(this.parts.now.ms, index, outcome.signer.nodeId)
  }

  /**
   * Another link to that node is up. Whether its older ones still lead anywhere is asked at once: when the node has restarted,
   * its system refuses what is sent to its former life, or the missing ack makes them suspect.
   */
  checkBeside(connection: Connection): void {
    const { nodeId } = connection
    if (nodeId === undefined) return
    for (const { channel } of this.links.table.silentBeside(this.parts.now.ms, connection)) {
      this.requests.send({
        code: MESSAGE_CODE.pingReq,
        body: encodePingReq({ padding: NOTHING }),
        destinations: [node(nodeId)],
        purpose: { kind: 'notice' },
        firstHop: nodeId,
        channel,
      })
    }
  }

  private direct(to: NodeId, code: number, body: Uint8Array): void {
    if (!this.links.connected(to)) return
    this.requests.send({ code, body, destinations: [node(to)], purpose: { kind: 'notice' }, firstHop: to })
  }

  /** The link's own ack of the Ping is the proof; without one the link is suspect after its timeout. */
  private checkLink(to: NodeId, near: boolean): void {
    const link = this.links.table.byNode(to)?.connection.link
    const fresh = near ? LINK_FRESH_MS : OTHER_LINK_FRESH_MS
    if (link !== undefined && this.parts.now.ms - link.heardAtMs < fresh) return
    this.direct(to, MESSAGE_CODE.pingReq, encodePingReq({ padding: NOTHING }))
  }

  private neighborsChanged(action: Extract<TopologyAction, { kind: 'neighborsChanged' }>): void {
    this.parts.instruments.neighborChanges.add(action.cause === 'failure' ? 'timeout' : action.cause)
    const failed = action.cause === 'failure'
    this.replication.schedule(failed ? REPLICATION_HOLD_DOWN_MS : REPLICATION_SETTLE_MS)
  }
}

const NOTHING = new Uint8Array(0)

function node(nodeId: NodeId): Destination {
  return { kind: 'node', nodeId }
}
