/**
 * Finding a node of the overlay (RFC 6940 s.11.4): one address after the other, former neighbors after the configured
 * ones, with growing pauses. A node that reaches nobody goes on trying; it never makes a ring of its own (s.6.4.2.1).
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { BOOTSTRAP_RETRY_MAX_MS, BOOTSTRAP_RETRY_MS, FORMER_NEIGHBORS_MAX } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'

export class Bootstrap {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly topology: TopologyPlugin
  private readonly former: TransportAddress[] = []
  private active = false
  /** Channel being opened; undefined while joining over one, or waiting. */
  private dialling: ChannelId | undefined
  private nextAddress = 0
  private failedRounds = 0
  private retryAt: Millis = NEVER

  constructor(parts: PeerParts, links: Links, topology: TopologyPlugin) {
    this.parts = parts
    this.links = links
    this.topology = topology
  }

  /** Looks for the overlay until `stop`. */
  start(): void {
    if (this.active) return
    this.active = true
    this.failedRounds = 0
    this.nextAddress = 0
    this.tryNext()
  }

  stop(): void {
    this.active = false
    this.dialling = undefined
    this.retryAt = NEVER
  }

  /** The overlay has found us, or we it: no need to look any further. */
  found(): void {
    if (this.active && this.dialling === undefined) this.stop()
  }

  /** A neighbor that was directly connected: one more place to ask (RFC 6940 s.11.4). */
  remember(nodeId: NodeId): void {
    const address = this.links.listener(nodeId)
    if (address === undefined || this.former.some((known) => sameAddress(known, address))) return
    this.former.unshift(address)
    if (this.former.length > FORMER_NEIGHBORS_MAX) this.former.pop()
  }

  linkUp(channel: ChannelId, nodeId: NodeId): void {
    if (channel !== this.dialling) return
    this.dialling = undefined
    this.topology.join(this.parts.now.ms, nodeId)
  }

  dialFailed(channel: ChannelId, reason: string): void {
    if (channel !== this.dialling) return
    this.dialling = undefined
    this.parts.trace({ level: 'info', area: 'reload', event: 'bootstrap_unreachable', reason })
    this.tryNext()
  }

  /** The node was reached, but the way into the ring was not found. */
  joinFailed(reason: string): void {
    if (!this.active) return
    this.parts.trace({ level: 'info', area: 'reload', event: 'join_failed', reason })
    // Somebody was reached: one pause, then the list from its start, not another pause for having come to its end.
    if (this.nextAddress >= this.addresses().length) this.nextAddress = 0
    this.wait()
  }

  nextDeadline(): Millis {
    return this.retryAt
  }

  timeout(): void {
    if (this.parts.now.ms < this.retryAt) return
    this.retryAt = NEVER
    this.tryNext()
  }

  private tryNext(): void {
    if (!this.active) return
    const addresses = this.addresses()
    if (this.nextAddress >= addresses.length) {
      this.nextAddress = 0
      if (addresses.length > 0)
        this.parts.trace({ level: 'warn', area: 'reload', event: 'no_bootstrap_node_reached' })
      return this.wait()
    }
    const address = addresses[this.nextAddress++] as TransportAddress
    const connected = this.links.nodeAt(address)
    if (connected !== undefined) return this.topology.join(this.parts.now.ms, connected)
    this.dialling = this.links.dial(address, 'bootstrap', undefined)
    if (this.dialling === undefined) this.wait()
  }

  private wait(): void {
    const longest = Math.min(
      BOOTSTRAP_RETRY_MAX_MS,
      BOOTSTRAP_RETRY_MS * 2 ** Math.min(this.failedRounds, 10),
    )
    this.failedRounds++
    // Jittered: the peers that one crash threw out must not come back in step.
    this.retryAt = this.parts.now.ms + longest * (0.5 + this.parts.random.float() / 2)
  }

  private addresses(): TransportAddress[] {
    const { bootstrap, advertised } = this.parts.init
    const all = [...bootstrap, ...this.former].filter((address) => !sameAddress(address, advertised.overlay))
    return all.filter((address, index) => all.findIndex((other) => sameAddress(other, address)) === index)
  }
}

function sameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.address === b.address && a.port === b.port
}
