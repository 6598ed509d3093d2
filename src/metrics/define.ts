/** How a metric is described, and short words for writing the catalogue. */
import { SECONDS_BUCKETS } from '../common/instruments.ts'

export interface MetricDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Label sets present with value 0 from the start, values joined with `|` in the order of `labels`. */
  readonly initial: readonly string[]
  /** Upper bounds of a histogram. */
  readonly buckets: readonly number[]
}

/** All label sets of lists of values, each list a text with blanks between the values. */
export function product(...lists: readonly string[]): string[] {
  let sets = ['']
  for (const [index, list] of lists.entries()) {
    sets = sets.flatMap((set) => list.split(' ').map((value) => (index === 0 ? value : `${set}|${value}`)))
  }
  return sets
}

export function counter(
  name: string,
  help: string,
  labels = '',
  initial: readonly string[] = [''],
): MetricDefinition {
  return define('counter', name, help, labels, initial, [])
}

export function gauge(
  name: string,
  help: string,
  labels = '',
  initial: readonly string[] = [''],
): MetricDefinition {
  return define('gauge', name, help, labels, initial, [])
}

export function histogram(
  name: string,
  help: string,
  labels = '',
  initial: readonly string[] = [''],
  buckets: readonly number[] = SECONDS_BUCKETS,
): MetricDefinition {
  return define('histogram', name, help, labels, initial, buckets)
}

function define(
  type: MetricDefinition['type'],
  name: string,
  help: string,
  labels: string,
  initial: readonly string[],
  buckets: readonly number[],
): MetricDefinition {
  return {
    type,
    name: `p2psip_${name}`,
    help,
    labels: labels === '' ? [] : labels.split(' '),
    initial,
    buckets,
  }
}
