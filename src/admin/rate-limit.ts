/** A token bucket per source, in a table that cannot grow without bound. */
export class RateLimit {
  private readonly perSecond: number
  private readonly burst: number
  private readonly sourcesMax: number
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>()

  constructor(perSecond: number, burst: number, sourcesMax = 10_000) {
    this.perSecond = perSecond
    this.burst = burst
    this.sourcesMax = sourcesMax
  }

  /** Takes one token of `source` at the monotonic time `nowMs`; false when there is none. */
  take(source: string, nowMs: number): boolean {
    let bucket = this.buckets.get(source)
    if (bucket === undefined) {
      // The oldest entry goes first: it has had the most time to fill up again.
      if (this.buckets.size >= this.sourcesMax) {
        const oldest = this.buckets.keys().next()
        if (oldest.done !== true) this.buckets.delete(oldest.value)
      }
      bucket = { tokens: this.burst, atMs: nowMs }
      this.buckets.set(source, bucket)
    }
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * this.perSecond)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }
}
