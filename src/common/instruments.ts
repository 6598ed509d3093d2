/**
 * What machines count. Plain numbers that cost nothing to bump; the metrics area reads them at scrape time and is the
 * only one that knows Prometheus. Label values are joined with `|` in the order in which the metric names its labels.
 */
export class Tally {
  private readonly counters = new Map<string, Counter>()

  constructor(initial: readonly string[] = []) {
    for (const labels of initial) this.counter(labels)
  }

  /** Every count by its labels. */
  get values(): ReadonlyMap<string, number> {
    const values = new Map<string, number>()
    for (const [labels, { count }] of this.counters) values.set(labels, count)
    return values
  }

  add(labels = '', amount = 1): void {
    this.counter(labels).count += amount
  }

  get(labels = ''): number {
    return this.counters.get(labels)?.count ?? 0
  }

  /** The counter itself, for who counts so often that finding it by its labels each time would be felt. */
  counter(labels: string): Counter {
    let counter = this.counters.get(labels)
    if (counter === undefined) {
      counter = { count: 0 }
      this.counters.set(labels, counter)
    }
    return counter
  }
}

/** One number of a tally. */
export interface Counter {
  count: number
}

/** Labels around one that changes, each made once: they are wanted with every message. Only for names of which there are few. */
export class LabelTexts {
  private readonly before: string
  private readonly after: string
  private readonly made = new Map<string, string>()

  constructor(before: string, after: string) {
    this.before = before
    this.after = after
  }

  of(name: string): string {
    let text = this.made.get(name)
    if (text === undefined) {
      text = this.before + name + this.after
      this.made.set(name, text)
    }
    return text
  }
}

/** Bounds in seconds, so that 3 s retransmissions and Timer B stay visible. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32,
]

/** Bounds for counts of overlay hops or fork branches. */
export const HOPS_BUCKETS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16]

interface Distribution {
  /** One count a bound, not cumulative; the last one is for values above every bound. */
  readonly counts: number[]
  sum: number
  count: number
}

/** A histogram per label set. */
export class Histogram {
  readonly bounds: readonly number[]
  readonly series = new Map<string, Distribution>()

  constructor(bounds: readonly number[], initial: readonly string[] = []) {
    this.bounds = bounds
    for (const labels of initial) this.distribution(labels)
  }

  observe(value: number, labels = ''): void {
    const distribution = this.distribution(labels)
    let index = 0
    while (index < this.bounds.length && value > (this.bounds[index] as number)) index++
    distribution.counts[index] = (distribution.counts[index] as number) + 1
    distribution.sum += value
    distribution.count++
  }

  private distribution(labels: string): Distribution {
    let distribution = this.series.get(labels)
    if (distribution === undefined) {
      distribution = { counts: new Array<number>(this.bounds.length + 1).fill(0), sum: 0, count: 0 }
      this.series.set(labels, distribution)
    }
    return distribution
  }
}
