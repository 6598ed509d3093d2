/**
 * Deadlines that all lie equally far ahead when they are set, as most are: the one that is set last is due last, so they stand in a
 * list, and setting or cancelling one costs the same however many there are. `Deadlines` is for all others.
 */
import { NEVER, type Millis } from './time.ts'

/** Opaque to callers; keep it to cancel it. */
export interface Due<T> {
  readonly at: Millis
  readonly value: T
  before: Due<T> | undefined
  after: Due<T> | undefined
  waiting: boolean
}

export class DueList<T> {
  private first: Due<T> | undefined = undefined
  private last: Due<T> | undefined = undefined
  private count = 0

  get size(): number {
    return this.count
  }

  /** Earliest deadline, or `NEVER`. */
  next(): Millis {
    return this.first?.at ?? NEVER
  }

  /** One that is earlier than others takes its place among them. */
  set(at: Millis, value: T): Due<T> {
    let before = this.last
    while (before !== undefined && before.at > at) before = before.before
    const after = before === undefined ? this.first : before.after
    const due: Due<T> = { at, value, before, after, waiting: true }
    if (before === undefined) this.first = due
    else before.after = due
    if (after === undefined) this.last = due
    else after.before = due
    this.count++
    return due
  }

  /** Harmless when it is over or was cancelled already. */
  cancel(due: Due<T> | undefined): void {
    if (due?.waiting !== true) return
    const { before, after } = due
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    due.before = undefined
    due.after = undefined
    due.waiting = false
    this.count--
  }

  /** Takes out and returns the earliest that is due at `now`, or undefined. */
  pop(now: Millis): T | undefined {
    const { first } = this
    if (first === undefined || first.at > now) return undefined
    this.cancel(first)
    return first.value
  }
}
