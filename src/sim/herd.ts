/** Who runs in a simulated overlay, who came and went, and what the ones that are gone had counted. */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import { key } from '../reload/index.ts'
import { anyOf, someOf } from './distributions.ts'
import { Lives } from './lives.ts'
import { Tallies } from './tallies.ts'
import type { Overlay, SimPeer } from './overlay.ts'

export type Departure = 'kill' | 'silence' | 'leave'

/** Bootstrap nodes that a new peer knows. */
const BOOTSTRAP_NODES = 3

export class Herd {
  readonly overlay: Overlay
  readonly lives = new Lives()
  readonly tallies = new Tallies()
  private readonly random: Random
  /** Were told to leave: whatever befalls them now, they do not come back. */
  private readonly leaving = new WeakSet<SimPeer>()
  /** Told of every peer that is about to stop, or has just been killed. */
  private readonly mourners: ((peer: SimPeer) => void)[] = []

  constructor(overlay: Overlay) {
    this.overlay = overlay
    this.random = overlay.world.fork('herd')
  }

  onDeparture(mourner: (peer: SimPeer) => void): void {
    this.mourners.push(mourner)
  }

  /** A peer by its name, as long as it may come back. */
  find(name: string): SimPeer | undefined {
    return this.overlay.peers.find((peer) => peer.name === name)
  }

  /** Any peer in the ring; undefined when a few tries find none. */
  joined(): SimPeer | undefined {
    const { peers } = this.overlay
    for (let tries = 0; tries < 50 && peers.length > 0; tries++) {
      const peer = anyOf(this.random, peers)
      if (peer.joined) return peer
    }
    return undefined
  }

  /** A new peer, which knows a few of those that run. */
  start(): SimPeer {
    const peer = this.overlay.start(this.bootstrap())
    this.lives.begin(key(peer.nodeId), this.now)
    return peer
  }

  end(peer: SimPeer, how: Departure): void {
    if (!peer.running) return
    if (how === 'leave') {
      this.leaving.add(peer)
      peer.host.input({ kind: 'leave' })
    } else this.overlay.crash(peer, how === 'silence')
    if (how !== 'leave') this.lives.end(key(peer.nodeId), this.now, true)
    for (const mourner of this.mourners) mourner(peer)
    // A leaving peer hands over first; then it is as gone as the others.
    if (how === 'leave') this.overlay.world.after(LEAVE_LIMIT_MS, () => this.bury(peer))
  }

  /** Whether somebody restarts it when it is gone. */
  mayReturn(peer: SimPeer): boolean {
    return !this.leaving.has(peer)
  }

  /** The same peer again, with or without what its disk held. */
  restart(peer: SimPeer, disk: boolean): SimPeer {
    this.tallies.add(peer)
    if (!disk) this.overlay.network.disk(peer.name).wipe()
    const again = this.overlay.restart(peer, this.bootstrap())
    this.lives.begin(key(again.nodeId), this.now)
    return again
  }

  /** A dead peer that does not come back; harmless when that has been done. */
  bury(peer: SimPeer): void {
    if (!this.overlay.peers.includes(peer)) return
    this.tallies.add(peer)
    // Told to leave, and stood still, or could not: it has handed nothing over.
    this.lives.end(key(peer.nodeId), this.now, peer.running && peer.state !== 'left')
    if (peer.running) this.overlay.crash(peer)
    this.overlay.remove(peer)
    for (const stranded of this.stranded()) this.direct(stranded)
  }

  /** Not in the ring, and every bootstrap node that they know is gone for good: by themselves they never get there. */
  private stranded(): SimPeer[] {
    const lost = this.overlay.running.filter((peer) => !peer.joined && this.mayReturn(peer))
    if (lost.length === 0) return []
    const there = new Set(this.overlay.peers.map(({ address }) => address.address))
    return lost.filter(
      ({ bootstrap }) => bootstrap.length > 0 && !bootstrap.some(({ address }) => there.has(address)),
    )
  }

  /** What an operator does with such a node: it is started again with bootstrap nodes that are there. */
  private direct(peer: SimPeer): void {
    this.overlay.crash(peer)
    this.lives.end(key(peer.nodeId), this.now, false)
    for (const mourner of this.mourners) mourner(peer)
    this.restart(peer, true)
  }

  private bootstrap(): { readonly bootstrap?: readonly SimPeer['address'][] } {
    const joined = this.overlay.peers.filter((peer) => peer.joined)
    if (joined.length === 0) return {}
    return { bootstrap: someOf(this.random, joined, BOOTSTRAP_NODES).map(({ address }) => address) }
  }

  private get now(): Millis {
    return this.overlay.world.now.ms
  }
}

/** Longer than a Leave with its hand-over may take. */
const LEAVE_LIMIT_MS = 15_000
