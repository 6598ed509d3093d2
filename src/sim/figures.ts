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
  readonly mishaps: readonly MishapFigures[]
  readonly requests: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

/** What happened at one moment of the load, and how long the ring was wrong then: as exact as a slice is long. */
export interface MishapFigures {
  readonly what: string
  readonly atMs: number
  /** Peers that did not know their successor, at the worst. */
  readonly ringFaults: number
  /** Undefined when another mishap, or the end, came before. */
  readonly ringRightAfterMs: number | undefined
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
    mishaps: mishapsOf(measures.slices, times.loadFrom),
    requests: Object.fromEntries(tallies.requests),
    dropped: Object.fromEntries(tallies.dropped),
    violations: outcome.violations,
  }
}

function mishapsOf(slices: readonly Slice[], loadFrom: number): MishapFigures[] {
  return slices.flatMap(({ notes }, index) => {
    const atMs = slices[index - 1]?.endMs ?? loadFrom
    const next = slices.findIndex((slice, later) => later > index && slice.notes.length > 0)
    const until = slices.slice(index, next < 0 ? undefined : next)
    // Whoever is cut off or dead in silence is noticed after a while: what counts is when the last fault is gone.
    const right = until.findLastIndex(({ ringFaults }) => ringFaults > 0) + 1
    return notes.map((what) => ({
      what,
      atMs: atMs - loadFrom,
      ringFaults: Math.max(0, ...until.map(({ ringFaults }) => ringFaults)),
      ringRightAfterMs: until[right] === undefined ? undefined : until[right].endMs - atMs,
    }))
  })
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
