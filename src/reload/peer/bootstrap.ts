/**
 * Finding a node of the overlay (RFC 6940 s.11.4): former neighbors and configured nodes are called one a moment after the
 * other, the first that answers is the way in, and rounds that reach nobody are followed by growing pauses. It never
 * makes a ring of its own (s.6.4.2.1); founding.ts does.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { BOOTSTRAP_RETRY_MAX_MS, BOOTSTRAP_RETRY_MS, BOOTSTRAP_STAGGER_MS } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import { sameAddress, type FormerNeighbors } from './former-neighbors.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'

export class Bootstrap {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly topology: TopologyPlugin
  private readonly former: FormerNeighbors
  private active = false
  /** Channels being opened. */
  private readonly dialling = new Map<ChannelId, TransportAddress>()
  /** A node was reached and the way into the ring through it is being tried. */
  private entering = false
  private reached = false
  private nextAddress = 0
  private failedRounds = 0
  private nextAt: Millis = NEVER

  constructor(parts: PeerParts, links: Links, topology: TopologyPlugin, former: FormerNeighbors) {
    this.parts = parts
    this.links = links
    this.topology = topology
    this.former = former
  }

  /** Joining through a node that was reached. */
  get joining(): boolean {
    return this.active && this.entering
  }

  /** Every address was tried since the start and none answered. */
  get nobodyThere(): boolean {
    return this.active && !this.reached && this.failedRounds > 0
  }

  /** Looks for the overlay until `stop`. */
  start(): void {
    if (this.active) return
    this.active = true
    this.reached = false
    this.failedRounds = 0
    this.nextAddress = 0
    this.tryNext()
  }

  stop(): void {
    this.active = false
    this.entering = false
    this.nextAt = NEVER
    this.giveUpDials()
  }

  /** Links to bootstrap nodes that no Attach has made are of no use any more. */
  closeLinks(): void {
    for (const { channel, purpose, nodeId } of [...this.links.table.connections()])
      if (purpose === 'bootstrap' && nodeId !== undefined) this.links.close(channel)
  }

  /**
   * The overlay has found us, or we it: no need to look any further, unless somebody is about to answer or a way in is being tried.
   * Who has found us may be gone again before that comes to its end.
   */
  found(): void {
    if (this.active && this.dialling.size === 0 && !this.entering) this.stop()
  }

  linkUp(channel: ChannelId, nodeId: NodeId): void {
    if (!this.dialling.delete(channel)) return
    this.enterThrough(nodeId)
  }

  dialFailed(channel: ChannelId, reason: string): void {
    const dialled = this.dialling.get(channel)
    if (dialled === undefined) return
    this.dialling.delete(channel)
    const address = addressText(dialled)
    this.parts.trace({ level: 'info', area: 'reload', event: 'bootstrap_unreachable', address, reason })
    this.tryNext()
  }

  /** The node was reached, but the way into the ring was not found. */
  joinFailed(reason: string): void {
    if (!this.active) return
    this.entering = false
    this.parts.trace({ level: 'info', area: 'reload', event: 'join_failed', reason })
    // Somebody was reached: one pause, then the list from its start, not another pause for having come to its end.
    if (this.nextAddress >= this.addresses().length) this.nextAddress = 0
    this.pause()
  }

  nextDeadline(): Millis {
    return this.nextAt
  }

  timeout(): void {
    if (this.parts.now.ms < this.nextAt) return
    this.nextAt = NEVER
    this.tryNext()
  }

  private tryNext(): void {
    if (!this.active || this.entering) return
    const addresses = this.addresses()
    const address = addresses[this.nextAddress]
    if (address === undefined) {
      if (this.dialling.size > 0) return
      this.nextAddress = 0
      // Who called this node may be all that is left of its ring, and no way in for itself. A founder needs no such way.
      const caller = this.failedRounds > 0 ? this.anyCaller() : undefined
      if (caller !== undefined) return this.enterThrough(caller)
      if (addresses.length > 0)
        this.parts.trace({ level: 'warn', area: 'reload', event: 'no_bootstrap_node_reached' })
      return this.pause()
    }
    this.nextAddress++
    const connected = this.links.listeners.nodeAt(address)
    if (connected !== undefined) return this.enterThrough(connected)
    const channel = this.links.dial(address, 'bootstrap', undefined)
    if (channel === undefined) return this.pause()
    this.dialling.set(channel, address)
    if (this.nextAddress < addresses.length) this.nextAt = this.parts.now.ms + BOOTSTRAP_STAGGER_MS
  }

  /** One of those that have a link to this node, whoever opened it. */
  private anyCaller(): NodeId | undefined {
    const connected: NodeId[] = []
    for (const { nodeId } of this.links.table.connectedNodes())
      if (this.links.table.connected(nodeId)) connected.push(nodeId)
    return connected.length === 0 ? undefined : connected[this.parts.random.int(connected.length)]
  }

  private enterThrough(nodeId: NodeId): void {
    this.giveUpDials()
    this.nextAt = NEVER
    this.reached = true
    this.entering = true
    this.topology.join(this.parts.now.ms, nodeId)
  }

  private giveUpDials(): void {
    const channels = [...this.dialling.keys()]
    this.dialling.clear()
    for (const channel of channels) this.links.close(channel)
  }

  private pause(): void {
    const longest = Math.min(
      BOOTSTRAP_RETRY_MAX_MS,
      BOOTSTRAP_RETRY_MS * 2 ** Math.min(this.failedRounds, 10),
    )
    this.failedRounds++
    // Jittered: the peers that one crash threw out must not come back in step.
    this.nextAt = this.parts.now.ms + longest * (0.5 + this.parts.random.float() / 2)
  }

  private addresses(): TransportAddress[] {
    const all = [...this.former.addresses, ...this.parts.entrances.bootstrap]
    return all.filter(
      (address, index) =>
        !sameAddress(address, this.parts.init.advertised.overlay) &&
        all.findIndex((other) => sameAddress(other, address)) === index,
    )
  }
}

function addressText({ address, port }: TransportAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
