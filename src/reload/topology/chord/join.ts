/** The way into the ring (RFC 6940 s.10.5), seen from the joining node: the order of the steps and what ends each. */
import type { Outbox } from '../../../common/outbox.ts'
import { NEVER, type Millis } from '../../../common/time.ts'
import { key, sameId, type NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import { JOIN_ADMISSION_WAIT_MS, JOIN_NEIGHBORS_WAIT_MS, JOIN_UPDATE_WAIT_MS } from './constants.ts'
import type { Contact, Contacts } from './contacts.ts'
import { nextId } from './ring-math.ts'

type JoinPhase =
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

interface JoinParts {
  readonly self: NodeId
  readonly contacts: Contacts
  readonly outbox: Outbox<TopologyAction>
  /** Opens links to the nodes that this contact named; each is reported by `opened`. */
  readonly learn: (now: Millis, contact: Contact) => void
  /** The way in came to nothing. */
  readonly failed: () => void
}

export class JoinProcedure {
  private readonly parts: JoinParts
  private phase: JoinPhase = 'idle'
  private admitting: NodeId | undefined
  private bootstrap: NodeId | undefined
  private until: Millis = NEVER
  /** Neighbors whose Attach is neither done nor failed. */
  private readonly open = new Set<string>()

  constructor(parts: JoinParts) {
    this.parts = parts
  }

  get idle(): boolean {
    return this.phase === 'idle'
  }

  get deadline(): Millis {
    return this.until
  }

  begin(bootstrap: NodeId): void {
    this.reset()
    this.phase = 'attaching'
    this.bootstrap = bootstrap
    // No deadline: the Attach request has its own, 15 s (RFC 6940 s.6.2.1).
    // Step 2: whoever owns n+1 owns n too, until n is in the ring.
    this.parts.outbox.push({
      kind: 'attachResource',
      resource: nextId(this.parts.self),
      through: bootstrap,
      purpose: { kind: 'admitting' },
    })
  }

  reset(): void {
    this.phase = 'idle'
    this.admitting = undefined
    this.bootstrap = undefined
    this.until = NEVER
    this.open.clear()
  }

  /** Whether that node is the one which admits us. */
  isAdmitting(nodeId: NodeId): boolean {
    return this.admitting !== undefined && sameId(this.admitting, nodeId)
  }

  /** The Attach to whoever owns n+1 ended; undefined: nobody was reached. */
  attachedToAdmitting(now: Millis, nodeId: NodeId | undefined): void {
    if (this.phase !== 'attaching') return
    if (nodeId === undefined) return this.fail('no admitting peer reached')
    // DEVIATION RFC 6940 s.10.5: without the table of the admitting peer nobody's place is guessed by Pings (step 4); the join starts over.
    this.phase = 'learning'
    this.admitting = nodeId
    this.until = now + JOIN_UPDATE_WAIT_MS
    this.advance(now)
  }

  /** An Attach to a neighbor was begun. */
  opened(id: NodeId): void {
    if (this.phase !== 'idle') this.open.add(key(id))
  }

  /** That neighbor has sent its Update, or cannot be reached. */
  settled(id: NodeId): void {
    this.open.delete(key(id))
  }

  /** JoinAns, or the error in its place. */
  answered(now: Millis, from: NodeId, accepted: boolean): void {
    if (this.phase !== 'asking' || !this.isAdmitting(from)) return
    if (!accepted) return this.fail('refused by the admitting peer')
    this.phase = 'awaiting'
    this.until = now + JOIN_ADMISSION_WAIT_MS
  }

  /** Step 7: an Update of the admitting peer that has us among its predecessors makes us a member. */
  admittedBy(from: NodeId, predecessors: readonly NodeId[]): boolean {
    if ((this.phase !== 'asking' && this.phase !== 'awaiting') || !this.isAdmitting(from)) return false
    return predecessors.some((id) => sameId(id, this.parts.self))
  }

  /** Goes to the next step, when what it waits for is there. */
  advance(now: Millis): void {
    if (this.phase === 'learning') {
      const contact = this.parts.contacts.find(this.admitting as NodeId)
      if (contact?.named === undefined) return
      this.phase = 'connecting'
      this.until = now + JOIN_NEIGHBORS_WAIT_MS
      this.parts.learn(now, contact)
    }
    // No Join before the Attaches to the neighbors are done.
    if (this.phase === 'connecting' && this.open.size === 0) this.ask(now)
  }

  /** The link to that node is gone. */
  linkDown(now: Millis, nodeId: NodeId): void {
    if (this.isAdmitting(nodeId)) return this.fail('link to the admitting peer lost')
    if (this.phase === 'attaching' && sameId(this.bootstrap as NodeId, nodeId)) {
      return this.fail('link to the bootstrap node lost')
    }
    this.settled(nodeId)
    this.advance(now)
  }

  timeout(now: Millis): void {
    if (now < this.until) return
    // Whoever did not answer in this time is not there: go on without.
    if (this.phase === 'connecting') return this.ask(now)
    this.fail(`no progress while ${this.phase}`)
  }

  private ask(now: Millis): void {
    this.phase = 'asking'
    // JoinReq runs over the direct link; its own request timer ends it.
    this.until = now + JOIN_ADMISSION_WAIT_MS
    this.parts.outbox.push({ kind: 'sendJoin', to: this.admitting as NodeId })
  }

  private fail(reason: string): void {
    this.reset()
    this.parts.outbox.push({ kind: 'joinFailed', reason })
    this.parts.failed()
  }
}
