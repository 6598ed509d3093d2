/** The ring as it is, by the arithmetic of RFC 6940 s.10 over everybody who runs: what all peers should agree on. */
import { key } from '../reload/index.ts'
import type { SimPeer } from './sim-peer.ts'

export class TrueRing {
  /** In the order of their Node-IDs. */
  readonly peers: readonly SimPeer[]
  private readonly ids: readonly string[]

  constructor(peers: readonly SimPeer[]) {
    const sorted = peers
      .map((peer) => ({ peer, id: key(peer.nodeId) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    this.peers = sorted.map(({ peer }) => peer)
    this.ids = sorted.map(({ id }) => id)
  }

  /** Place of the peer that owns an id: the first one at or after it. Throws RangeError in an empty ring. */
  ownerIndex(id: Uint8Array): number {
    if (this.ids.length === 0) throw new RangeError('nobody is running')
    const target = key(id)
    let low = 0
    let high = this.ids.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.ids[middle] as string) < target) low = middle + 1
      else high = middle
    }
    return low % this.ids.length
  }

  owner(id: Uint8Array): SimPeer {
    return this.peers[this.ownerIndex(id)] as SimPeer
  }

  /** The peer that many places further on, or back. */
  at(index: number): SimPeer {
    const { length } = this.peers
    return this.peers[((index % length) + length) % length] as SimPeer
  }

  /** The owner and its two successors; fewer in a smaller ring. */
  dueHolders(id: Uint8Array): SimPeer[] {
    const index = this.ownerIndex(id)
    const count = Math.min(3, this.peers.length)
    return Array.from({ length: count }, (_, distance) => this.at(index + distance))
  }
}
