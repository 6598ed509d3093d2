/** Which resources' copies are to be looked at, and when: each has one time, and those whose time has come wait in a row. */
import { Deadlines } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { Copies } from './copies.ts'

export class CopiesDue {
  private readonly times = new Deadlines<Copies>()
  private readonly row = new Set<Copies>()
  /** Kept between turns: one made anew would walk over the holes that those before it left. */
  private walk = this.row.values()

  /** How many wait in the row. */
  get size(): number {
    return this.row.size
  }

  nextDeadline(): Millis {
    return this.times.next()
  }

  /** At that time, or when it would have been looked at anyway if that is earlier. */
  at(copies: Copies, at: Millis): void {
    if (copies.look !== undefined && copies.look.at <= at) return
    this.times.cancel(copies.look)
    copies.look = this.times.set(at, copies)
  }

  /** In its turn, whatever its time. */
  add(copies: Copies): void {
    this.row.add(copies)
  }

  forget(copies: Copies): void {
    this.times.cancel(copies.look)
    copies.look = undefined
    this.row.delete(copies)
  }

  /** Puts those whose time has come into the row. */
  timeout(now: Millis): void {
    for (let due = this.times.pop(now); due !== undefined; due = this.times.pop(now)) {
      due.look = undefined
      this.row.add(due)
    }
  }

  /** The next of the row; undefined when nobody waits. */
  take(): Copies | undefined {
    while (this.row.size > 0) {
      const next = this.walk.next()
      if (next.done === true) {
        this.walk = this.row.values()
        continue
      }
      this.row.delete(next.value)
      return next.value
    }
    return undefined
  }
}
