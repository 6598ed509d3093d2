/**
 * A bound on what one kind of input may keep the event loop busy with in a turn: what comes beyond it waits for the next turn, in which
 * others are served first. A peer that is sent thousands of signed Stores at once has to check all their signatures; its phones
 * shall not wait for that (S-47).
 */
import type { Millis } from '../../common/time.ts'

/** What came from one source, which brings no more while that waits. */
export interface Waiting {
  /** Deals with it. */
  run(): void
}

export class TurnBudget {
  private readonly budgetMs: Millis
  private readonly afterTurn: (next: () => void) => void
  private readonly clock: () => Millis
  private waiting: Waiting[] = []
  /** Spent in this turn. */
  private spentMs = 0
  private turnEnds = false

  /** `afterTurn` calls back once the sockets that are readable now have been served: setImmediate. */
  constructor(
    budgetMs: Millis,
    afterTurn: (next: () => void) => void,
    clock: () => Millis = () => performance.now(),
  ) {
    this.budgetMs = budgetMs
    this.afterTurn = afterTurn
    this.clock = clock
  }

  /** Runs it now, or in one of the next turns; in the order in which they came. False when it has to wait. */
  take(work: Waiting): boolean {
    this.watchTurn()
    if (this.waiting.length > 0 || this.spentMs >= this.budgetMs) {
      this.waiting.push(work)
      return false
    }
    this.spend(work)
    return true
  }

  private spend(work: Waiting): void {
    const began = this.clock()
    try {
      work.run()
    } finally {
      this.spentMs += this.clock() - began
    }
  }

  private watchTurn(): void {
    if (this.turnEnds) return
    this.turnEnds = true
    this.afterTurn(this.nextTurn)
  }

  private readonly nextTurn = (): void => {
    this.turnEnds = false
    this.spentMs = 0
    const { waiting } = this
    if (waiting.length === 0) return
    this.watchTurn()
    let done = 0
    try {
      while (done < waiting.length && this.spentMs < this.budgetMs) this.spend(waiting[done++] as Waiting)
    } finally {
      this.waiting = waiting.slice(done)
    }
  }
}
