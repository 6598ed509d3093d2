/**
 * Keeps copies where they belong (RFC 6940 s.10.4, s.10.7.3): what this peer owns on its two successors, what it no
 * longer owns at the new owner. Knows for every resource who has its current state; why the times are what they are
 * stands in docs/adr/0003-replication.md.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import {
  decodeFetchAns,
  encodeFetchReq,
  ERROR_CODE,
  key,
  MESSAGE_CODE,
  sameId,
  type NodeId,
  type ResourceId,
} from '../codec/index.ts'
import type { Storage } from '../storage/storage.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import {
  OWNER_SEARCH_SPACING_MS,
  REPLICA_ASSURANCE_MS,
  REPLICA_DROP_DELAY_MS,
  REPLICA_RETRY_MS,
  REPLICA_STORES_MAX,
} from './constants.ts'
import { CopiesAccount, heldBy, relyOn, type Copies } from './copies.ts'
import { CopiesDue } from './copies-due.ts'
import { HandOver } from './hand-over.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import { ReplicaTransfers, type Transfer } from './replica-transfers.ts'
import type { RequestOutcome } from './signal.ts'

/** Judgement: longest wait before a peer that refuses is asked again. */
const RETRY_MAX_MS = 8_000

export class Replication {
  private readonly parts: PeerParts
  private readonly requests: Requests
  private readonly storage: Storage
  private readonly topology: TopologyPlugin
  private readonly account = new CopiesAccount()
  private readonly transfers: ReplicaTransfers
  private readonly due = new CopiesDue()
  private handOver: HandOver | undefined
  private sweepAt: Millis = NEVER
  private searchAfter: Millis = 0

  constructor(parts: PeerParts, requests: Requests, storage: Storage, topology: TopologyPlugin) {
    this.parts = parts
    this.requests = requests
    this.storage = storage
    this.topology = topology
    this.transfers = new ReplicaTransfers(parts, requests, storage)
  }

  /** After the journal was read: what a former run left may be missing at its owner of today, who is asked to take it. */
  takeStock(): void {
    for (const resource of this.storage.resources()) this.account.of(resource).owned = true
  }

  /** A Store changed the resource here; returns the transfers that its answer should wait for. */
  storedAsOwner(resource: ResourceId): number[] {
    const copies = this.account.changed(resource)
    copies.owned = true
    // What was refused before says little of what is new: the next attempts follow one another closely again.
    copies.failures = 0
    return this.sync(copies)
  }

  /** The same Store once more; as above, with the copies that are on their way already. */
  storedAgain(resource: ResourceId): number[] {
    const copies = this.account.find(resource)
    if (copies === undefined) return []
    this.sync(copies)
    return this.transfers.bringing(copies)
  }

  /** `from` brought a copy; it has that state itself, unless there is `more` here than it brought. */
  storedAsReplica(
    resource: ResourceId,
    from: NodeId,
    { changed, more }: { readonly changed: boolean; readonly more: boolean },
  ): void {
    const copies = changed ? this.account.changed(resource) : this.account.of(resource)
    const { topology } = this
    // What this peer answered for until now, in another ring perhaps, has to get to its owner before that is relied on.
    if (more && copies.owned) return this.enqueue(copies)
    copies.holders.set(key(from), copies.version)
    if (topology.responsible(resource)) return this.enqueue(copies)
    // Brought by somebody who is not its owner either, and who is rid of it now: it has to go on to the owner.
    if (sameId(topology.knownResponsible(resource), from)) return
    copies.owned = true
    this.enqueue(copies)
  }

  /** Looks at all resources after `delay`, because the neighbors changed. */
  schedule(delay: Millis): void {
    this.sweepAt = Math.min(this.sweepAt, this.parts.now.ms + delay)
  }

  /** A node is gone: if it comes back it may have nothing. */
  forget(nodeId: NodeId): void {
    this.account.forget(nodeId)
    if (this.handOver !== undefined && sameId(this.handOver.to, nodeId)) this.handOver = undefined
  }

  /** The last value of the resource has come to the end of its lifetime, here and at whoever has a copy. */
  emptied(resource: ResourceId): void {
    const copies = this.account.remove(resource)
    if (copies !== undefined) this.due.forget(copies)
  }

  /** RFC 6940 s.10.5 step 6: everything in (after, to] goes to the node about to be admitted. */
  beginHandOver(to: NodeId, after: NodeId): void {
    this.handOver = new HandOver(this.account.all(), { to, after }, this.parts.now.ms)
    this.pump()
  }

  /** One request of a transfer was answered, or not. */
  outcome(id: number, outcome: RequestOutcome): void {
    const ended = this.transfers.answered(id, outcome)
    if (ended !== undefined) this.end(ended)
  }

  /**
   * RFC 6940 s.7.4.1.1: the other peer had newer data; take it over. It has refused the whole Store for that, so what only
   * this peer has goes to it once more, now with its own.
   */
  adopted(resource: ResourceId, from: NodeId, outcome: RequestOutcome): void {
    const answer = outcome.ok
      ? decodeFetchAns(outcome.message.contents.body, (kind) => this.parts.kinds.model(kind))
      : undefined
    const copies = this.account.of(resource)
    if (!outcome.ok || answer?.ok !== true) return this.retry(copies, 'timeout')
    const pool = this.parts.trust.poolOf(outcome.message.security.certificates)
    const adopted = this.storage.adopt(this.parts.now, resource, answer.value, pool)
    if (adopted.operations.length > 0) this.parts.persist(adopted.operations)
    // Nothing of it can be taken: it would refuse the same again.
    if (adopted.changed.length === 0) copies.holders.set(key(from), copies.version)
    else this.account.changed(resource)
    this.enqueue(copies)
  }

  /** Transfers that came to their end since the last call, whatever the end. */
  takeFinished(): Transfer[] {
    return this.transfers.takeFinished()
  }

  /** Whether another peer is known to have the resource as it is here. */
  heldElsewhere(resource: ResourceId): boolean {
    const copies = this.account.find(resource)
    return copies !== undefined && [...copies.holders.values()].some((version) => version >= copies.version)
  }

  /** Nothing on its way and nothing waiting. */
  get idle(): boolean {
    return this.transfers.size === 0 && this.due.size === 0 && this.sweepAt > this.parts.now.ms
  }

  /** Owned resources that a member of the replica set is not known to have. */
  deficit(): number {
    const { topology } = this
    return this.account.missing(topology.replicaSet(), (resource) => topology.responsible(resource))
  }

  nextDeadline(): Millis {
    return Math.min(this.sweepAt, this.due.nextDeadline(), this.handOver?.deadline ?? NEVER)
  }

  timeout(): void {
    const { ms } = this.parts.now
    if (ms >= this.sweepAt) this.sweep()
    this.due.timeout(ms)
    if (this.handOver !== undefined && ms >= this.handOver.deadline) this.endHandOver(this.handOver)
    this.pump()
  }

  private sweep(): void {
    this.sweepAt = NEVER
    const { ms } = this.parts.now
    for (const copies of this.account.all()) {
      if (!this.topology.beyondReplicas(copies.resource)) copies.beyondSince = NEVER
      else if (copies.beyondSince === NEVER) copies.beyondSince = ms
      const leavesAt = copies.beyondSince + REPLICA_DROP_DELAY_MS
      if (copies.beyondSince !== NEVER && leavesAt <= ms && this.dispensable(copies)) {
        // RFC 6940 s.10.7.3: three peers nearer to it, so its owner and both replicas are others.
        this.parts.persist(this.storage.drop(copies.resource))
        this.account.remove(copies.resource)
        this.due.forget(copies)
        continue
      }
      if (copies.beyondSince !== NEVER) this.schedule(Math.max(leavesAt - ms, REPLICA_RETRY_MS))
      this.due.add(copies)
    }
  }

  private pump(): void {
    const { handOver, transfers } = this
    handOver?.pump(transfers)
    if (handOver?.done === true) this.endHandOver(handOver)
    while (transfers.size < REPLICA_STORES_MAX) {
      const copies = this.due.take()
      if (copies === undefined) return
      this.sync(copies)
    }
  }

  /** Sends the resource to everybody who should have it and is not known to. */
  private sync(copies: Copies): number[] {
    const { topology } = this
    const started: number[] = []
    if (topology.responsible(copies.resource)) {
      copies.owned = true
      const replicas = topology.replicaSet()
      relyOn(copies, replicas)
      for (const [index, to] of replicas.entries()) {
        const id = this.transfers.beginUnlessHeld(copies, to, index + 1)
        if (id !== undefined) started.push(id)
      }
      return started
    }
    if (topology.state === 'outside' || topology.state === 'joining') return started
    // RFC 6940 s.6.4.2.3: no longer ours, and its new owner may not have it.
    const owner = topology.knownResponsible(copies.resource)
    relyOn(copies, [owner])
    if (sameId(owner, this.parts.self)) return started
    if (!copies.owned && !this.unassured(copies, owner)) return started
    const id = this.transfers.beginUnlessHeld(copies, owner, 1)
    if (id === undefined && copies.holders.get(key(owner)) === copies.version) copies.owned = false
    return started
  }

  /** Its owner is known to have it, and relies on others for its copies. */
  private dispensable(copies: Copies): boolean {
    return !copies.owned && heldBy(copies, this.topology.knownResponsible(copies.resource))
  }

  /**
   * Whether it is time to offer a copy to an owner who has shown no sign of having one. Such an owner came between a dead
   * one and its replicas: nobody has handed it over (docs/adr/0003-replication.md, 7).
   */
  private unassured(copies: Copies, owner: NodeId): boolean {
    const { ms } = this.parts.now
    if (heldBy(copies, owner)) {
      copies.unassuredSince = NEVER
      return false
    }
    const wait = this.topology.followsOwner(copies.resource) ? 0 : REPLICA_ASSURANCE_MS
    if (copies.unassuredSince === NEVER) {
      copies.unassuredSince = ms
      if (wait > 0) this.due.at(copies, ms + wait)
    }
    if (ms < copies.unassuredSince + wait) return false
    copies.unassuredSince = NEVER
    copies.owned = true
    return true
  }

  private end(transfer: Transfer): void {
    const { copies, to, version, error } = transfer
    this.handOver?.ended(transfer.id)
    // The resource is gone from here, or has come anew meanwhile.
    if (this.account.find(copies.resource) !== copies) return this.pump()
    const newer = error === ERROR_CODE.dataTooOld || error === ERROR_CODE.generationCounterTooLow
    if (newer) this.askForNewer(copies, to)
    else if (error === undefined) {
      copies.failures = 0
      copies.holders.set(key(to), Math.max(version, copies.holders.get(key(to)) ?? 0))
      this.parts.instruments.replicationLagSeconds.observe((this.parts.now.ms - transfer.startedAt) / 1000)
      if (copies.owned && !this.topology.responsible(copies.resource)) this.enqueue(copies)
    } else {
      if (error === ERROR_CODE.forbidden) this.refused(copies)
      this.retry(copies, error)
    }
    this.pump()
  }

  /**
   * The nearest peer we know is not the owner. After a partition the owner of what was stored here meanwhile may be any
   * peer of the other half, and takes copies only from peers it knows (s.7.4.1.1): so get to know it.
   */
  private refused(copies: Copies): void {
    const { ms } = this.parts.now
    if (ms < this.searchAfter || this.topology.responsible(copies.resource)) return
    this.searchAfter = ms + OWNER_SEARCH_SPACING_MS
    this.parts.signal({ kind: 'ownerUnknown', resource: copies.resource })
  }

  private retry(copies: Copies, error: number | 'timeout'): void {
    const delay = Math.min(RETRY_MAX_MS, REPLICA_RETRY_MS * 2 ** Math.min(copies.failures, 6))
    // The copies of one round fail together.
    if (copies.look === undefined) copies.failures++
    this.due.at(copies, this.parts.now.ms + delay)
    this.parts.trace({ level: 'debug', area: 'reload', event: 'replica_store_failed', error })
  }

  private askForNewer(copies: Copies, from: NodeId): void {
    const { resource, holders, version } = copies
    const req = this.storage.fetchReqFor(resource, this.parts.kinds.ids())
    // Gone meanwhile.
    if (req.specifiers.length === 0) return void holders.set(key(from), version)
    this.requests.send({
      code: MESSAGE_CODE.fetchReq,
      body: encodeFetchReq(req),
      destinations: [{ kind: 'node', nodeId: from }],
      purpose: { kind: 'adopt', resource, from },
    })
  }

  private endHandOver(handOver: HandOver): void {
    this.handOver = undefined
    this.parts.signal({ kind: 'handOverDone', to: handOver.to })
  }

  /** Looked at with the next timeout, so that one input never starts an avalanche. */
  private enqueue(copies: Copies): void {
    this.due.at(copies, this.parts.now.ms)
  }
}
