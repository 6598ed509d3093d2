/**
 * CHORD-RELOAD (RFC 6940 s.10) behind the Topology Plug-in interface: one peer's place in the ring. Pure: it is told of
 * links, Updates and answers, and says whom to attach to, whom to tell what, and who owns which id.
 */
import { Outbox } from '../../../common/outbox.ts'
import type { Random } from '../../../common/random.ts'
import { NEVER, type Millis } from '../../../common/time.ts'
import { key, type ChordUpdate, type NodeId, type ResourceId } from '../../codec/index.ts'
import type {
  AttachPurpose,
  Avoid,
  LossCause,
  RingState,
  TopologyAction,
  TopologyPlugin,
  TopologySnapshot,
} from '../plugin.ts'
import { Admission } from './admission.ts'
import { Candidates } from './candidates.ts'
import { REMINDER_SPACING_MS } from './constants.ts'
import { Contacts, type Contact } from './contacts.ts'
import { fingerList, fingerToSearch, openFingers } from './fingers.ts'
import { JoinProcedure } from './join.ts'
import { leaveDataFor } from './leave.ts'
import { neighborFingerprint, RoutingTable, wouldBeNeighbor } from './neighbors.ts'
import {
  isBeyondReplicas,
  isResponsible,
  knownResponsible,
  replicaSet,
  responsibleShare,
  sizeEstimate,
} from './responsible.ts'
import {
  compareClockwise,
  fingerIndexOf,
  fingerStart,
  randomFingerTarget,
  sameOrAbsent,
} from './ring-math.ts'
import { nextHop } from './routing.ts'
import { Stabilization, type StabilizationIntervals } from './stabilize.ts'
import { fullUpdate, misses, namedNeighbors, namedNodes, neighborsUpdate, peerReadyUpdate } from './update.ts'

export interface ChordInit {
  readonly self: NodeId
  readonly intervals: StabilizationIntervals
  /** chord-reactive: tell others of every change of the neighbor table at once. */
  readonly reactive: boolean
}

export class Chord implements TopologyPlugin {
  private readonly self: NodeId
  private readonly init: ChordInit
  private readonly random: Random
  private readonly table: RoutingTable
  private readonly contacts = new Contacts()
  private readonly candidates: Candidates
  private readonly procedure: JoinProcedure
  private readonly admission: Admission
  private readonly stabilization: Stabilization
  private readonly outbox = new Outbox<TopologyAction>()
  private current: RingState = 'outside'
  private inRing = false
  private startedAt: Millis = 0
  /** Fingers that failed since the last search. */
  private readonly lostFingers = new Set<number>()

  constructor(components: { readonly random: Random }, init: ChordInit) {
    this.self = init.self
    this.init = init
    this.random = components.random
    this.table = new RoutingTable(init.self)
    this.candidates = new Candidates(this.table)
    this.stabilization = new Stabilization(init.intervals, components.random)
    const { self, contacts, outbox, table } = this
    this.procedure = new JoinProcedure({
      self,
      contacts,
      outbox,
      learn: (now, contact) => this.learn(now, contact),
      failed: () => this.reconnected(),
    })
    this.admission = new Admission({ self, table, contacts, outbox })
  }

  get state(): RingState {
    return this.current
  }

  found(now: Millis): void {
    this.startedAt = now
    this.enterRing(now)
  }

  join(now: Millis, bootstrap: NodeId): void {
    if (this.current === 'left') return
    if (this.current === 'outside') this.startedAt = now
    if (!this.inRing) this.enter('joining')
    this.procedure.begin(bootstrap)
  }

  leave(): void {
    if (this.current === 'left') return
    // RFC 6940 s.6.4.2.2 and s.10.9 name different audiences; whoever is connected hears of it.
    for (const { nodeId } of this.contacts.all()) {
      this.outbox.push({ kind: 'sendLeave', to: nodeId, data: leaveDataFor(this.table, nodeId) })
    }
    this.inRing = false
    this.procedure.reset()
    this.candidates.clear()
    this.stabilization.stop()
    this.enter('left')
  }

  linkUp(now: Millis, nodeId: NodeId, attached: boolean, wantsUpdate: boolean): void {
    const contact = this.contacts.up(nodeId, this.stabilization.nextCheck(now, true))
    if (!attached) return
    contact.attached = true
    this.candidates.attached(nodeId)
    if (wantsUpdate) this.updateWanted(now, nodeId)
    else if (this.announcing) this.sendUpdate(now, contact)
  }

  linkDown(now: Millis, nodeId: NodeId, cause: LossCause): void {
    const contact = cause === 'failure' ? this.contacts.down(nodeId) : this.contacts.find(nodeId)
    if (contact === undefined) return
    const wasNeighbor = this.table.isNeighbor(nodeId)
    const hadNeighbors = this.table.size > 0
    contact.ready = false
    contact.named = undefined
    if (cause === 'leave') this.candidates.left(now, nodeId)
    else if (wasNeighbor && this.inRing) this.candidates.lostNeighbor(now, nodeId)
    this.admission.ended(nodeId)
    this.changeTable(now, cause, nodeId, () => this.table.remove(nodeId))
    if (this.inRing && hadNeighbors && this.table.size === 0) this.alone(cause)
    this.procedure.linkDown(now, nodeId)
  }

  attachDone(now: Millis, purpose: AttachPurpose, nodeId: NodeId | undefined): void {
    switch (purpose.kind) {
      case 'admitting':
        return this.procedure.attachedToAdmitting(now, nodeId)
      case 'neighbor':
        if (nodeId === undefined) {
          this.candidates.failed(now, purpose.nodeId)
          this.procedure.settled(purpose.nodeId)
        } else this.candidates.attached(nodeId)
        return this.procedure.advance(now)
      case 'finger':
    }
  }

  updateReceived(now: Millis, from: NodeId, update: ChordUpdate): void {
    const contact = this.contacts.find(from)
    // Routed through only with a link of its own; an Update that came by other ways changes nothing.
    if (contact === undefined || this.current === 'left') return
    const named = namedNeighbors(update)
    if (named !== undefined) contact.named = named
    if (!contact.ready) {
      contact.ready = true
      this.changeTable(now, 'join', from, () => this.table.add(from))
      this.procedure.settled(from)
    }
    if (named !== undefined && this.procedure.admittedBy(from, named.predecessors)) this.enterRing(now)
    if (contact.named !== undefined) this.learn(now, contact)
    if (named !== undefined && this.announcing && misses(from, named, this.self)) this.remind(now, contact)
    this.procedure.advance(now)
  }

  updateWanted(now: Millis, by: NodeId): void {
    const contact = this.contacts.find(by)
    // Before the admission nothing is said that would place this peer in the ring (RFC 6940 s.10.5). A peer that was cut
    // off still is the ring of those who find it: two such peers would otherwise wait for each other.
    if (contact === undefined || !this.inRing) return
    this.outbox.push({ kind: 'sendUpdate', to: by, update: fullUpdate(this.table, this.uptimeS(now)) })
  }

  joinRequested(from: NodeId): boolean {
    return this.inRing && this.admission.requested(from)
  }

  handOverDone(now: Millis, to: NodeId): void {
    if (!this.admission.handedOver(to) || !this.inRing) return
    const contact = this.contacts.find(to) as Contact
    contact.ready = true
    this.changeTable(now, 'join', to, () => this.table.add(to))
    // RFC 6940 s.10.5 step 7: this Update makes it a member; step 8, the others, follows with the table change.
    this.outbox.push({ kind: 'sendUpdate', to, update: neighborsUpdate(this.table, this.uptimeS(now)) })
  }

  joinAnswered(now: Millis, from: NodeId, accepted: boolean): void {
    this.procedure.answered(now, from, accepted)
  }

  fingerFound(now: Millis, index: number, nodeId: NodeId): void {
    if (!this.inRing || this.table.has(nodeId) || fingerIndexOf(this.self, nodeId) !== index) return
    this.outbox.push({ kind: 'attachNode', to: nodeId, via: undefined, purpose: { kind: 'finger', index } })
    this.stabilization.fingerLost(now)
  }

  nextHop(target: Uint8Array, avoid: Avoid = {}): NodeId | undefined {
    return nextHop(this.table, target, avoid)
  }

  responsible(target: Uint8Array): boolean {
    return this.inRing && isResponsible(this.table, target)
  }

  mayReplicate(sender: NodeId, resource: ResourceId): boolean {
    // Trap 86: what the admitting peer hands over arrives before this peer is in the ring.
    if (!this.inRing) return this.procedure.isAdmitting(sender)
    if (!this.table.has(sender)) return false
    if (isResponsible(this.table, resource)) return true
    return this.table.isNeighbor(sender) && !isBeyondReplicas(this.table, resource)
  }

  replicaSet(): readonly NodeId[] {
    return this.inRing ? replicaSet(this.table) : []
  }

  knownResponsible(target: Uint8Array): NodeId {
    return knownResponsible(this.table, target)
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

  timeout(now: Millis): void {
    if (this.current === 'left') return
    for (let due = this.contacts.dueCheck(now); due !== undefined; due = this.contacts.dueCheck(now)) {
      const near = !due.ready || this.table.isNeighbor(due.nodeId)
      this.outbox.push({ kind: 'checkLink', to: due.nodeId, near })
      this.contacts.checkAgain(due, this.stabilization.nextCheck(now, near))
    }
    for (const nodeId of this.candidates.dueLost(now)) this.attachToNamed(now, [nodeId], undefined)
    if (this.candidates.relearnDue(now)) for (const contact of this.contacts.all()) this.learn(now, contact)
    this.procedure.timeout(now)
    if (this.stabilization.updateDue(now)) this.stabilization.changed(now)
    if (this.stabilization.flushDue(now) && this.announcing) this.sendUpdates(now)
    if (this.stabilization.fingerDue(now)) this.searchFinger()
  }

  nextDeadline(): Millis {
    if (this.current === 'left') return NEVER
    return Math.min(
      this.stabilization.nextDeadline(),
      this.contacts.nextDeadline(),
      this.candidates.nextDeadline(),
      this.procedure.deadline,
    )
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

  /** In the ring and not on the way back into it: only then others may hear of our tables. */
  private get announcing(): boolean {
    return this.inRing && this.procedure.idle
  }

  private enterRing(now: Millis): void {
    this.procedure.reset()
    this.inRing = true
    this.stabilization.start(now)
    this.enter('joined')
    this.outbox.push({
      kind: 'neighborsChanged',
      rangeChanged: true,
      replicasChanged: true,
      cause: 'join',
      nodeId: this.self,
    })
    // RFC 6940 s.10.5 step 9, without waiting for the next flush.
    this.sendUpdates(now)
    for (const index of openFingers(this.table)) {
      const resource = fingerStart(this.self, index)
      this.outbox.push({
        kind: 'attachResource',
        resource,
        through: undefined,
        purpose: { kind: 'finger', index },
      })
    }
  }

  /** Neighbors that came back by themselves end the isolation; no way in has to be found, not even if one was begun. */
  private reconnected(): void {
    if (this.current === 'isolated' && this.table.size > 0 && this.procedure.idle) this.enter('joined')
  }

  /** RFC 6940 s.10.7.1: every neighbor is gone. What is stored here is still served; the peer looks for the others. */
  private alone(cause: LossCause): void {
    if (cause === 'failure') this.enter('isolated')
  }

  private learn(now: Millis, contact: Contact): void {
    if (contact.named === undefined || this.current === 'outside') return
    this.attachToNamed(now, namedNodes(contact.named), contact.nodeId)
  }

  private attachToNamed(now: Millis, named: readonly NodeId[], via: NodeId | undefined): void {
    const known = (id: NodeId): boolean => this.contacts.find(id)?.attached === true
    for (const to of this.candidates.admit(now, named, known)) {
      this.procedure.opened(to)
      this.outbox.push({ kind: 'attachNode', to, via, purpose: { kind: 'neighbor', nodeId: to } })
    }
  }

  /** Runs a change of the routing table and reports what it means for neighbors, range and replicas. */
  private changeTable(now: Millis, cause: 'join' | LossCause, nodeId: NodeId, change: () => boolean): void {
    const { table } = this
    const before = neighborFingerprint(table)
    const predecessor = table.predecessor
    const replicas = replicaSet(table).map(key).join()
    if (!change()) return
    if (neighborFingerprint(table) === before) {
      if (cause !== 'failure') return
      this.lostFingers.add(fingerIndexOf(this.self, nodeId))
      this.stabilization.fingerLost(now)
      return
    }
    if (!this.inRing) return
    this.reconnected()
    const rangeChanged = !sameOrAbsent(predecessor, table.predecessor)
    const replicasChanged = replicas !== replicaSet(table).map(key).join()
    this.outbox.push({ kind: 'neighborsChanged', rangeChanged, replicasChanged, cause, nodeId })
    if (this.init.reactive || rangeChanged) this.stabilization.changed(now)
    // Others named nodes that were not near enough before.
    if (cause !== 'join') for (const contact of this.contacts.all()) this.learn(now, contact)
  }

  private remind(now: Millis, contact: Contact): void {
    if (now - contact.remindedAt < REMINDER_SPACING_MS) return
    contact.remindedAt = now
    this.sendUpdate(now, contact)
  }

  /** RFC 6940 s.10.7.3: all of the connection table; the lists go to neighbors and to nodes that are not peers (yet). */
  private sendUpdates(now: Millis): void {
    for (const contact of this.contacts.all()) this.sendUpdate(now, contact)
  }

  private sendUpdate(now: Millis, contact: Contact): void {
    const near = !contact.ready || wouldBeNeighbor(this.self, contact.nodeId, this.table.clockwise)
    const update = near ? neighborsUpdate(this.table, this.uptimeS(now)) : peerReadyUpdate(this.uptimeS(now))
    this.outbox.push({ kind: 'sendUpdate', to: contact.nodeId, update })
  }

  private searchFinger(): void {
    // RFC 6940 s.10.7.2: what was lost is looked for, whatever the draw says.
    const lost = openFingers(this.table).filter((index) => this.lostFingers.has(index))
    this.lostFingers.clear()
    for (const index of lost) {
      const target = randomFingerTarget(this.self, index, this.random)
      this.outbox.push({ kind: 'searchFinger', index, target })
    }
    if (lost.length > 0) return
    const search = fingerToSearch(this.table, this.random)
    if (search !== undefined) this.outbox.push({ kind: 'searchFinger', ...search })
  }

  private enter(state: RingState): void {
    if (this.current === state) return
    this.current = state
    this.outbox.push({ kind: 'stateChanged', state })
  }

  private uptimeS(now: Millis): number {
    return Math.max(0, Math.floor((now - this.startedAt) / 1000))
  }
}
