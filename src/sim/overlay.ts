/**
 * An overlay of bare peers in the simulated world: makes credentials, starts, stops and restarts peers, runs commands
 * and waits for their answers in virtual time.
 */
import { utf8 } from '../common/bytes.ts'
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import { NO_TRACE, type Trace } from '../common/trace.ts'
import {
  resourceIdOf,
  type CommandOutcome,
  type Credential,
  type FetchResult,
  type OverlayConfiguration,
  type PeerAction,
  type PeerEvent,
  type ResourceId,
  type StoreResult,
  type TransportAddress,
  type ValueToStore,
} from '../reload/index.ts'
import { Attackers, type Attack } from './attackers.ts'
import { Commands, type AnsweredCommand, type AnswerKind } from './commands.ts'
import type { Digest } from './digest.ts'
import { OVERLAY_NAME, simConfiguration } from './configuration.ts'
import { standInIssuer, type Issuer } from './issuer.ts'
import { Network, type Faults, type NetworkAction } from './network.ts'
import { addressOf, makePeer, type PeerOptions, type Surroundings } from './peer-making.ts'
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
  /** Another fingerprint of what happens, or none (`NoDigest`). */
  readonly digest?: Digest
}

export class Overlay {
  readonly world: World
  readonly network: Network
  readonly issuer: Issuer
  readonly configuration: OverlayConfiguration
  /** Everybody who ever started, each with its present or last life. */
  readonly peers: SimPeer[] = []
  readonly attackers: Attackers | undefined
  readonly commands: Commands
  private readonly random: Random
  private readonly keepEvents: boolean
  private readonly surroundings: Surroundings
  private issued = 0
  private started = 0
  /** The ring of those that have joined, as long as nobody comes, goes or changes its state. */
  private joined: TrueRing | undefined = undefined

  constructor(seed: string, options: OverlayOptions = {}) {
    this.world = new World(seed, options.digest)
    this.network = new Network(this.world, options.faults)
    this.issuer = options.issuer ?? standInIssuer()
    this.configuration = simConfiguration(this.issuer.root, options.configuration)
    this.random = this.world.fork('overlay')
    this.keepEvents = options.keepEvents ?? true
    this.commands = new Commands(this.world)
    const { world, network, configuration, random } = this
    this.surroundings = {
      world,
      network,
      configuration,
      crypto: this.issuer.crypto,
      random,
      trace: options.trace ?? ((): Trace => NO_TRACE),
      perform: (peer, action) => this.perform(peer, action),
    }
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
    const identity = { name: `p${index}`, credential, address: addressOf(index) }
    const peer = makePeer(this.surroundings, { ...options, ...identity, founder, bootstrap })
    this.peers.push(peer)
    this.joined = undefined
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
    const client = makePeer(this.surroundings, {
      name: `c${index}`,
      credential,
      address: addressOf(index),
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
    this.joined = undefined
    this.network.detach(peer.name, silent)
  }

  /** Forgets a peer that has crashed or left and never comes back, and what was on its disk. */
  remove(peer: SimPeer): void {
    const index = this.peers.indexOf(peer)
    if (index < 0) return
    this.peers.splice(index, 1)
    this.joined = undefined
    this.network.remove(peer.name)
  }

  /** The same peer again, with what its disk holds. Throws RangeError when it has been removed. */
  restart(peer: SimPeer, options: PeerOptions = {}): SimPeer {
    const index = this.peers.indexOf(peer)
    if (index < 0) throw new RangeError(`${peer.name} is gone for good; SEED ${this.world.seed}`)
    const bootstrap = options.bootstrap ?? this.running.slice(0, 2).map((other) => other.address)
    const { name, credential, address } = peer
    const life = { founder: false, ...options, name, credential, address, bootstrap }
    const again = makePeer(this.surroundings, life)
    this.peers[index] = again
    this.joined = undefined
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
    const id = this.commands.newId()
    const event = this.command(peer, { kind: 'store', id, resource, values, credential }, 'storeDone', limit)
    return event.outcome
  }

  fetch(
    peer: SimPeer,
    resource: ResourceId,
    kind: number,
    limit: Millis = 20_000,
  ): CommandOutcome<FetchResult> {
    const id = this.commands.newId()
    return this.command(peer, { kind: 'fetch', id, resource, kinds: [kind] }, 'fetchDone', limit).outcome
  }

  /** Gives a command and runs the world until its event is there. */
  command<K extends AnswerKind>(
    peer: SimPeer,
    command: AnsweredCommand,
    answer: K,
    limit: Millis = 20_000,
  ): Extract<PeerEvent, { kind: K }> {
    const event = this.commands.run(peer, command, answer, limit)
    if (event === undefined) throw new Error(`no ${answer} within ${limit} ms; ${this.replay()}`)
    return event
  }

  /** The ring that everybody who runs should be part of. */
  ring(): TrueRing {
    return new TrueRing(this.running)
  }

  /** The ring of those that have joined: asked for at every answer, by thousands, so it is not made anew each time. */
  joinedRing(): TrueRing {
    return (this.joined ??= new TrueRing(this.peers.filter((peer) => peer.joined)))
  }

  /** The peer that owns an id by the arithmetic of the ring: what everybody should agree on. */
  owner(id: Uint8Array): SimPeer {
    return this.ring().owner(id)
  }

  /** What to say when a test fails. */
  replay(): string {
    return `SEED ${this.world.seed}; replay: SEED=${this.world.seed} npx vitest run --project unit test/sim`
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
        this.joined = undefined
        this.world.digest.text(`${peer.name} ${action.state}`)
        break
      case 'left':
        this.network.detach(peer.name)
        break
      default:
        if (this.commands.answered(action)) return
    }
    if (this.keepEvents) peer.events.push(action)
  }
}

/** What the certificate of a simulated peer calls it. */
export function peerName(index: number): string {
  return `peer${index}@${OVERLAY_NAME}`
}
