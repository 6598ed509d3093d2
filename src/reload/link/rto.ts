import type { Millis } from '../../common/time.ts'
import { CLOCK_GRANULARITY_MS, RTO_INITIAL_MS, RTO_MAX_MS, RTO_MIN_MS } from './constants.ts'

/** Smoothed round-trip time and its variation, in milliseconds; undefined before the first measurement. */
export interface RttEstimate {
  readonly srttMs: number
  readonly rttvarMs: number
}

/** RFC 6298 s.2.2 and s.2.3: the estimate after one more measurement. */
export function rttAfter(estimate: RttEstimate | undefined, sampleMs: number): RttEstimate {
  if (estimate === undefined) return { srttMs: sampleMs, rttvarMs: sampleMs / 2 }
  return {
    rttvarMs: 0.75 * estimate.rttvarMs + 0.25 * Math.abs(estimate.srttMs - sampleMs),
    srttMs: 0.875 * estimate.srttMs + 0.125 * sampleMs,
  }
}

/** RFC 6298 s.2.1 to s.2.5, in whole milliseconds. */
export function rtoOf(estimate: RttEstimate | undefined): Millis {
  if (estimate === undefined) return RTO_INITIAL_MS
  const rto = Math.ceil(estimate.srttMs + Math.max(CLOCK_GRANULARITY_MS, 4 * estimate.rttvarMs))
  return Math.min(RTO_MAX_MS, Math.max(RTO_MIN_MS, rto))
}
