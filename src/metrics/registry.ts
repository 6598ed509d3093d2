/**
 * The only place that knows prom-client. Nothing is counted here: at each scrape the values are read from the tallies,
 * histograms and snapshots of the machines, which cost nothing in between.
 */
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client'
import { Histogram, Tally } from '../common/instruments.ts'
import { METRICS, type MetricDefinition, type MetricKey } from './names.ts'

/** Label sets with their values, or a single value of a metric without labels. */
export type Reading = Tally | Histogram | (() => number | Iterable<readonly [labels: string, value: number]>)

/** Where each metric is read. Several readings of one metric add up; a metric without one stays at 0. */
export type Readings = { readonly [K in MetricKey]?: Reading | readonly Reading[] }

/** More label sets than this besides those of the catalogue and the rest is counted under `other`: nobody outside may grow the answer. */
const SERIES_MAX = 1_000

/** Gauges that prom-client names like counters; `promtool check metrics` objects, and nobody misses them. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
]

const PREFIX = 'p2psip_'

interface Sample {
  readonly labels: Record<string, string | number>
  readonly value: number
  readonly metricName?: string
}

export class MetricsRegistry {
  private readonly registry = new Registry()

  /** `process`: also the standard `process_*` and `nodejs_*` metrics; once a process. */
  constructor(readings: Readings, options: { readonly process: boolean }) {
    for (const [key, definition] of Object.entries(METRICS)) {
      const reading = readings[key as MetricKey]
      const sources = reading === undefined ? [] : isList(reading) ? reading : [reading]
      this.register(definition, sources)
    }
    if (!options.process) return
    collectDefaultMetrics({ register: this.registry })
    for (const name of MISNAMED) this.registry.removeSingleMetric(name)
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** The exposition in Prometheus text format. */
  async text(): Promise<string> {
    return this.registry.metrics()
  }

  /** Counters and gauges of our own that are not 0, as `name{label="value"}`; sums and counts of histograms. */
  async values(): Promise<Record<string, number>> {
    const found: [string, number][] = []
    for (const line of (await this.text()).split('\n')) {
      const at = line.lastIndexOf(' ')
      const value = Number(line.slice(at + 1))
      if (line.startsWith(PREFIX) && value !== 0 && !/^\w+_bucket[{ ]/.test(line))
        found.push([line.slice(0, at), value])
    }
    return Object.fromEntries(found)
  }

  private register(definition: MetricDefinition, sources: readonly Reading[]): void {
    const { name, help, type } = definition
    const collector = {
      name,
      get: () => ({
        name,
        help,
        type,
        aggregator: 'sum',
        values: type === 'histogram' ? distributions(definition, sources) : samples(definition, sources),
      }),
    }
    // prom-client calls nothing but `name` and `get()` of what is registered; its type asks for one of its own classes.
    this.registry.registerMetric(collector as unknown as Metric)
  }
}

function isList(reading: Reading | readonly Reading[]): reading is readonly Reading[] {
  return Array.isArray(reading)
}

function samples(definition: MetricDefinition, sources: readonly Reading[]): Sample[] {
  const sums = new Map<string, number>()
  for (const labels of definition.initial) sums.set(labels, 0)
  const most = sums.size + SERIES_MAX
  const add = (labels: string, value: number): void => {
    const at = sums.has(labels) || sums.size < most ? labels : overflow(definition)
    sums.set(at, (sums.get(at) ?? 0) + value)
  }
  for (const source of sources) {
    if (source instanceof Tally) for (const [labels, value] of source.values) add(labels, value)
    else if (!(source instanceof Histogram)) {
      const value = source()
      if (typeof value === 'number') add('', value)
      else for (const [labels, each] of value) add(labels, each)
    }
  }
  return [...sums].map(([labels, value]) => ({ labels: labelsOf(definition, labels), value }))
}

function distributions(definition: MetricDefinition, sources: readonly Reading[]): Sample[] {
  const out: Sample[] = []
  const seen = new Set<string>()
  for (const source of sources) {
    if (!(source instanceof Histogram)) continue
    for (const [labels, { counts, sum, count }] of source.series) {
      if (seen.has(labels) || seen.size >= SERIES_MAX) continue
      seen.add(labels)
      pushDistribution(out, definition, labels, source.bounds, counts, sum, count)
    }
  }
  for (const labels of definition.initial) {
    if (!seen.has(labels)) pushDistribution(out, definition, labels, definition.buckets, [], 0, 0)
  }
  return out
}

function pushDistribution(
  out: Sample[],
  definition: MetricDefinition,
  labelText: string,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
  count: number,
): void {
  const labels = labelsOf(definition, labelText)
  const metricName = `${definition.name}_bucket`
  let cumulated = 0
  for (const [index, bound] of bounds.entries()) {
    cumulated += counts[index] ?? 0
    out.push({ metricName, labels: { ...labels, le: bound }, value: cumulated })
  }
  out.push({ metricName, labels: { ...labels, le: '+Inf' }, value: count })
  out.push({ metricName: `${definition.name}_sum`, labels, value: sum })
  out.push({ metricName: `${definition.name}_count`, labels, value: count })
}

function labelsOf(definition: MetricDefinition, text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  if (definition.labels.length === 0) return labels
  const values = text.split('|')
  for (const [index, name] of definition.labels.entries()) labels[name] = values[index] ?? ''
  return labels
}

function overflow(definition: MetricDefinition): string {
  return definition.labels.map(() => 'other').join('|')
}
