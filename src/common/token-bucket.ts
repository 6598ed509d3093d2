import type { Millis } from './time.ts'

/** So much a second, and a burst on top. */
export interface Allowance {
  readonly perSecond: number
  readonly burst: number
}

/** One bucket; rate-limit.ts has one for each key. */
export class TokenBucket {
  private tokens: number
  private at: Millis

  constructor(allowance: Allowance, now: Millis) {
    this.tokens = allowance.burst
    this.at = now
  }

  /** Milliseconds until that many tokens are there, 0 when they are there now. Takes nothing. */
  waitMs(allowance: Allowance, now: Millis, count = 1): Millis {
    this.refill(allowance, now)
    // More than a whole bucket is let through by a full one, and paid off afterwards.
    const needed = Math.min(count, allowance.burst)
    return this.tokens >= needed ? 0 : Math.ceil(((needed - this.tokens) / allowance.perSecond) * 1000)
  }

  /** Takes tokens, or says how long to wait: 0 when taken. */
  take(allowance: Allowance, now: Millis, count = 1): Millis {
    const wait = this.waitMs(allowance, now, count)
    if (wait === 0) this.tokens -= count
    return wait
  }

  /** Puts tokens back that were taken for nothing; the bucket holds no more than its burst. */
  giveBack(allowance: Allowance, now: Millis, count: number): void {
    this.refill(allowance, now)
    this.tokens = Math.min(allowance.burst, this.tokens + count)
  }

  private refill(allowance: Allowance, now: Millis): void {
    this.tokens = Math.min(allowance.burst, this.tokens + ((now - this.at) / 1000) * allowance.perSecond)
    this.at = now
  }
}
