/** Counts calls for p2psip_call_*: one entry an initial INVITE, whatever came of it. */
import { Histogram, HOPS_BUCKETS, SECONDS_BUCKETS, Tally } from '../../common/instruments.ts'
import type { TargetPath } from './targets.ts'

const PATHS: readonly TargetPath[] = ['local', 'overlay', 'dns', 'gruu']
export type CallResult = 'answered' | 'busy' | 'cancelled' | 'no_answer' | 'not_found' | 'failed'
const RESULTS: readonly CallResult[] = ['answered', 'busy', 'cancelled', 'no_answer', 'not_found', 'failed']

export class CallMeter {
  /** path|mode */
  readonly attempts = new Tally(PATHS.flatMap((path) => [`${path}|proxy`, `${path}|redirect`]))
  /** path|result */
  readonly results = new Tally(PATHS.flatMap((path) => RESULTS.map((result) => `${path}|${result}`)))
  /** path; INVITE to first 18x or 2xx. */
  readonly setupSeconds = new Histogram(SECONDS_BUCKETS, PATHS)
  /** path|cache; INVITE to targets known. `hit` when no question had to be asked. */
  readonly resolutionSeconds = new Histogram(
    SECONDS_BUCKETS,
    PATHS.flatMap((path) => [`${path}|hit`, `${path}|miss`]),
  )
  readonly forkBranches = new Histogram(HOPS_BUCKETS, [''])
}

/** The result that a final status stands for. */
export function callResult(status: number): CallResult {
  if (status < 300) return 'answered'
  switch (status) {
    case 486:
    case 600:
    case 603:
      return 'busy'
    case 487:
      return 'cancelled'
    case 408:
    case 480:
      return 'no_answer'
    case 404:
    case 604:
    case 410:
      return 'not_found'
    default:
      return 'failed'
  }
}
