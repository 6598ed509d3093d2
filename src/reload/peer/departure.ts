/**
 * Leaving (RFC 6940 s.10.9): the data goes to those who will own it, then the neighbors are told, then the links are
 * closed. Every step has a limit, so that a node that wants to go does go.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import { key, type NodeId } from '../codec/index.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { LEAVE_ANSWER_WAIT_MS, LEAVE_HAND_OVER_MS } from './constants.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Replication } from './replication.ts'

export class Departure {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly topology: TopologyPlugin
  private readonly replication: Replication
  private step: 'none' | 'handingOver' | 'telling' | 'gone' = 'none'
  private deadline: Millis = NEVER
  private readonly unanswered = new Set<string>()

  constructor(parts: PeerParts, links: Links, topology: TopologyPlugin, replication: Replication) {
    this.parts = parts
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
    this.deadline = this.parts.now.ms + LEAVE_HAND_OVER_MS
    this.replication.schedule(0)
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
      (late || (this.replication.idle && this.replication.deficit() === 0))
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
}
