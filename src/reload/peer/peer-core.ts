/**
 * The overlay peer as one machine: `step(now, input)` tells it what happened, `drain()` gives what is to be done,
 * `nextDeadline()` says when to call it with `timeout`. Never does I/O, never waits, knows nothing of SIP. It wires the
 * parts of this folder and carries what one of them signals to those whom it concerns.
 */
import { NEVER, type Millis, type Now } from '../../common/time.ts'
import type { NodeId, ResourceId } from '../codec/index.ts'
import type { Storage } from '../storage/storage.ts'
import { assemble, type Assembly } from './assembly.ts'
import type { CommandError, PeerAction, PeerCommand, PeerInput, PeerState } from './contract.ts'
import { Couplings } from './couplings.ts'
import type { PeerInstruments } from './instruments.ts'
import { loadOf, type PeerLoad } from './load.ts'
import type { PeerComponents, PeerInit } from './parts.ts'
import type { ServedRequest } from './served-requests.ts'
import { peerSnapshot, type PeerSnapshot } from './snapshot.ts'

export class PeerCore {
  private readonly use: Assembly
  private readonly couplings: Couplings
  private state: PeerState = 'starting'
  private restored = false

  /** Throws RangeError when the configuration is not one that this peer can follow. */
  constructor(components: PeerComponents, init: PeerInit) {
    this.use = assemble(components, init)
    this.couplings = new Couplings(this.use, {
      enter: (state) => this.enter(state),
      leave: () => this.leave(),
    })
  }

  get instruments(): PeerInstruments {
    return this.use.parts.instruments
  }

  /** `op|kind|result` of the requests that the storage served. */
  get storageInstruments(): Storage['instruments'] {
    return this.use.storage.instruments
  }

  step(now: Now, input: PeerInput): void {
    this.use.parts.now = now
    if (this.use.departure.over) return this.late(input)
    this.take(input)
    this.settle()
  }

  drain(): PeerAction[] {
    return this.use.parts.outbox.drain()
  }

  nextDeadline(): Millis {
    if (this.use.departure.over) return NEVER
    return Math.min(
      this.use.links.nextDeadline(),
      this.use.requests.nextDeadline(),
      this.use.commands.nextDeadline(),
      this.use.receiver.nextDeadline(),
      this.use.attaches.nextDeadline(),
      this.use.appAttaches.nextDeadline(),
      this.use.topology.nextDeadline(),
      this.use.storageService.nextDeadline(),
      this.use.replication.nextDeadline(),
      this.use.bootstrap.nextDeadline(),
      this.use.founding.nextDeadline(),
      this.use.reunion.nextDeadline(),
      this.use.departure.nextDeadline(),
    )
  }

  /** Whether anything is held at that resource, as owner or as replica. */
  holds(resource: ResourceId): boolean {
    return this.use.storage.holds(resource)
  }

  /** Whether this peer answers for that resource. */
  owns(resource: ResourceId): boolean {
    return this.use.topology.responsible(resource)
  }

  /** The peers that should have a copy of what this one owns, nearest first; a small part of the snapshot. */
  get replicas(): readonly NodeId[] {
    return this.use.topology.replicaSet()
  }

  get load(): PeerLoad {
    return loadOf(this.use)
  }

  /** A request of another node that was answered here not long ago. */
  served(transactionId: bigint): ServedRequest | undefined {
    return this.use.services.served.find(transactionId)
  }

  snapshot(): PeerSnapshot {
    return peerSnapshot(this.state, this.use.parts.self, {
      topology: this.use.topology,
      links: this.use.links,
      storage: this.use.storage,
      replicaDeficit: this.use.replication.deficit(),
    })
  }

  private take(input: PeerInput): void {
    switch (input.kind) {
      case 'start':
        return this.start()
      case 'channelOpened':
        return this.use.links.opened(input)
      case 'channelFailed':
        return this.use.links.failed(input.channel, input.reason)
      case 'channelData':
        return this.use.links.data(input.channel, input.bytes)
      case 'channelClosed':
        return this.use.links.closed(input.channel)
      case 'persisted':
        return this.use.storageService.persisted(input.token)
      case 'notPersisted':
        return this.use.storageService.notPersisted(input.token)
      case 'journalWritable':
        return this.use.storageService.writable()
      case 'timeout':
        return this.timeout()
      case 'leave':
        return this.leave()
      case 'configuration':
        this.use.updates.offer(input.document, 'shell')
        return
      case 'entrances':
        this.use.parts.entrances = input.entrances
        if (this.state === 'joining') this.use.founding.entrancesChanged()
        return
      case 'storageLimits':
        return this.use.storage.limit(input.limits)
      case 'store':
      case 'fetch':
      case 'ping':
      case 'routeQuery':
      case 'probe':
      case 'appAttach':
        return this.command(input)
    }
  }

  private start(): void {
    if (this.restored) return
    this.restored = true
    const report = this.use.storage.restore(this.use.parts.now, this.use.parts.init.restored)
    if (report.operations.length > 0) this.use.parts.persist(report.operations)
    this.use.replication.takeStock()
    this.use.former.restore(this.use.parts.init.restored)
    this.use.updates.begin()
    this.enter('joining')
    this.use.founding.begin()
  }

  private leave(): void {
    if (this.use.departure.begun) return
    this.enter('leaving')
    this.use.founding.stop()
    this.use.bootstrap.stop()
    this.use.reunion.stop()
    this.use.appAttaches.stop()
    this.use.departure.begin()
  }

  private command(command: Exclude<PeerCommand, { kind: 'leave' }>): void {
    if (this.state !== 'joined' && this.state !== 'isolated') {
      return this.refuse(command, { kind: 'notJoined' })
    }
    switch (command.kind) {
      case 'store':
        return this.use.commands.store(command)
      case 'fetch':
        return this.use.commands.fetch(command)
      case 'ping':
        return this.use.inquiries.ping(command)
      case 'routeQuery':
        return this.use.inquiries.routeQuery(command)
      case 'probe':
        return this.use.inquiries.probe(command)
      case 'appAttach':
        return this.use.appAttaches.start(command)
    }
  }

  /** Ends a command that cannot be begun. */
  private refuse(command: Exclude<PeerCommand, { kind: 'leave' }>, error: CommandError): void {
    switch (command.kind) {
      case 'store':
        return this.use.commands.storeFailed(command.id, error)
      case 'fetch':
        return this.use.commands.fetchFailed(command.id, error)
      case 'ping':
        return this.use.inquiries.pingFailed(command.id, error)
      case 'routeQuery':
        return this.use.inquiries.routeQueryFailed(command.id, error)
      case 'probe':
        return this.use.inquiries.probeFailed(command.id, error)
      case 'appAttach':
        this.use.parts.outbox.push({ kind: 'appAttachFailed', id: command.id, error })
    }
  }

  private timeout(): void {
    this.use.links.timeout()
    this.use.requests.timeout()
    this.use.commands.timeout()
    this.use.receiver.timeout()
    this.use.answers.timeout()
    this.use.attaches.timeout()
    this.use.appAttaches.timeout()
    this.use.topology.timeout(this.use.parts.now.ms)
    this.use.storageService.timeout()
    this.use.replication.timeout()
    this.use.bootstrap.timeout()
    this.use.reunion.timeout()
  }

  /** Carries signals and topology actions on until nobody has anything left to say. */
  private settle(): void {
    for (;;) {
      const signals = this.use.parts.takeSignals()
      for (const signal of signals) this.couplings.carry(signal)
      const attached = this.use.attaches.takeEvents()
      for (const event of attached) {
        const nodeId = event.kind === 'attached' ? event.nodeId : undefined
        if (event.kind === 'attached' && event.linkWasUp) {
          this.use.topology.linkUp(this.use.parts.now.ms, event.nodeId, true, false)
        }
        this.use.topology.attachDone(this.use.parts.now.ms, event.purpose, nodeId)
      }
      const finished = this.use.replication.takeFinished()
      for (const transfer of finished) this.use.storageService.transferDone(transfer)
      this.use.founding.advance()
      const actions = this.use.topology.drain()
      for (const action of actions) this.couplings.perform(action)
      if (this.use.departure.begun) this.use.departure.advance()
      if (signals.length + attached.length + finished.length + actions.length === 0) return
    }
  }

  private enter(state: PeerState): void {
    if (this.state === state || (this.use.departure.begun && state !== 'leaving')) return
    this.state = state
    this.use.parts.trace({ level: 'info', area: 'reload', event: 'state_changed', state })
    this.use.parts.outbox.push({ kind: 'stateChanged', state })
  }

  /** After `left` nothing is opened any more; a command still gets its answer. */
  private late(input: PeerInput): void {
    this.state = 'left'
    switch (input.kind) {
      case 'channelOpened':
        this.use.parts.outbox.push({ kind: 'closeChannel', channel: input.channel })
        return
      case 'store':
      case 'fetch':
      case 'ping':
      case 'routeQuery':
      case 'probe':
      case 'appAttach':
        return this.refuse(input, { kind: 'notJoined' })
      case 'leave':
        // It went by itself, as one that is shut out does.
        this.use.parts.outbox.push({ kind: 'left' })
        return
      default:
        return
    }
  }
}
