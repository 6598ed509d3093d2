/** Nodes to which a working link leads, ring members or not: Chord's view of the Connection Table. */
import { Deadlines, type Deadline } from '../../../common/deadlines.ts'
import type { Millis } from '../../../common/time.ts'
import { key, type NodeId } from '../../codec/index.ts'
import type { NamedNeighbors } from './update.ts'

export interface Contact {
  readonly nodeId: NodeId
  /** An Attach made the link, so both ends will send an Update once they are in the ring. */
  attached: boolean
  /** An Update came from it over this link, or this peer admitted it: it may be routed through (RFC 6940 s.10.7). */
  ready: boolean
  /** What its last Update named. */
  named: NamedNeighbors | undefined
  /** When it was last told that its table lacks us. */
  remindedAt: Millis
  check: Deadline<Contact> | undefined
}

export class Contacts {
  private readonly byKey = new Map<string, Contact>()
  private readonly checks = new Deadlines<Contact>()

  find(id: NodeId): Contact | undefined {
    return this.byKey.get(key(id))
  }

  /** New or known; a known one stays as ready as it was. */
  up(id: NodeId, checkAt: Millis): Contact {
    const known = this.find(id)
    if (known !== undefined) return known
    const contact: Contact = {
      nodeId: id,
      attached: false,
      ready: false,
      named: undefined,
      remindedAt: Number.NEGATIVE_INFINITY,
      check: undefined,
    }
    contact.check = this.checks.set(checkAt, contact)
    this.byKey.set(key(id), contact)
    return contact
  }

  down(id: NodeId): Contact | undefined {
    const contact = this.find(id)
    if (contact === undefined) return undefined
    this.byKey.delete(key(id))
    this.checks.cancel(contact.check)
    return contact
  }

  all(): IterableIterator<Contact> {
    return this.byKey.values()
  }

  /** The next contact whose liveness has to be looked at; the caller sets the time after that. */
  dueCheck(now: Millis): Contact | undefined {
    return this.checks.pop(now)
  }

  checkAgain(contact: Contact, at: Millis): void {
    contact.check = this.checks.set(at, contact)
  }

  nextDeadline(): Millis {
    return this.checks.next()
  }
}
