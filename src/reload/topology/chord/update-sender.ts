/** Who is sent which Update (RFC 6940 s.10.7): neighbors hear of the neighbor table, the others that this peer is there. */
import type { Outbox } from '../../../common/outbox.ts'
import type { Millis } from '../../../common/time.ts'
import type { ChordUpdate, NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import { REMINDER_SPACING_MS } from './constants.ts'
import type { Contact, Contacts } from './contacts.ts'
import { wouldBeNeighbor, type RoutingTable } from './neighbors.ts'
import { fullUpdate, misses, neighborsUpdate, peerReadyUpdate, type NamedNeighbors } from './update.ts'

interface UpdateParts {
  readonly table: RoutingTable
  readonly contacts: Contacts
  readonly outbox: Outbox<TopologyAction>
}

export class UpdateSender {
  private readonly parts: UpdateParts
  private startedAt: Millis = 0

  constructor(parts: UpdateParts) {
    this.parts = parts
  }

  /** The uptime that Updates tell counts from now on. */
  started(now: Millis): void {
    this.startedAt = now
  }

  /** RFC 6940 s.10.7.3: all of the connection table; the lists go to neighbors and to nodes that are not peers (yet). */
  sendAll(now: Millis): void {
    for (const contact of this.parts.contacts.all()) this.send(now, contact)
  }

  send(now: Millis, contact: Contact): void {
    if (!contact.ready || this.isNear(contact)) this.sendNeighbors(now, contact.nodeId)
    else this.push(contact.nodeId, peerReadyUpdate(this.uptimeS(now)))
  }

  /**
   * `named` are the tables of that peer. One that lacks this peer is told that it is there. One that takes this peer for a
   * neighbor although many lie between them knows too little of the ring, and would hear nothing but that from anybody: it
   * is told of all who are known here, and gets nearer to its place with each peer that it learns of.
   */
  correct(now: Millis, contact: Contact, named: NamedNeighbors): void {
    const { table } = this.parts
    const { nodeId } = contact
    const lost = !this.isNear(contact) && table.clockwise.some((peer) => misses(nodeId, named, peer))
    if (!lost && !misses(nodeId, named, table.self)) return
    if (now - contact.remindedAt < REMINDER_SPACING_MS) return
    contact.remindedAt = now
    if (lost) this.sendFull(now, nodeId)
    else this.send(now, contact)
  }

  sendNeighbors(now: Millis, to: NodeId): void {
    this.push(to, neighborsUpdate(this.parts.table, this.uptimeS(now)))
  }

  sendFull(now: Millis, to: NodeId): void {
    this.push(to, fullUpdate(this.parts.table, this.uptimeS(now)))
  }

  private isNear({ nodeId }: Contact): boolean {
    const { table } = this.parts
    return wouldBeNeighbor(table.self, nodeId, table.clockwise)
  }

  private push(to: NodeId, update: ChordUpdate): void {
    this.parts.outbox.push({ kind: 'sendUpdate', to, update })
  }

  private uptimeS(now: Millis): number {
    return Math.max(0, Math.floor((now - this.startedAt) / 1000))
  }
}
