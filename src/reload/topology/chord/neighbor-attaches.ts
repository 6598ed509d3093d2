/** Attaches to those whom others named and who would be neighbors (RFC 6940 s.10.7.3), again when one failed or was lost. */
import type { Outbox } from '../../../common/outbox.ts'
import type { Millis } from '../../../common/time.ts'
import type { NodeId } from '../../codec/index.ts'
import type { TopologyAction } from '../plugin.ts'
import type { Candidates } from './candidates.ts'
import type { Contact, Contacts } from './contacts.ts'
import { namedNodes } from './update.ts'

interface NeighborParts {
  readonly contacts: Contacts
  readonly candidates: Candidates
  readonly outbox: Outbox<TopologyAction>
  /** An Attach to that node is under way. */
  readonly opened: (to: NodeId) => void
}

export class NeighborAttaches {
  private readonly parts: NeighborParts

  constructor(parts: NeighborParts) {
    this.parts = parts
  }

  /** Goes through what that node named last. */
  learn(now: Millis, contact: Contact): void {
    if (contact.named !== undefined) this.attach(now, namedNodes(contact.named), contact.nodeId)
  }

  learnAll(now: Millis): void {
    for (const contact of this.parts.contacts.all()) this.learn(now, contact)
  }

  timeout(now: Millis): void {
    const { candidates } = this.parts
    for (const nodeId of candidates.dueLost(now)) this.attach(now, [nodeId], undefined)
    if (candidates.relearnDue(now)) this.learnAll(now)
  }

  private attach(now: Millis, named: readonly NodeId[], via: NodeId | undefined): void {
    const { contacts, candidates, outbox, opened } = this.parts
    const known = (id: NodeId): boolean => contacts.find(id)?.attached === true
    for (const to of candidates.admit(now, named, known)) {
      opened(to)
      outbox.push({ kind: 'attachNode', to, via, purpose: { kind: 'neighbor', nodeId: to } })
    }
  }
}
