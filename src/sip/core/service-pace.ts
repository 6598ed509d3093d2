import type { Millis } from '../../common/time.ts'

/** Assumed before anything has been measured: what a small machine does. */
const FIRST_GUESS = 50
const LEAST = 5

/**
 * How many are served a second, learnt second by second. A second in which somebody had to be refused shows what can be done; any
 * other one only shows what was asked for, so it can raise the figure and never lowers it.
 */
export class ServicePace {
  private current = FIRST_GUESS
  private second = 0
  private count = 0
  private full = false

  perSecond(now: Millis): number {
    this.roll(now)
    return this.current
  }

  served(now: Millis): void {
    this.roll(now)
    this.count++
  }

  /** There was more to do than could be done. */
  saturated(now: Millis): void {
    this.roll(now)
    this.full = true
  }

  private roll(now: Millis): void {
    const second = Math.floor(now / 1000)
    if (second === this.second) return
    const measured = this.full ? (this.current + this.count) / 2 : Math.max(this.current, this.count)
    this.current = Math.max(LEAST, measured)
    this.second = second
    this.count = 0
    this.full = false
  }
}
