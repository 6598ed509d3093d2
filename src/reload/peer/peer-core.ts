/**
 * The overlay peer as one machine: `step(now, input)` tells it what happened, `drain()` gives what is to be done,
 * `nextDeadline()` says when to call it with `timeout`. Never does I/O, never waits, knows nothing of SIP. It wires the
 * parts of this folder and carries what one of them signals to those whom it concerns.
 */
import { NEVER, type Millis, type Now } from '../../common/time.ts'
import { KIND, sameId, type NodeId, type ResourceId } from '../codec/index.ts'
import type { ForwardingContext } from '../forwarding/forward.ts'
import { Storage } from '../storage/storage.ts'
import { Chord } from '../topology/chord/chord.ts'
import type { TopologyAction, TopologyPlugin } from '../topology/plugin.ts'
import type { Closeness } from '../transactions/acceptance.ts'
import { sipRegistrationRule } from '../usages/sip/admissibility.ts'
import { Answers } from './answers.ts'
import { AppAttaches } from './app-attach.ts'
import { Attaches } from './attach.ts'
import { Bootstrap } from './bootstrap.ts'
import { Commands } from './commands.ts'
import type { PeerAction, PeerCommand, PeerInput, PeerState } from './contract.ts'
import { Departure } from './departure.ts'
import type { PeerInstruments } from './instruments.ts'
import { FormerNeighbors } from './former-neighbors.ts'
import { Founding } from './founding.ts'
import { Links } from './links.ts'
import { PeerParts, type PeerComponents, type PeerInit, type Signal } from './parts.ts'
import { Receiver } from './receiver.ts'
import { Replication } from './replication.ts'
import { Requests } from './requests.ts'
import { Reunion } from './reunion.ts'
import { Ring } from './ring.ts'
import { Services } from './services.ts'
import { peerSnapshot, type PeerSnapshot } from './snapshot.ts'
import { StorageService } from './storage-service.ts'

export class PeerCore {
  private readonly parts: PeerParts
  private readonly topology: TopologyPlugin
  private readonly links: Links
  private readonly requests: Requests
  private readonly answers: Answers
  private readonly receiver: Receiver
  private readonly attaches: Attaches
  private readonly appAttaches: AppAttaches
  private readonly storage: Storage
  private readonly replication: Replication
  private readonly storageService: StorageService
  private readonly services: Services
  private readonly commands: Commands
  private readonly former: FormerNeighbors
  private readonly bootstrap: Bootstrap
  private readonly founding: Founding
  private readonly reunion: Reunion
  private readonly ring: Ring
  private readonly departure: Departure
  private state: PeerState = 'starting'
  private restored = false

  constructor(components: PeerComponents, init: PeerInit) {
    const parts = new PeerParts(components, init)
    const { configuration } = init
    this.parts = parts
    const topology = new Chord(
      { random: components.random.fork('chord') },
      {
        self: parts.self,
        intervals: {
          updateMs: configuration.chordUpdateIntervalS * 1000,
          pingMs: configuration.chordPingIntervalS * 1000,
        },
        reactive: configuration.chordReactive,
      },
    )
    this.topology = topology
    const links = new Links(parts)
    this.links = links
    const routing = this.routing()
    const closeness: Closeness = {
      asCloseAsNeighbors: (nodeId, resource) => topology.plausibleResponsible(nodeId, resource),
    }
    this.requests = new Requests(parts, links, routing.own, closeness)
    this.answers = new Answers(parts, links, routing.own)
    const { requests, answers } = this
    this.receiver = new Receiver({ parts, links, requests, answers }, routing)
    this.attaches = new Attaches(parts, links, requests, answers)
    this.appAttaches = new AppAttaches(parts, links, requests, answers)
    this.storage = new Storage({
      crypto: parts.crypto,
      trust: parts.trust,
      kinds: parts.kinds,
      responsibility: {
        responsibleFor: (resource: ResourceId) => topology.responsible(resource),
        mayReplicate: (sender: NodeId, resource: ResourceId) => topology.mayReplicate(sender, resource),
        replicaSet: () => topology.replicaSet(),
      },
      rules: new Map([
        [
          KIND.sipRegistration,
          sipRegistrationRule(configuration.instanceName, configuration.domainRestriction),
        ],
      ]),
    })
    this.replication = new Replication(parts, requests, this.storage, topology)
    this.storageService = new StorageService(parts, this.storage, this.replication, answers)
    const { attaches, appAttaches, storage, storageService, replication } = this
    this.services = new Services({
      parts,
      requests,
      answers,
      topology,
      attaches,
      appAttaches,
      storage,
      storageService,
    })
    this.commands = new Commands(parts, requests, storage)
    this.former = new FormerNeighbors(parts, links)
    this.bootstrap = new Bootstrap(parts, links, topology, this.former)
    this.founding = new Founding(parts, topology, this.bootstrap, this.former)
    this.reunion = new Reunion(parts, links, topology, this.former)
    this.ring = new Ring({ parts, links, requests, attaches, topology, replication })
    this.departure = new Departure(parts, links, topology, replication)
  }

  get instruments(): PeerInstruments {
    return this.parts.instruments
  }

  /** `op|kind|result` of the requests that the storage served. */
  get storageInstruments(): Storage['instruments'] {
    return this.storage.instruments
  }

  step(now: Now, input: PeerInput): void {
    this.parts.now = now
    if (this.departure.over) return this.late(input)
    this.take(input)
    this.settle()
  }

  drain(): PeerAction[] {
    return this.parts.outbox.drain()
  }

  nextDeadline(): Millis {
    if (this.departure.over) return NEVER
    return Math.min(
      this.links.nextDeadline(),
      this.requests.nextDeadline(),
      this.attaches.nextDeadline(),
      this.appAttaches.nextDeadline(),
      this.topology.nextDeadline(),
      this.storageService.nextDeadline(),
      this.replication.nextDeadline(),
      this.bootstrap.nextDeadline(),
      this.founding.nextDeadline(),
      this.reunion.nextDeadline(),
      this.departure.nextDeadline(),
    )
  }

  /** Whether anything is held at that resource, as owner or as replica. */
  holds(resource: ResourceId): boolean {
    return this.storage.holds(resource)
  }

  snapshot(): PeerSnapshot {
    return peerSnapshot(this.state, this.parts.self, {
      topology: this.topology,
      links: this.links,
      storage: this.storage,
      replicaDeficit: this.replication.deficit(),
    })
  }

  private take(input: PeerInput): void {
    switch (input.kind) {
      case 'start':
        return this.start()
      case 'channelOpened':
        return this.links.opened(input)
      case 'channelFailed':
        return this.links.failed(input.channel, input.reason)
      case 'channelData':
        return this.links.data(input.channel, input.bytes)
      case 'channelClosed':
        return this.links.closed(input.channel)
      case 'persisted':
        return this.storageService.persisted(input.token)
      case 'timeout':
        return this.timeout()
      case 'leave':
        return this.leave()
      case 'store':
      case 'fetch':
      case 'ping':
      case 'appAttach':
        return this.command(input)
    }
  }

  private start(): void {
    if (this.restored) return
    this.restored = true
    const report = this.storage.restore(this.parts.now, this.parts.init.restored)
    if (report.operations.length > 0) this.parts.persist(report.operations)
    this.replication.takeStock()
    this.former.restore(this.parts.init.restored)
    this.enter('joining')
    if (this.parts.init.founder) return this.founding.begin()
    this.bootstrap.start()
  }

  private leave(): void {
    if (this.departure.begun) return
    this.enter('leaving')
    this.founding.stop()
    this.bootstrap.stop()
    this.reunion.stop()
    this.appAttaches.stop()
    this.departure.begin()
  }

  private command(command: Exclude<PeerCommand, { kind: 'leave' }>): void {
    if (this.state !== 'joined' && this.state !== 'isolated') {
      return this.commands.refuse(command, { kind: 'notJoined' })
    }
    switch (command.kind) {
      case 'store':
        return this.commands.store(command)
      case 'fetch':
        return this.commands.fetch(command)
      case 'ping':
        return this.commands.ping(command)
      case 'appAttach':
        return this.appAttaches.start(command)
    }
  }

  private timeout(): void {
    this.links.timeout()
    this.requests.timeout()
    this.attaches.timeout()
    this.appAttaches.timeout()
    this.topology.timeout(this.parts.now.ms)
    this.storageService.timeout()
    this.replication.timeout()
    this.bootstrap.timeout()
    this.reunion.timeout()
  }

  /** Carries signals and topology actions on until nobody has anything left to say. */
  private settle(): void {
    for (;;) {
      const signals = this.parts.takeSignals()
      for (const signal of signals) this.carry(signal)
      const attached = this.attaches.takeEvents()
      for (const event of attached) {
        const nodeId = event.kind === 'attached' ? event.nodeId : undefined
        if (event.kind === 'attached' && event.linkWasUp) {
          this.topology.linkUp(this.parts.now.ms, event.nodeId, true, false)
        }
        this.topology.attachDone(this.parts.now.ms, event.purpose, nodeId)
      }
      const finished = this.replication.takeFinished()
      for (const id of finished) this.storageService.transferDone(id)
      this.founding.advance()
      const actions = this.topology.drain()
      for (const action of actions) this.performTopology(action)
      if (this.departure.begun) this.departure.advance()
      if (signals.length + attached.length + finished.length + actions.length === 0) return
    }
  }

  private carry(signal: Signal): void {
    const { ms } = this.parts.now
    switch (signal.kind) {
      case 'message': {
        const request = this.receiver.receive(signal.bytes, signal.previousHop)
        if (request !== undefined) this.services.serve(request)
        return
      }
      case 'requestDone':
        return this.requestDone(signal)
      case 'linkUp': {
        const { attached, wantsUpdate } = this.attaches.linkUp(signal.nodeId, signal.connection)
        const { channel } = signal.connection
        const reunited = this.reunion.unites(channel)
        this.topology.linkUp(ms, signal.nodeId, attached || reunited, wantsUpdate || reunited)
        this.reunion.linkUp(channel, signal.nodeId)
        return this.bootstrap.linkUp(channel, signal.nodeId)
      }
      case 'linkFault':
        return this.links.closeWith(signal.channel, this.receiver.tooLarge(signal.head, signal.nodeId))
      case 'linkRestored':
        return this.topology.linkUp(ms, signal.nodeId, true, true)
      case 'linkDown':
        if (this.topology.isNeighbor(signal.nodeId)) this.former.note([signal.nodeId])
        this.links.forgetUnlinked(signal.nodeId)
        this.replication.forget(signal.nodeId)
        this.topology.linkDown(ms, signal.nodeId, signal.cause)
        this.departure.answered(signal.nodeId)
        return this.requests.reroute(signal.nodeId)
      case 'dialFailed':
        this.attaches.dialFailed(signal.channel)
        this.appAttaches.channelGone(signal.channel)
        this.reunion.dialFailed(signal.channel)
        return this.bootstrap.dialFailed(signal.channel, signal.reason)
      case 'applicationChannel':
        return this.appAttaches.channelUp(signal.channel, signal.nodeId, signal.certificate)
      case 'applicationChannelClosed':
        return this.appAttaches.channelGone(signal.channel)
      case 'handOverDone':
        return this.topology.handOverDone(ms, signal.to)
    }
  }

  private requestDone({ purpose, outcome }: Extract<Signal, { kind: 'requestDone' }>): void {
    // RFC 6940 s.6.5.4: whoever says that our document is too new for him gets it.
    if (!outcome.ok && outcome.error.kind === 'reload' && outcome.signer !== undefined) {
      this.services.answeredWithError(outcome.error.code, outcome.signer.nodeId)
    }
    switch (purpose.kind) {
      case 'attach':
        return this.attaches.outcome(purpose.attempt, outcome)
      case 'appAttach':
        return this.appAttaches.outcome(purpose.node, outcome)
      case 'join':
        return this.ring.joined(purpose.to, outcome)
      case 'leave':
        return this.departure.answered(purpose.to)
      case 'fingerSearch':
        return this.ring.fingerSearched(purpose.index, outcome)
      case 'notice':
        return
      case 'replica':
        return this.replication.outcome(purpose.transfer, outcome)
      case 'adopt':
        return this.replication.adopted(purpose.resource, purpose.from, outcome)
      case 'store':
        return this.commands.stored(purpose.id, outcome)
      case 'fetch':
        return this.commands.fetched(purpose.id, purpose.resource, outcome)
      case 'ping':
        return this.commands.pinged(purpose.id, outcome)
    }
  }

  private performTopology(action: TopologyAction): void {
    switch (action.kind) {
      case 'stateChanged':
        if (action.state === 'joined') {
          this.bootstrap.stop()
          this.reunion.start()
        }
        if (action.state === 'isolated') this.bootstrap.start()
        if (action.state === 'joined' || action.state === 'isolated' || action.state === 'joining') {
          this.enter(action.state)
        }
        return
      case 'joinFailed':
        return this.bootstrap.joinFailed(action.reason)
      case 'sendLeave':
        this.departure.told(action.to)
        return this.ring.perform(action)
      case 'neighborsChanged':
        this.searchOnChange(action)
        return this.ring.perform(action)
      default:
        return this.ring.perform(action)
    }
  }

  private searchOnChange({ cause, nodeId }: Extract<TopologyAction, { kind: 'neighborsChanged' }>): void {
    const { predecessors, successors } = this.topology.snapshot()
    this.former.note([...successors, ...predecessors])
    const alone = successors.length === 0
    // A founder may be alone by right; that all its neighbors vanished at once may also be its own fault.
    if (alone && cause === 'failure') return this.bootstrap.start()
    if (alone || cause !== 'join') return
    // Our own way in came to its end, though nobody may have noticed that we were outside.
    if (sameId(nodeId, this.parts.self)) this.bootstrap.stop()
    else this.bootstrap.found()
  }

  private enter(state: PeerState): void {
    if (this.state === state || (this.departure.begun && state !== 'leaving')) return
    this.state = state
    this.parts.trace({ level: 'info', area: 'reload', event: 'state_changed', state })
    this.parts.outbox.push({ kind: 'stateChanged', state })
  }

  /** After `left` nothing is opened any more; a command still gets its answer. */
  private late(input: PeerInput): void {
    this.state = 'left'
    switch (input.kind) {
      case 'channelOpened':
        this.parts.outbox.push({ kind: 'closeChannel', channel: input.channel })
        return
      case 'store':
      case 'fetch':
      case 'ping':
      case 'appAttach':
        return this.commands.refuse(input, { kind: 'notJoined' })
      default:
        return
    }
  }

  /** The same rules for own messages and others', but a node outside the ring carries nothing for others. */
  private routing(): { readonly own: ForwardingContext; readonly transit: ForwardingContext } {
    const { topology, links, parts } = this
    const connected = (id: NodeId): boolean => links.connected(id) || this.receiver.hosts(id)
    const responsible = (id: Uint8Array): boolean => topology.responsible(id)
    const common = {
      own: parts.self,
      overlay: parts.overlay,
      initialTtl: parts.configuration.initialTtl,
      maxMessageBytes: parts.configuration.maxMessageSize,
    }
    const nextHop = (id: Uint8Array): NodeId | undefined => topology.nextHop(id)
    const inRing = (id: Uint8Array): NodeId | undefined =>
      topology.state === 'joined' || topology.state === 'isolated' ? topology.nextHop(id) : undefined
    return {
      own: { ...common, routes: { responsible, connected, nextHop } },
      transit: { ...common, routes: { responsible, connected, nextHop: inRing } },
    }
  }
}
