/** Who is sent which Update (RFC 6940 s.10.7): neighbors hear of the neighbor table, the others that this peer is there. */
import type { Outbox } from '../../../common/outbox.ts'
import type { Millis } from '../../../common/time.ts'
import type { ChordUpdate, NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import { REMINDER_SPACING_MS } from './constants.ts'
import type { Contact, Contacts } from './contacts.ts'
import { wouldBeNeighbor, type RoutingTable } from './neighbors.ts'
import { fullUpdate, neighborsUpdate, peerReadyUpdate } from './update.ts'

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
    const { table } = this.parts
    const near = !contact.ready || wouldBeNeighbor(table.self, contact.nodeId, table.clockwise)
    if (near) this.sendNeighbors(now, contact.nodeId)
    else this.push(contact.nodeId, peerReadyUpdate(this.uptimeS(now)))
  }

  /** Its table lacks this peer. */
  remind(now: Millis, contact: Contact): void {
    if (now - contact.remindedAt < REMINDER_SPACING_MS) return
    contact.remindedAt = now
    this.send(now, contact)
  }

  sendNeighbors(now: Millis, to: NodeId): void {
    this.push(to, neighborsUpdate(this.parts.table, this.uptimeS(now)))
  }

  sendFull(now: Millis, to: NodeId): void {
    this.push(to, fullUpdate(this.parts.table, this.uptimeS(now)))
  }

  private push(to: NodeId, update: ChordUpdate): void {
    this.parts.outbox.push({ kind: 'sendUpdate', to, update })
  }

  private uptimeS(now: Millis): number {
    return Math.max(0, Math.floor((now - this.startedAt) / 1000))
  }
}
