/** The numbers of a run that people compare: what the table prints, JSON gives and the report draws. */
import type { Slice } from './measures.ts'
import type { Outcome } from './run.ts'

export interface Figures {
  readonly seed: string
  readonly digest: string
  readonly peers: number
  readonly virtualMinutes: number
  readonly events: number
  readonly lookups: Readonly<Record<string, number>>
  /** Right ones among those that were answered or should have been, 0..1. */
  readonly lookupSuccess: number
  readonly lookupMs: { readonly median: number; readonly p99: number }
  readonly hops: { readonly mean: number; readonly bound: number; readonly counts: readonly number[] }
  /** Each running peer, each second, while the load lasted. */
  readonly deliveriesPerPeerSecond: number
  readonly bytesPerPeerSecond: number
  readonly stores: { readonly acknowledged: number; readonly refused: number }
  readonly departures: number
  readonly lost: number
  /** Lost after more deaths around it than it had copies. */
  readonly lostBeyondBound: number
  readonly resurrected: number
  readonly healedAfterMs: number | undefined
  readonly requests: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

export function figuresOf(outcome: Outcome): Figures {
  const { plan, measures, tallies, entries, times } = outcome
  const { right, stale, missing, wrong, failed } = measures.total
  const judged = right + stale + missing + wrong + failed
  const seconds = Math.max(1, measures.peerMs / 1000)
  return {
    seed: plan.seed,
    digest: outcome.digest,
    peers: plan.peers,
    virtualMinutes: times.end / 60_000,
    events: outcome.events,
    lookups: { ...measures.total },
    lookupSuccess: judged === 0 ? 1 : right / judged,
    lookupMs: { median: quantile(measures.tookMs, 0.5), p99: quantile(measures.tookMs, 0.99) },
    hops: {
      mean: tallies.hopsCount === 0 ? 0 : tallies.hopsSum / tallies.hopsCount,
      bound: Math.log2(Math.max(1, plan.peers)) / 2 + 0.5,
      counts: tallies.hops,
    },
    deliveriesPerPeerSecond: measures.deliveries / seconds,
    bytesPerPeerSecond: measures.bytes / seconds,
    stores: { acknowledged: outcome.stores.done, refused: outcome.stores.refused },
    departures: outcome.departures,
    lost: entries.lost.length,
    lostBeyondBound: entries.excused,
    resurrected: entries.resurrected.length,
    healedAfterMs: outcome.healedAfterMs,
    requests: Object.fromEntries(tallies.requests),
    dropped: Object.fromEntries(tallies.dropped),
    violations: outcome.violations,
  }
}

/** Right lookups of one slice, 0..1; undefined when there were none. */
export function sliceSuccess({ lookups }: Slice): number | undefined {
  const { right, stale, missing, wrong, failed } = lookups
  const judged = right + stale + missing + wrong + failed
  return judged === 0 ? undefined : right / judged
}

export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number
}
