/**
 * An overlay of bare peers in the simulated world: makes credentials, starts, stops and restarts peers, runs commands
 * and waits for their answers in virtual time.
 */
import { utf8 } from '../common/bytes.ts'
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import { NO_TRACE, type Trace } from '../common/trace.ts'
import {
  PeerCore,
  resourceIdOf,
  type CommandId,
  type CommandOutcome,
  type Credential,
  type CryptoPort,
  type FetchResult,
  type OverlayConfiguration,
  type PeerAction,
  type PeerCommand,
  type PeerEvent,
  type PeerInput,
  type ResourceId,
  type StoreResult,
  type TransportAddress,
  type ValueToStore,
} from '../reload/index.ts'
import { Attackers, type Attack } from './attackers.ts'
import { OVERLAY_NAME, simConfiguration } from './configuration.ts'
import { standInIssuer, type Issuer } from './issuer.ts'
import { Network, type Faults, type NetworkAction } from './network.ts'
import { SimPeer } from './sim-peer.ts'
import { TrueRing } from './true-ring.ts'
import { World } from './world.ts'

export { SimPeer, standInIssuer, type Issuer }

export interface OverlayOptions {
  readonly faults?: Faults
  readonly issuer?: Issuer
  readonly configuration?: Partial<OverlayConfiguration>
  readonly trace?: (peer: string) => Trace
  /** False in long runs: what nobody waits for is not kept. */
  readonly keepEvents?: boolean
  /** Sleeps until `attackers.active` is set. */
  readonly attack?: Attack | undefined
}

/** A command that is answered by an event with its id. */
export type AnsweredCommand = Exclude<PeerCommand, { kind: 'leave' }>

export interface PeerOptions {
  readonly role?: 'peer' | 'client'
  readonly founder?: boolean
  readonly bootstrap?: readonly TransportAddress[]
  readonly credential?: Credential
  readonly hosted?: readonly Credential[]
  /** For a peer that does not do its part; the overlay's when absent. */
  readonly crypto?: CryptoPort
}

export class Overlay {
  readonly world: World
  readonly network: Network
  readonly issuer: Issuer
  readonly configuration: OverlayConfiguration
  /** Everybody who ever started, each with its present or last life. */
  readonly peers: SimPeer[] = []
  readonly attackers: Attackers | undefined
  private readonly random: Random
  private readonly keepEvents: boolean
  private readonly waiting = new Map<CommandId, (event: PeerEvent) => void>()
  private readonly trace: (peer: string) => Trace
  private nextCommand: CommandId = 1
  private issued = 0
  private started = 0

  constructor(seed: string, options: OverlayOptions = {}) {
    this.world = new World(seed)
    this.network = new Network(this.world, options.faults)
    this.issuer = options.issuer ?? standInIssuer()
    this.configuration = simConfiguration(this.issuer.root, options.configuration)
    this.random = this.world.fork('overlay')
    this.trace = options.trace ?? ((): Trace => NO_TRACE)
    this.keepEvents = options.keepEvents ?? true
    if (options.attack !== undefined) {
      const { initialTtl } = this.configuration
      this.attackers = new Attackers(this.world.fork('attackers'), options.attack, initialTtl)
    }
  }

  get running(): SimPeer[] {
    return this.peers.filter((peer) => peer.running && peer.state !== 'left')
  }

  user(name: string): Credential {
    return this.issuer.issue(name, this.random.fork(`user ${name} ${this.issued++}`))
  }

  resource(name: string): ResourceId {
    return resourceIdOf(this.issuer.crypto, utf8(name))
  }

  /** Adds a peer and starts it. The first one founds the overlay; others know the first one's address. */
  start(options: PeerOptions = {}): SimPeer {
    const index = this.started++
    const first = this.peers[0]
    const founder = options.founder ?? first === undefined
    const credential =
      options.credential ?? this.issuer.issue(peerName(index), this.random.fork(`peer ${index}`))
    const bootstrap = options.bootstrap ?? (founder || first === undefined ? [] : [first.address])
    const peer = this.make(`p${index}`, credential, addressOf(index), { ...options, founder, bootstrap })
    this.peers.push(peer)
    peer.host.input({ kind: 'start' })
    return peer
  }

  /** Adds a client (RFC 6940 s.4.2), which is none of `peers`. */
  startClient(bootstrap: readonly TransportAddress[]): SimPeer {
    const index = this.started++
    const credential = this.issuer.issue(
      `client${index}@${OVERLAY_NAME}`,
      this.random.fork(`client ${index}`),
    )
    const client = this.make(`c${index}`, credential, addressOf(index), {
      role: 'client',
      founder: false,
      bootstrap,
    })
    client.host.input({ kind: 'start' })
    return client
  }

  /** Founder and `count - 1` joiners, `spacing` milliseconds apart; waits until all have joined. */
  grow(count: number, spacing: Millis = 0, limit: Millis = 60_000): boolean {
    while (this.peers.length < count) {
      this.start()
      this.world.run(spacing)
    }
    return this.settled(limit)
  }

  settled(limit: Millis = 60_000): boolean {
    return this.world.runUntil(() => this.running.every((peer) => peer.state === 'joined'), limit)
  }

  /** SIGKILL: the operating system closes the sockets. `silent`: a cable is pulled, nobody hears a thing. */
  crash(peer: SimPeer, silent = false): void {
    peer.host.stop()
    this.network.detach(peer.name, silent)
  }

  /** Forgets a peer that has crashed or left and never comes back, and what was on its disk. */
  remove(peer: SimPeer): void {
    const index = this.peers.indexOf(peer)
    if (index < 0) return
    this.peers.splice(index, 1)
    this.network.remove(peer.name)
  }

  /** The same peer again, with what its disk holds. */
  restart(peer: SimPeer, options: PeerOptions = {}): SimPeer {
    const index = this.peers.indexOf(peer)
    const bootstrap = options.bootstrap ?? this.running.slice(0, 2).map((other) => other.address)
    const again = this.make(peer.name, peer.credential, peer.address, {
      founder: false,
      ...options,
      bootstrap,
    })
    this.peers[index] = again
    again.host.input({ kind: 'start' })
    return again
  }

  store(
    peer: SimPeer,
    resource: ResourceId,
    values: readonly ValueToStore[],
    credential: Credential,
    limit: Millis = 20_000,
  ): CommandOutcome<StoreResult> {
    const id = this.nextCommand++
    const event = this.command(peer, { kind: 'store', id, resource, values, credential }, 'storeDone', limit)
    return event.outcome
  }

  fetch(
    peer: SimPeer,
    resource: ResourceId,
    kind: number,
    limit: Millis = 20_000,
  ): CommandOutcome<FetchResult> {
    const id = this.nextCommand++
    return this.command(peer, { kind: 'fetch', id, resource, kinds: [kind] }, 'fetchDone', limit).outcome
  }

  /** Gives a command and runs the world until its event is there. */
  command<K extends 'storeDone' | 'fetchDone' | 'pingDone' | 'appFlowOpened' | 'appAttachFailed'>(
    peer: SimPeer,
    command: AnsweredCommand,
    answer: K,
    limit: Millis = 20_000,
  ): Extract<PeerEvent, { kind: K }> {
    const find = (): Extract<PeerEvent, { kind: K }> | undefined =>
      peer.events.find(
        (event): event is Extract<PeerEvent, { kind: K }> =>
          event.kind === answer && 'id' in event && event.id === command.id,
      )
    peer.host.input(command)
    this.world.runUntil(() => find() !== undefined, limit)
    const event = find()
    if (event === undefined) throw new Error(`no ${answer} within ${limit} ms; ${this.replay()}`)
    return event
  }

  /** Gives a command; `answer` is told its event, unless the peer dies first, and must not feed that peer at once. */
  ask(peer: SimPeer, command: AnsweredCommand, answer: (event: PeerEvent) => void): void {
    this.waiting.set(command.id, answer)
    peer.host.input(command)
  }

  /** Nobody waits for that answer any more. */
  forget(id: CommandId): void {
    this.waiting.delete(id)
  }

  newCommandId(): CommandId {
    return this.nextCommand++
  }

  /** The ring that everybody who runs should be part of. */
  ring(): TrueRing {
    return new TrueRing(this.running)
  }

  /** The peer that owns an id by the arithmetic of the ring: what everybody should agree on. */
  owner(id: Uint8Array): SimPeer {
    return this.ring().owner(id)
  }

  /** What to say when a test fails. */
  replay(): string {
    return `SEED ${this.world.seed}; replay: SEED=${this.world.seed} npx vitest run --project unit test/sim`
  }

  private make(
    name: string,
    credential: Credential,
    address: TransportAddress,
    options: PeerOptions & { readonly founder: boolean; readonly bootstrap: readonly TransportAddress[] },
  ): SimPeer {
    const application = { ...address, port: 6085 }
    const restored = this.network.knows(name) ? this.network.disk(name).records : []
    const core = new PeerCore(
      {
        crypto: options.crypto ?? this.issuer.crypto,
        random: this.random.fork(`core ${name} ${this.world.now.ms}`),
        trace: this.trace(name),
      },
      {
        configuration: this.configuration,
        configurationDocument: utf8('<configuration/>'),
        credential,
        role: options.role ?? 'peer',
        bootstrap: options.bootstrap,
        advertised: { overlay: address, application },
        founder: options.founder,
        restored,
        hostedCredentials: options.hosted ?? [],
      },
    )
    const host = this.world.add<PeerInput, PeerAction>({
      name,
      machine: core,
      timeout: { kind: 'timeout' },
      perform: (action) => this.perform(peer, action),
    })
    const peer = new SimPeer(name, core, credential, address, host)
    this.network.attach({
      name,
      addresses: { overlay: address, application },
      get certificates() {
        return [credential.certificate.der]
      },
      input: (input) => host.input(input),
    })
    return peer
  }

  private perform(peer: SimPeer, action: PeerAction): void {
    switch (action.kind) {
      case 'sendChannel':
        if (this.attackers?.swallows(peer.name, action.bytes) !== true)
          this.network.perform(peer.name, action)
        return
      case 'openChannel':
      case 'closeChannel':
      case 'persist':
        return this.network.perform(peer.name, action satisfies NetworkAction)
      case 'stateChanged':
        peer.state = action.state
        this.world.digest.text(`${peer.name} ${action.state}`)
        break
      case 'left':
        this.network.detach(peer.name)
        break
      default:
        if (this.answered(action)) return
    }
    if (this.keepEvents) peer.events.push(action)
  }

  private answered(event: PeerEvent): boolean {
    const id = 'id' in event ? event.id : undefined
    const answer = id === undefined ? undefined : this.waiting.get(id)
    if (id === undefined || answer === undefined) return false
    this.waiting.delete(id)
    answer(event)
    return true
  }
}

/** What the certificate of a simulated peer calls it. */
export function peerName(index: number): string {
  return `peer${index}@${OVERLAY_NAME}`
}

function addressOf(index: number): TransportAddress {
  return { address: `10.0.${index >> 8}.${index & 255}`, port: 6084 }
}
