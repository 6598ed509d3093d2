/**
 * How fast peers come and go in the whole overlay, as one peer can tell: what it sees of its neighbors, times how many such
 * neighborhoods there are. RFC 7363 s.6.3 and s.6.4 estimate the same numbers for themselves; this one is only for people.
 */
import type { Millis } from '../common/time.ts'

export interface NeighborhoodReading {
  /** Neighbors that came and that went since the start. */
  readonly joins: number
  readonly leaves: number
  /** Entries of the neighbor table, this peer not counted. */
  readonly neighbors: number
  /** Estimated peers of the overlay. */
  readonly size: number
}

interface Sample {
  readonly at: Millis
  readonly joins: number
  readonly leaves: number
}

/** Judgement: long enough to see the churn of a calm overlay, short enough that a storm has gone after a while. */
const WINDOW_MS = 600_000
const SPACING_MS = 10_000

export class ChurnEstimate {
  private readonly read: () => NeighborhoodReading
  private readonly now: () => Millis
  private readonly samples: Sample[] = []

  constructor(read: () => NeighborhoodReading, now: () => Millis) {
    this.read = read
    this.now = now
  }

  /** Events a second in the whole overlay over the last ten minutes; 0 until there is something to compare with. */
  perSecond(of: 'joins' | 'leaves'): number {
    const at = this.now()
    const reading = this.read()
    const oldest = this.remember(at, reading)
    const elapsedS = (at - oldest.at) / 1000
    if (elapsedS <= 0) return 0
    const seen = reading[of] - oldest[of]
    return (seen / elapsedS) * Math.max(1, reading.size / Math.max(1, reading.neighbors + 1))
  }

  private remember(at: Millis, { joins, leaves }: NeighborhoodReading): Sample {
    const last = this.samples.at(-1)
    const sample = { at, joins, leaves }
    if (last === undefined || at - last.at >= SPACING_MS) this.samples.push(sample)
    while (this.samples.length > 1 && at - (this.samples[0] as Sample).at > WINDOW_MS) this.samples.shift()
    return this.samples[0] ?? sample
  }
}
