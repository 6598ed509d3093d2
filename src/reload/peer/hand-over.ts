/** RFC 6940 s.10.5 step 6: what is held of a Joining Node's range goes to it, before it is admitted. */
import { Fifo } from '../../common/fifo.ts'
import type { Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import { inRange } from '../topology/chord/ring-math.ts'
import { HAND_OVER_MAX_MS, REPLICA_STORES_MAX } from './constants.ts'
import type { Copies } from './copies.ts'
import type { ReplicaTransfers } from './replica-transfers.ts'

export class HandOver {
  readonly to: NodeId
  /** When it counts as done, whatever is still missing there: that comes with the copies. */
  readonly deadline: Millis
  private readonly waiting = new Fifo<Copies>()
  private readonly underWay = new Set<number>()

  /** Of all these, what is in (after, to]. */
  constructor(
    all: Iterable<Copies>,
    { to, after }: { readonly to: NodeId; readonly after: NodeId },
    now: Millis,
  ) {
    this.to = to
    this.deadline = now + HAND_OVER_MAX_MS
    for (const copies of all) if (inRange(copies.resource, after, to)) this.waiting.push(copies)
  }

  get done(): boolean {
    return this.waiting.length === 0 && this.underWay.size === 0
  }

  /** Sends as many as there is room for. */
  pump(transfers: ReplicaTransfers): void {
    while (transfers.size < REPLICA_STORES_MAX) {
      const copies = this.waiting.shift()
      if (copies === undefined) return
      const id = transfers.begin(copies, this.to, 1)
      if (id !== undefined) this.underWay.add(id)
    }
  }

  /** A transfer came to its end; perhaps one of these. */
  ended(transfer: number): void {
    this.underWay.delete(transfer)
  }
}
