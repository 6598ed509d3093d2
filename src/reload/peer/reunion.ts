/**
 * Two rings that were one: after a partition, or when a founder came back and reached nobody. A peer in the ring tries from
 * time to time one former neighbor to which it has no link. One that is alone joins through it; otherwise both tell
 * each other their tables, and what they learn of each other (RFC 6940 s.10.7.3) joins the rings up. When the peers around
 * have changed meanwhile, nobody's former neighbors are in the other ring: a few peers ask a bootstrap node instead.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { Random } from '../../common/random.ts'
import type { NodeId } from '../codec/index.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { REUNION_INTERVAL_MS, REUNION_VISITS } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import { sameAddress, type FormerNeighbors } from './former-neighbors.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'

export class Reunion {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly topology: TopologyPlugin
  private readonly former: FormerNeighbors
  private readonly random: Random
  private channel: ChannelId | undefined
  /** That channel leads to a bootstrap node. */
  private visiting = false
  /** A bootstrap node that was asked; the link to it has served its purpose by the next turn. */
  private visited: { readonly channel: ChannelId; readonly nodeId: NodeId } | undefined
  private turn = 0
  private nextAt: Millis = NEVER

  constructor(parts: PeerParts, links: Links, topology: TopologyPlugin, former: FormerNeighbors) {
    this.parts = parts
    this.links = links
    this.topology = topology
    this.former = former
    this.random = parts.random.fork('reunion')
  }

  /** This peer is in the ring. */
  start(): void {
    if (this.nextAt === NEVER) this.wait()
  }

  stop(): void {
    this.nextAt = NEVER
    this.channel = undefined
  }

  /** Whether that link is one of ours between two peers in the ring, which are to exchange their tables. */
  unites(channel: ChannelId): boolean {
    return channel === this.channel && !this.visiting && this.topology.replicaSet().length > 0
  }

  linkUp(channel: ChannelId, nodeId: NodeId): void {
    if (channel !== this.channel) return
    this.channel = undefined
    if (this.topology.replicaSet().length === 0) this.topology.join(this.parts.now.ms, nodeId)
    else if (this.visiting) this.visit(channel, nodeId)
  }

  dialFailed(channel: ChannelId): void {
    if (channel === this.channel) this.channel = undefined
  }

  nextDeadline(): Millis {
    return this.nextAt
  }

  timeout(): void {
    if (this.parts.now.ms < this.nextAt) return
    this.wait()
    this.endVisit()
    if (this.channel !== undefined || this.topology.state !== 'joined') return
    const turn = this.random.float() * Math.max(1, this.topology.snapshot().sizeEstimate)
    const visits = turn < REUNION_VISITS ? this.bootstrapNodes() : []
    // In a ring of few every turn would be a visit: a bootstrap node that is gone for good must not hide the former neighbors.
    const addresses = [...visits, ...this.former.addresses]
    for (let tried = 0; tried < addresses.length; tried++) {
      const place = this.turn++ % addresses.length
      const address = addresses[place] as TransportAddress
      if (this.links.listeners.nodeAt(address) !== undefined) continue
      this.visiting = place < visits.length
      this.channel = this.links.dial(address, 'bootstrap', undefined)
      return
    }
  }

  private bootstrapNodes(): TransportAddress[] {
    const { entrances, init } = this.parts
    return entrances.bootstrap.filter((address) => !sameAddress(address, init.advertised.overlay))
  }

  private visit(channel: ChannelId, nodeId: NodeId): void {
    this.visited = { channel, nodeId }
    this.parts.signal({ kind: 'bootstrapVisited', nodeId })
  }

  private endVisit(): void {
    const { visited } = this
    this.visited = undefined
    if (visited !== undefined && !this.topology.isPeer(visited.nodeId)) this.links.close(visited.channel)
  }

  private wait(): void {
    // Jittered: the peers of one ring must not all knock at the same moment.
    this.nextAt = this.parts.now.ms + REUNION_INTERVAL_MS * (0.75 + this.random.float() / 2)
  }
}
