/**
 * CHORD-RELOAD (RFC 6940 s.10) behind the Topology Plug-in interface: one peer's place in the ring. Pure: it is told of
 * links, Updates and answers, and says whom to attach to, whom to tell what, and who owns which id.
 */
import type { Random } from '../../../common/random.ts'
import { NEVER, type Millis } from '../../../common/time.ts'
import type { ChordUpdate, NodeId, ResourceId } from '../../codec/index.ts'
import type { AttachPurpose, LossCause, TopologyPlugin } from '../plugin.ts'
import { Admission } from './admission.ts'
import { Candidates } from './candidates.ts'
import { Contacts, type Contact } from './contacts.ts'
import { FingerSearch } from './finger-search.ts'
import { JoinProcedure } from './join.ts'
import { leaveDataFor } from './leave.ts'
import { NeighborAttaches } from './neighbor-attaches.ts'
import { RingPlace } from './ring-place.ts'
import { Stabilization, type StabilizationIntervals } from './stabilize.ts'
import { changeOf } from './table-change.ts'
import { namedNeighbors } from './update.ts'
import { UpdateSender } from './update-sender.ts'

export interface ChordInit {
  readonly self: NodeId
  readonly intervals: StabilizationIntervals
  /** chord-reactive: tell others of every change of the neighbor table at once. */
  readonly reactive: boolean
}

export class Chord extends RingPlace implements TopologyPlugin {
  private readonly init: ChordInit
  private readonly contacts = new Contacts()
  private readonly candidates: Candidates
  private readonly attaches: NeighborAttaches
  private readonly procedure: JoinProcedure
  private readonly admission: Admission
  private readonly stabilization: Stabilization
  private readonly updates: UpdateSender
  private readonly fingers: FingerSearch

  constructor(components: { readonly random: Random }, init: ChordInit) {
    super(init.self)
    this.init = init
    this.candidates = new Candidates(this.table)
    this.stabilization = new Stabilization(init.intervals, components.random)
    const { self, contacts, candidates, outbox, table } = this
    const opened = (to: NodeId): void => this.procedure.opened(to)
    this.attaches = new NeighborAttaches({ contacts, candidates, outbox, opened })
    this.procedure = new JoinProcedure({
      self,
      contacts,
      outbox,
      learn: (now, contact) => this.attaches.learn(now, contact),
      failed: () => this.reconnected(),
    })
    this.admission = new Admission({ self, table, contacts, outbox })
    this.updates = new UpdateSender({ table, contacts, outbox })
    this.fingers = new FingerSearch({ table, outbox, random: components.random })
  }

  found(now: Millis): void {
    this.updates.started(now)
    this.enterRing(now)
  }

  join(now: Millis, bootstrap: NodeId): void {
    if (this.current === 'left') return
    if (this.current === 'outside') this.updates.started(now)
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
    else if (this.announcing) this.updates.send(now, contact)
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
    // RFC 6940 s.10.7.1: every neighbor is gone. What is stored here is still served; the peer looks for the others.
    const alone = this.inRing && hadNeighbors && this.table.size === 0
    if (alone && cause === 'failure') this.enter('isolated')
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
    if (this.current !== 'outside') this.attaches.learn(now, contact)
    if (named !== undefined && this.announcing) this.updates.correct(now, contact, named)
    this.procedure.advance(now)
  }

  updateWanted(now: Millis, by: NodeId): void {
    const contact = this.contacts.find(by)
    // Before the admission nothing is said that would place this peer in the ring (RFC 6940 s.10.5). A peer that was cut
    // off still is the ring of those who find it: two such peers would otherwise wait for each other.
    if (contact === undefined || !this.inRing) return
    this.updates.sendFull(now, by)
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
    this.updates.sendNeighbors(now, to)
  }

  joinAnswered(now: Millis, from: NodeId, accepted: boolean): void {
    this.procedure.answered(now, from, accepted)
  }

  fingerFound(now: Millis, index: number, nodeId: NodeId): void {
    if (this.inRing && this.fingers.found(index, nodeId)) this.stabilization.fingerLost(now)
  }

  override mayReplicate(sender: NodeId, resource: ResourceId): boolean {
    // Trap 86: what the admitting peer hands over arrives before this peer is in the ring.
    return this.inRing ? super.mayReplicate(sender, resource) : this.procedure.isAdmitting(sender)
  }

  timeout(now: Millis): void {
    if (this.current === 'left') return
    for (let due = this.contacts.dueCheck(now); due !== undefined; due = this.contacts.dueCheck(now)) {
      const near = !due.ready || this.table.isNeighbor(due.nodeId)
      this.outbox.push({ kind: 'checkLink', to: due.nodeId, near })
      this.contacts.checkAgain(due, this.stabilization.nextCheck(now, near))
    }
    this.attaches.timeout(now)
    this.procedure.timeout(now)
    if (this.stabilization.updateDue(now)) this.stabilization.changed(now)
    if (this.stabilization.flushDue(now) && this.announcing) this.updates.sendAll(now)
    if (this.stabilization.fingerDue(now)) this.fingers.search()
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
    this.updates.sendAll(now)
    this.fingers.attachToOpen()
  }

  /** Neighbors that came back by themselves end the isolation; no way in has to be found, not even if one was begun. */
  private reconnected(): void {
    if (this.current === 'isolated' && this.table.size > 0 && this.procedure.idle) this.enter('joined')
  }

  /** Runs a change of the routing table and reports what it means for neighbors, range and replicas. */
  private changeTable(now: Millis, cause: 'join' | LossCause, nodeId: NodeId, change: () => boolean): void {
    const changed = changeOf(this.table, change)
    if (changed === undefined) return
    if (!changed.neighborsChanged) {
      if (cause !== 'failure') return
      this.fingers.lose(nodeId)
      this.stabilization.fingerLost(now)
      return
    }
    if (!this.inRing) return
    this.reconnected()
    const { rangeChanged, replicasChanged } = changed
    this.outbox.push({ kind: 'neighborsChanged', rangeChanged, replicasChanged, cause, nodeId })
    if (this.init.reactive || rangeChanged) this.stabilization.changed(now)
    // Others named nodes that were not near enough before.
    if (cause !== 'join') this.attaches.learnAll(now)
  }
}
