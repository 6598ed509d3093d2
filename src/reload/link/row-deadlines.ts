import { Deadlines } from '../../common/deadlines.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import type { Row } from './connection-row.ts'

/**
 * When each row of the Connection Table has to be looked at: one deadline a row, at or before the row's true one. One that
 * comes early is cheaper than moving it with every message: whoever looks finds nothing due and sets the next.
 */
export class RowDeadlines {
  private readonly deadlines = new Deadlines<Row>()

  /** The handshake has to be done by then. */
  handshake(row: Row, until: Millis): void {
    row.deadline = this.deadlines.set(until, row)
  }

  /** The row's link or its surplus has changed. */
  schedule(row: Row): void {
    if (row.link === undefined) return
    const at = Math.min(row.link.nextDeadline(), row.surplusAt)
    if (row.deadline !== undefined) {
      if (row.deadline.at <= at) return
      this.cancel(row)
    }
    if (at !== NEVER) row.deadline = this.deadlines.set(at, row)
  }

  cancel(row: Row): void {
    this.deadlines.cancel(row.deadline)
    row.deadline = undefined
  }

  /** The next row that is due; from then on it has no deadline. */
  pop(now: Millis): Row | undefined {
    const row = this.deadlines.pop(now)
    if (row !== undefined) row.deadline = undefined
    return row
  }

  next(): Millis {
    return this.deadlines.next()
  }
}
