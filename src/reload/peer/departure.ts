/**
 * Leaving (RFC 6940 s.10.9): the data goes to those who will own it, then the neighbors are told, then the links are
 * closed. Every step has a limit, so that a node that wants to go does go.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import { encodePingReq, key, MESSAGE_CODE, type NodeId } from '../codec/index.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { LEAVE_ANSWER_WAIT_MS, LEAVE_HAND_OVER_MS } from './constants.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Replication } from './replication.ts'
import type { Requests } from './requests.ts'

interface DepartureParts {
  readonly parts: PeerParts
  readonly links: Links
  readonly requests: Requests
}

export class Departure {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly requests: Requests
  private readonly topology: TopologyPlugin
  private readonly replication: Replication
  private step: 'none' | 'handingOver' | 'telling' | 'gone' = 'none'
  private deadline: Millis = NEVER
  private readonly unanswered = new Set<string>()
  private begunAt: Millis = 0
  /**
   * Who has what is held here as a copy: if they died a moment ago and nobody has noticed, this is the last copy, and has to
   * be handed over like what is owned here.
   */
  private relied: readonly NodeId[] = []

  constructor(
    { parts, links, requests }: DepartureParts,
    topology: TopologyPlugin,
    replication: Replication,
  ) {
    this.parts = parts
    this.requests = requests
    this.links = links
    this.topology = topology
    this.replication = replication
  }

  get begun(): boolean {
    return this.step !== 'none'
  }

  /** Nothing is taken in or sent any more. */
  get over(): boolean {
    return this.step === 'gone'
  }

  begin(): void {
    if (this.begun) return
    this.step = 'handingOver'
    this.begunAt = this.parts.now.ms
    this.deadline = this.begunAt + LEAVE_HAND_OVER_MS
    this.replication.schedule(0)
    const replicas = this.topology.replicaSet()
    // As many peers before this one keep their copies here.
    this.relied = [...this.topology.snapshot().predecessors.slice(0, replicas.length), ...replicas]
    for (const nodeId of this.relied) {
      this.requests.send({
        code: MESSAGE_CODE.pingReq,
        body: encodePingReq({ padding: new Uint8Array(0) }),
        destinations: [{ kind: 'node', nodeId }],
        purpose: { kind: 'notice' },
        firstHop: nodeId,
      })
    }
  }

  /** A Leave was sent, and answered or not. */
  told(to: NodeId): void {
    this.unanswered.add(key(to))
  }

  answered(to: NodeId): void {
    this.unanswered.delete(key(to))
  }

  nextDeadline(): Millis {
    return this.deadline
  }

  /** Goes on to the next step when this one is done; asked after every input. */
  advance(): void {
    const late = this.parts.now.ms >= this.deadline
    if (
      this.step === 'handingOver' &&
      (late || (this.reliedAreThere && this.replication.idle && this.replication.deficit() === 0))
    ) {
      this.step = 'telling'
      this.deadline = this.parts.now.ms + LEAVE_ANSWER_WAIT_MS
      this.topology.leave()
      return
    }
    if (this.step === 'telling' && (late || this.unanswered.size === 0)) {
      this.step = 'gone'
      this.deadline = NEVER
      this.links.closeAll()
      this.parts.outbox.push({ kind: 'stateChanged', state: 'left' })
      this.parts.outbox.push({ kind: 'left' })
    }
  }

  /** Each of them was heard of since this began, or is known to be gone. */
  private get reliedAreThere(): boolean {
    return this.relied.every((nodeId) => {
      const link = this.links.table.byNode(nodeId)?.connection.link
      return link === undefined || !this.links.connected(nodeId) || link.heardAtMs > this.begunAt
    })
  }
}
