/**
 * When the ring looks after itself (RFC 6940 s.10.7.4): periodic Updates, searches for fingers, and the question
 * whether a quiet neighbor still lives. Only times live here.
 */
import type { Random } from '../../../common/random.ts'
import { NEVER, type Millis } from '../../../common/time.ts'
import { JITTER, NEIGHBOR_CHECK_MS, OTHER_CHECK_MS, UPDATE_SPACING_MS } from './constants.ts'

export interface StabilizationIntervals {
  /** chord-update-interval. */
  readonly updateMs: Millis
  /** chord-ping-interval. */
  readonly pingMs: Millis
}

export class Stabilization {
  private readonly intervals: StabilizationIntervals
  private readonly random: Random
  private updateAt: Millis = NEVER
  private fingerAt: Millis = NEVER
  private flushAt: Millis = NEVER
  private flushedAt: Millis = Number.NEGATIVE_INFINITY

  constructor(intervals: StabilizationIntervals, random: Random) {
    this.intervals = intervals
    this.random = random
  }

  /** From now on this peer is in the ring. Fingers are looked for soon, then at the configured pace. */
  start(now: Millis): void {
    this.updateAt = now + this.jittered(this.intervals.updateMs)
    this.fingerAt = now + this.jittered(Math.min(this.intervals.pingMs, FIRST_FINGER_SEARCH_MS))
  }

  stop(): void {
    this.updateAt = NEVER
    this.fingerAt = NEVER
    this.flushAt = NEVER
  }

  /** Something changed that others should hear of: at once when the last time is long enough ago. */
  changed(now: Millis): void {
    if (this.flushAt === NEVER) this.flushAt = Math.max(now, this.flushedAt + UPDATE_SPACING_MS)
  }

  flushDue(now: Millis): boolean {
    if (now < this.flushAt) return false
    this.flushAt = NEVER
    this.flushedAt = now
    return true
  }

  updateDue(now: Millis): boolean {
    if (now < this.updateAt) return false
    this.updateAt = now + this.jittered(this.intervals.updateMs)
    return true
  }

  /** RFC 6940 s.10.7.4.2: searches are not more frequent than chord-ping-interval once the table stands. */
  fingerDue(now: Millis): boolean {
    if (now < this.fingerAt) return false
    this.fingerAt = now + this.intervals.pingMs * (1 + JITTER * this.random.float())
    return true
  }

  /** RFC 6940 s.10.7.2: a finger was lost, search for another without waiting for the next round. */
  fingerLost(now: Millis): void {
    this.fingerAt = Math.min(this.fingerAt, now + FIRST_FINGER_SEARCH_MS)
  }

  /** When to ask a peer that was heard just now whether it lives. */
  nextCheck(now: Millis, neighbor: boolean): Millis {
    return now + this.jittered(neighbor ? NEIGHBOR_CHECK_MS : OTHER_CHECK_MS)
  }

  nextDeadline(): Millis {
    return Math.min(this.updateAt, this.fingerAt, this.flushAt)
  }

  private jittered(interval: Millis): Millis {
    return interval * (1 - JITTER + 2 * JITTER * this.random.float())
  }
}

/** Judgement: soon enough to matter, late enough for the Updates of a join to have arrived. */
const FIRST_FINGER_SEARCH_MS = 5_000
