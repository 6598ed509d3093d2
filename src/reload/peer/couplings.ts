/** Carries what one part of a peer signals, and what the ring wants done, to those whom it concerns. */
import { ERROR_CODE, sameId, type NodeId } from '../codec/index.ts'
import type { TopologyAction } from '../topology/plugin.ts'
import type { Assembly } from './assembly.ts'
import type { PeerState } from './contract.ts'
import type { Signal } from './signal.ts'

export class Couplings {
  private readonly use: Assembly
  private readonly enter: (state: PeerState) => void
  private readonly leave: () => void

  /** `enter` tells the state of the peer to whoever uses it; `leave` begins its departure. */
  constructor(use: Assembly, root: { enter(state: PeerState): void; leave(): void }) {
    this.use = use
    this.enter = (state) => root.enter(state)
    this.leave = () => root.leave()
  }

  carry(signal: Signal): void {
    const { ms } = this.use.parts.now
    switch (signal.kind) {
      case 'message': {
        const request = this.use.receiver.receive(signal.bytes, signal.previousHop)
        if (request !== undefined) this.use.services.serve(request)
        return
      }
      case 'ownMessage': {
        const request = this.use.receiver.receiveOwn(signal.own)
        if (request !== undefined) this.use.services.serve(request)
        return
      }
      case 'unattachedLink':
        return this.use.unattached.opened(signal.channel, signal.certificate)
      case 'unattachedMessage':
        return this.use.unattached.receive(signal.channel, signal.bytes)
      case 'requestDone':
        return this.requestDone(signal)
      case 'linkUp': {
        const { attached, wantsUpdate } = this.use.attaches.linkUp(signal.nodeId, signal.connection)
        const { channel } = signal.connection
        this.use.parts.outbox.push({ kind: 'linked', nodeId: signal.nodeId })
        if (attached) this.use.links.attached(signal.nodeId)
        const reunited = this.use.reunion.unites(channel)
        this.use.topology.linkUp(ms, signal.nodeId, attached || reunited, wantsUpdate || reunited)
        this.noteNeighbor(signal.nodeId)
        this.use.ring.checkBeside(signal.connection)
        this.use.reunion.linkUp(channel, signal.nodeId)
        return this.use.bootstrap.linkUp(channel, signal.nodeId)
      }
      case 'linkFault':
        return this.use.links.closeWith(
          signal.channel,
          this.use.receiver.tooLarge(signal.head, signal.nodeId),
        )
      case 'linkDescribed':
        this.noteNeighbor(signal.nodeId)
        if (signal.wantsUpdate) this.use.topology.linkUp(ms, signal.nodeId, true, true)
        return
      case 'linkRestored':
        return this.use.topology.linkUp(ms, signal.nodeId, true, true)
      case 'linkDown':
        this.noteNeighbor(signal.nodeId)
        this.use.links.listeners.forgetUnlinked(signal.nodeId)
        this.use.replication.forget(signal.nodeId)
        this.use.topology.linkDown(ms, signal.nodeId, signal.cause)
        this.use.departure.answered(signal.nodeId)
        return this.use.requests.reroute(signal.nodeId)
      case 'dialFailed':
        this.use.unattached.closed(signal.channel)
        this.use.attaches.dialFailed(signal.channel)
        this.use.appAttaches.channelGone(signal.channel)
        this.use.reunion.dialFailed(signal.channel)
        return this.use.bootstrap.dialFailed(signal.channel, signal.reason)
      case 'applicationChannel':
        return this.use.appAttaches.channelUp(
          signal.channel,
          signal.nodeId,
          signal.certificate,
          signal.handshakeMs,
        )
      case 'applicationChannelClosed':
        return this.use.appAttaches.channelGone(signal.channel)
      case 'handOverDone':
        return this.use.topology.handOverDone(ms, signal.to)
      case 'ownerUnknown':
        return this.use.ring.attachToOwner(signal.resource, undefined)
      case 'bootstrapVisited':
        return this.use.ring.compareRings(signal.nodeId)
      case 'otherDocument':
        // RFC 6940 s.6.5.4: whoever says that our document is too new for him gets it.
        if (signal.older) this.use.updates.push(signal.nodeId)
        return
      case 'reconfigured':
        if (!signal.followed) this.leave()
        return
    }
  }

  /** Where it was reached, or listens, may only be known since its link is there. */
  private noteNeighbor(nodeId: NodeId): void {
    if (this.use.topology.isNeighbor(nodeId)) this.use.former.note([nodeId])
  }

  private requestDone({ purpose, outcome }: Extract<Signal, { kind: 'requestDone' }>): void {
    switch (purpose.kind) {
      case 'attach':
        this.use.attaches.outcome(purpose.attempt, outcome)
        return this.use.unattached.attachAnswered()
      case 'appAttach':
        return this.use.appAttaches.outcome(purpose.node, outcome)
      case 'join':
        return this.use.ring.joined(purpose.to, outcome)
      case 'leave':
        return this.use.departure.answered(purpose.to)
      case 'fingerSearch':
        return this.use.ring.fingerSearched(purpose.index, outcome)
      case 'ringCheck':
        return this.use.ring.ringCompared(purpose.nodeId, outcome)
      case 'notice':
        return
      case 'replica':
        return this.use.replication.outcome(purpose.transfer, outcome)
      case 'adopt':
        return this.use.replication.adopted(purpose.resource, purpose.from, outcome)
      case 'store':
        if (!outcome.ok && outcome.error.kind === 'reload' && outcome.error.code === ERROR_CODE.unknownKind) {
          if (outcome.signer !== undefined) this.use.updates.teach(outcome.signer.nodeId, purpose.kinds)
        }
        return this.use.commands.stored(purpose.attempt, outcome)
      case 'catchUp':
        return this.use.commands.caughtUp(purpose.attempt, purpose.error, outcome)
      case 'fetch':
        return this.use.commands.fetched(purpose.attempt, outcome)
      case 'ping':
        return this.use.inquiries.pinged(purpose.id, outcome)
      case 'routeQuery':
        return this.use.inquiries.routeQueried(purpose.id, outcome)
      case 'probe':
        return this.use.inquiries.probed(purpose.id, outcome)
    }
  }

  perform(action: TopologyAction): void {
    switch (action.kind) {
      case 'stateChanged':
        if (action.state === 'joined') {
          this.use.bootstrap.stop()
          // RFC 6940 s.6.1.2: whoever could be one of several nodes has to attach before it sends anything else.
          if (this.use.parts.credential.certificate.nodeIds.length > 1) this.use.bootstrap.closeLinks()
          this.use.former.note(this.use.topology.snapshot().successors)
          if (this.use.parts.init.role !== 'client') this.use.reunion.start()
        }
        if (action.state === 'isolated') this.use.bootstrap.start()
        if (action.state === 'joined' || action.state === 'isolated' || action.state === 'joining') {
          this.enter(action.state)
        }
        return
      case 'joinFailed':
        return this.use.bootstrap.joinFailed(action.reason)
      case 'sendLeave':
        this.use.departure.told(action.to)
        return this.use.ring.perform(action)
      case 'neighborsChanged':
        this.searchOnChange(action)
        return this.use.ring.perform(action)
      default:
        return this.use.ring.perform(action)
    }
  }

  private searchOnChange({ cause, nodeId }: Extract<TopologyAction, { kind: 'neighborsChanged' }>): void {
    const { predecessors, successors } = this.use.topology.snapshot()
    this.use.former.note([...successors, ...predecessors])
    if (successors.length === 0 || cause !== 'join') return
    // Our own way in came to its end, though nobody may have noticed that we were outside.
    if (sameId(nodeId, this.use.parts.self)) this.use.bootstrap.stop()
    else this.use.bootstrap.found()
  }
}
