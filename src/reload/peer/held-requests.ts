/**
 * Requests that were not processed because the two ends have different Configuration Documents (RFC 6940 s.6.3.2.1): they
 * wait until ours has changed, or until the other end had the time to take ours.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { TransactionId } from '../codec/index.ts'
import type { NewRequest } from './new-request.ts'

export interface HeldRequest {
  /** What its sender knows it by. */
  readonly handle: TransactionId
  readonly request: NewRequest
  /** How often it was answered that the documents differ. */
  readonly mismatches: number
}

export class HeldRequests {
  private readonly held = new Map<TransactionId, { held: HeldRequest; deadline: Deadline<HeldRequest> }>()
  private readonly deadlines = new Deadlines<HeldRequest>()

  hold(until: Millis, held: HeldRequest): void {
    this.release(held.handle)
    this.held.set(held.handle, { held, deadline: this.deadlines.set(until, held) })
  }

  /** Forgets it, if it is here. */
  release(handle: TransactionId): HeldRequest | undefined {
    const row = this.held.get(handle)
    if (row === undefined) return undefined
    this.held.delete(handle)
    this.deadlines.cancel(row.deadline)
    return row.held
  }

  releaseAll(): HeldRequest[] {
    const all = [...this.held.values()].map(({ held }) => held)
    for (const { handle } of all) this.release(handle)
    return all
  }

  releaseDue(now: Millis): HeldRequest[] {
    const due: HeldRequest[] = []
    for (let held = this.deadlines.pop(now); held !== undefined; held = this.deadlines.pop(now)) {
      this.held.delete(held.handle)
      due.push(held)
    }
    return due
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }
}
