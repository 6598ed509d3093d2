/** Letting another node into the ring (RFC 6940 s.10.5 steps 5 to 7), seen from the admitting peer: one at a time. */
import type { Outbox } from '../../../common/outbox.ts'
import { sameId, type NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import type { Contacts } from './contacts.ts'
import type { RoutingTable } from './neighbors.ts'
import { isResponsible } from './responsible.ts'
import { sameOrAbsent } from './ring-math.ts'

interface AdmissionParts {
  readonly self: NodeId
  readonly table: RoutingTable
  readonly contacts: Contacts
  readonly outbox: Outbox<TopologyAction>
}

export class Admission {
  private readonly parts: AdmissionParts
  /** The node whose share of the data is being handed over. */
  private joiner: NodeId | undefined

  constructor(parts: AdmissionParts) {
    this.parts = parts
  }

  /** A JoinReq; the caller is in the ring. False: refused. */
  requested(from: NodeId): boolean {
    const { table, contacts, outbox, self } = this.parts
    const contact = contacts.find(from)
    if (contact === undefined || this.joiner !== undefined) return false
    // A predecessor that joins anew was cut off or restarted: it keeps its place, and gets its data again.
    const again = contact.ready
    if (again ? !sameOrAbsent(table.predecessor, from) : !isResponsible(table, from)) return false
    this.joiner = from
    const after = again ? table.predecessors(2)[1] : table.predecessor
    outbox.push({ kind: 'handOver', to: from, after: after ?? self })
    return true
  }

  /** The joiner has its data. True: it may now become a member. */
  handedOver(to: NodeId): boolean {
    if (!this.ended(to)) return false
    const contact = this.parts.contacts.find(to)
    if (contact === undefined) return false
    return contact.ready || isResponsible(this.parts.table, to)
  }

  /** That node needs nothing any more. True: it was the joiner. */
  ended(nodeId: NodeId): boolean {
    if (this.joiner === undefined || !sameId(this.joiner, nodeId)) return false
    this.joiner = undefined
    return true
  }
}
