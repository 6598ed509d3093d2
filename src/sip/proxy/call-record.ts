/**
 * One call as the metrics see it. Requests that are no calls have none. Its path is settled when it comes in and stands in every
 * series alike, whichever phone of a fork answers, so that results never outnumber attempts.
 */
import type { Millis } from '../../common/time.ts'
import { callResult, type CallMeter } from './call-meter.ts'
import type { TargetPath } from './targets.ts'

export class CallRecord {
  private readonly meter: CallMeter
  private readonly arrivedAt: Millis
  private readonly path: TargetPath
  private isResolved = false
  private isSetUp = false
  private isOver = false

  constructor(meter: CallMeter, arrivedAt: Millis, path: TargetPath) {
    this.meter = meter
    this.arrivedAt = arrivedAt
    this.path = path
    meter.attempts.add(`${path}|proxy`)
  }

  /** All targets are known; `asked` tells whether the overlay had to be asked. */
  resolved(now: Millis, asked: boolean): void {
    if (this.isResolved) return
    this.isResolved = true
    this.meter.resolutionSeconds.observe(
      (now - this.arrivedAt) / 1000,
      `${this.path}|${asked ? 'miss' : 'hit'}`,
    )
  }

  /** It rings or is answered. */
  setUp(now: Millis): void {
    if (this.isSetUp) return
    this.isSetUp = true
    this.meter.setupSeconds.observe((now - this.arrivedAt) / 1000, this.path)
  }

  over(status: number, branches: number): void {
    if (this.isOver) return
    this.isOver = true
    this.meter.results.add(`${this.path}|${callResult(status)}`)
    this.meter.forkBranches.observe(branches)
  }
}
