/**
 * A client of a CHORD-RELOAD overlay (RFC 6940 s.4.2): it owns nothing and carries nothing, and is reached by its Node-ID
 * through the peer that is responsible for it, its home. It follows that peer's Updates, moves when another peer becomes
 * responsible, and keeps a link to a second peer so that the loss of its home does not cut it off.
 */
import { Outbox } from '../../../common/outbox.ts'
import { NEVER, type Millis } from '../../../common/time.ts'
import { asResourceId, sameId, type ChordUpdate, type NodeId } from '../../codec/index.ts'
import { NEIGHBOR_CHECK_MS } from '../chord/constants.ts'
import { Contacts } from '../chord/contacts.ts'
import { inRange } from '../chord/ring-math.ts'
import { namedNeighbors, type NamedNeighbors } from '../chord/update.ts'
import type { AttachPurpose, RingState, TopologyAction, TopologyPlugin, TopologySnapshot } from '../plugin.ts'

/** Judgement: from one failed search for a better home, or a spare, to the next. */
const RETRY_MS = 10_000

export class ChordClient implements TopologyPlugin {
  private readonly self: NodeId
  private readonly contacts = new Contacts()
  private readonly outbox = new Outbox<TopologyAction>()
  private current: RingState = 'outside'
  /** Responsible for this client's Node-ID, as far as known, with a link. */
  private home: NodeId | undefined
  private spare: NodeId | undefined
  /** A search for the home, or an Attach to a spare, is under way. */
  private searching = false
  private attaching = false
  private retryAt: Millis = NEVER

  constructor(init: { readonly self: NodeId }) {
    this.self = init.self
  }

  get state(): RingState {
    return this.current
  }

  found(): void {
    throw new RangeError('a client founds no overlay')
  }

  join(_: Millis, bootstrap: NodeId): void {
    if (this.current === 'left') return
    if (this.home === undefined) this.enter('joining')
    this.search(bootstrap)
  }

  leave(): void {
    // Nobody routes through a client, so nobody has to hear of its departure (RFC 6940 s.6.4.2.2 is for peers).
    this.retryAt = NEVER
    this.enter('left')
  }

  linkUp(now: Millis, nodeId: NodeId, attached: boolean): void {
    const contact = this.contacts.up(nodeId, now + NEIGHBOR_CHECK_MS)
    if (attached) contact.attached = true
  }

  linkDown(now: Millis, nodeId: NodeId): void {
    if (this.contacts.down(nodeId) === undefined) return
    if (this.spare !== undefined && sameId(this.spare, nodeId)) {
      this.spare = undefined
      this.retryAt = Math.min(this.retryAt, now)
    }
    if (this.home === undefined || !sameId(this.home, nodeId)) return
    this.home = undefined
    this.searching = false
    const way = this.anyContact()
    if (way === undefined) this.enter('isolated')
    else this.search(way)
  }

  attachDone(now: Millis, purpose: AttachPurpose, nodeId: NodeId | undefined): void {
    if (purpose.kind === 'neighbor') {
      this.attaching = false
      if (nodeId === undefined) this.retryAt = Math.min(this.retryAt, now + RETRY_MS)
      else this.spare = nodeId
      return
    }
    if (purpose.kind !== 'admitting') return
    this.searching = false
    if (nodeId !== undefined) return this.settle(now, nodeId)
    if (this.home === undefined && this.anyContact() === undefined) {
      this.outbox.push({ kind: 'joinFailed', reason: 'the peer responsible for this client was not reached' })
    } else this.retryAt = Math.min(this.retryAt, now + RETRY_MS)
  }

  updateReceived(now: Millis, from: NodeId, update: ChordUpdate): void {
    const contact = this.contacts.find(from)
    if (contact === undefined) return
    contact.ready = true
    const named = namedNeighbors(update)
    if (named !== undefined) contact.named = named
    if (this.home !== undefined && sameId(this.home, from)) this.follow(now)
  }

  updateWanted(): void {
    // RFC 6940 s.6.5.1: clients never send Updates.
  }

  joinRequested(): boolean {
    return false
  }

  joinAnswered(): void {
    // It never asks.
  }

  handOverDone(): void {
    // It never admits.
  }

  fingerFound(): void {
    // It has no fingers.
  }

  nextHop(): NodeId | undefined {
    return this.home ?? this.anyContact()
  }

  responsible(): boolean {
    return false
  }

  mayReplicate(): boolean {
    return false
  }

  replicaSet(): readonly NodeId[] {
    return []
  }

  knownResponsible(): NodeId {
    return this.home ?? this.self
  }

  followsOwner(): boolean {
    return false
  }

  beyondReplicas(): boolean {
    return true
  }

  plausibleResponsible(): boolean {
    // It knows too little of the ring to contradict anybody's answer.
    return true
  }

  isNeighbor(nodeId: NodeId): boolean {
    return [this.home, this.spare].some((id) => id !== undefined && sameId(id, nodeId))
  }

  isPeer(nodeId: NodeId): boolean {
    return this.contacts.find(nodeId) !== undefined
  }

  timeout(now: Millis): void {
    for (let due = this.contacts.dueCheck(now); due !== undefined; due = this.contacts.dueCheck(now)) {
      this.outbox.push({ kind: 'checkLink', to: due.nodeId, near: true })
      this.contacts.checkAgain(due, now + NEIGHBOR_CHECK_MS)
    }
    if (now < this.retryAt) return
    this.retryAt = NEVER
    if (this.home !== undefined) return this.follow(now)
    const way = this.anyContact()
    if (way !== undefined) this.search(way)
  }

  nextDeadline(): Millis {
    return this.current === 'left' ? NEVER : Math.min(this.contacts.nextDeadline(), this.retryAt)
  }

  drain(): TopologyAction[] {
    return this.outbox.drain()
  }

  /** Its peers stand where a peer's successors do: they are what it depends on. */
  snapshot(): TopologySnapshot {
    const peers = [this.home, this.spare].filter((id) => id !== undefined)
    return {
      state: this.current,
      predecessors: [],
      successors: peers,
      fingers: [],
      responsible: undefined,
      responsibleShare: 0,
      sizeEstimate: 0,
    }
  }

  /** Who is responsible for our Node-ID? Whoever it is will be attached to. */
  private search(through: NodeId): void {
    if (this.searching) return
    this.searching = true
    this.outbox.push({
      kind: 'attachResource',
      resource: asResourceId(this.self),
      through,
      purpose: { kind: 'admitting' },
    })
  }

  private settle(now: Millis, home: NodeId): void {
    const before = this.home
    this.home = home
    // The former home still has a link, and may stand in.
    if (before !== undefined && !sameId(before, home)) this.spare = before
    if (this.spare !== undefined && sameId(this.spare, home)) this.spare = undefined
    if (this.current !== 'joined') this.enter('joined')
    this.follow(now)
  }

  /** RFC 6940 s.4.2.1: the home's Updates say whether it still is responsible for us. */
  private follow(now: Millis): void {
    const { home } = this
    const named = home === undefined ? undefined : this.contacts.find(home)?.named
    if (home === undefined || named === undefined) return
    // A peer between us and our home is nearer.
    const moved = named.predecessors.some((id) => !sameId(id, home) && inRange(id, this.self, home))
    if (moved) this.search(home)
    if (this.spare === undefined && !this.attaching) this.findSpare(now, home, named)
  }

  private findSpare(now: Millis, home: NodeId, named: NamedNeighbors): void {
    const candidates = [...named.successors, ...named.predecessors].filter((id) => !sameId(id, home))
    const linked = candidates.find((id) => this.contacts.find(id) !== undefined)
    if (linked !== undefined) {
      this.spare = linked
      return
    }
    const [to] = candidates
    if (to === undefined) {
      this.retryAt = Math.min(this.retryAt, now + RETRY_MS)
      return
    }
    this.attaching = true
    this.outbox.push({ kind: 'attachNode', to, via: home, purpose: { kind: 'neighbor', nodeId: to } })
  }

  private anyContact(): NodeId | undefined {
    if (this.spare !== undefined) return this.spare
    for (const { nodeId } of this.contacts.all()) return nodeId
    return undefined
  }

  private enter(state: RingState): void {
    if (this.current === state) return
    this.current = state
    this.outbox.push({ kind: 'stateChanged', state })
  }
}
