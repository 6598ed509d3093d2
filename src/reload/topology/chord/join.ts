/**
 * The way into the ring (RFC 6940 s.10.5), seen from the joining node. Only the order of the steps lives here; the ring
 * itself is chord.ts, which asks `phase` what an event means.
 */
import { NEVER, type Millis } from '../../../common/time.ts'
import { key, type NodeId } from '../../codec/index.ts'
import { JOIN_ADMISSION_WAIT_MS, JOIN_NEIGHBORS_WAIT_MS, JOIN_UPDATE_WAIT_MS } from './constants.ts'

export type JoinPhase =
  /** Not joining. */
  | 'idle'
  /** Step 2: Attach to resource n+1 is under way. */
  | 'attaching'
  /** The admitting peer is known; its Update with the neighbors is awaited. */
  | 'learning'
  /** Step 3: Attaches to the neighbors are under way. */
  | 'connecting'
  /** Step 5: JoinReq is on its way. */
  | 'asking'
  /** Steps 6 and 7: JoinAns came; the Update that names us is awaited. */
  | 'awaiting'

export class JoinProcedure {
  phase: JoinPhase = 'idle'
  admitting: NodeId | undefined
  bootstrap: NodeId | undefined
  deadline: Millis = NEVER
  /** Neighbors whose Attach is neither done nor failed. */
  private readonly open = new Set<string>()

  begin(bootstrap: NodeId): void {
    this.reset()
    this.phase = 'attaching'
    this.bootstrap = bootstrap
    // No deadline: the Attach request has its own, 15 s (RFC 6940 s.6.2.1).
  }

  reset(): void {
    this.phase = 'idle'
    this.admitting = undefined
    this.bootstrap = undefined
    this.deadline = NEVER
    this.open.clear()
  }

  attachedToAdmitting(now: Millis, nodeId: NodeId): void {
    this.phase = 'learning'
    this.admitting = nodeId
    this.deadline = now + JOIN_UPDATE_WAIT_MS
  }

  /** The neighbors of the admitting peer are known: wait until their Attaches are settled. */
  connecting(now: Millis): void {
    this.phase = 'connecting'
    this.deadline = now + JOIN_NEIGHBORS_WAIT_MS
  }

  /** An Attach to a neighbor was begun. */
  opened(id: NodeId): void {
    if (this.phase !== 'idle') this.open.add(key(id))
  }

  /** That neighbor has sent its Update, or cannot be reached. */
  settled(id: NodeId): void {
    this.open.delete(key(id))
  }

  /** RFC 6940 s.10.5: no Join before the Attaches to the neighbors are done. */
  get connected(): boolean {
    return this.phase === 'connecting' && this.open.size === 0
  }

  asked(now: Millis): void {
    this.phase = 'asking'
    // JoinReq runs over the direct link; its own request timer ends it.
    this.deadline = now + JOIN_ADMISSION_WAIT_MS
  }

  answered(now: Millis): void {
    if (this.phase !== 'asking') return
    this.phase = 'awaiting'
    this.deadline = now + JOIN_ADMISSION_WAIT_MS
  }
}
