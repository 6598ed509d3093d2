/** What several nodes saw of one call, as one list: a message that left here and arrived there is one step. */
import type { WallTime } from '../common/time.ts'
import type { TraceEvent } from './events.ts'

/** A request that some node answered, as it remembers it. */
export interface ServedRequest {
  /** 64-bit id in hex. */
  readonly transaction: string
  readonly method: string
  /** Nodes in hex that it passed, the asker first; the node that answered is not among them. */
  readonly path: readonly string[]
}

/** The part of another node. */
export interface TracePart {
  readonly node: string
  readonly events: readonly TraceEvent[]
  readonly served: readonly ServedRequest[]
  /** What to add to its times to get ours. */
  readonly clockOffset: number
}

export function merged(own: readonly TraceEvent[], parts: readonly TracePart[]): TraceEvent[] {
  const events = [...own, ...parts.flatMap(({ events: theirs, clockOffset }) => shifted(theirs, clockOffset))]
  const paths = new Map<string, readonly string[]>()
  for (const { node, served } of parts) {
    for (const { transaction, path } of served) paths.set(transaction, [...path, node])
  }
  return paired(events)
    .map((event) => withPath(event, paths))
    .toSorted((a, b) => a.at - b.at)
}

function shifted(events: readonly TraceEvent[], by: number): TraceEvent[] {
  return events.map((event) => ({
    ...event,
    at: event.at + by,
    ...(event.endAt === undefined ? {} : { endAt: event.endAt + by }),
  }))
}

function withPath(event: TraceEvent, paths: ReadonlyMap<string, readonly string[]>): TraceEvent {
  const path = event.transaction === undefined ? undefined : paths.get(event.transaction)
  return path === undefined ? event : { ...event, path }
}

/** Sightings of one message by both ends become one event; a repeated message pairs with its own repetition. */
function paired(events: readonly TraceEvent[]): TraceEvent[] {
  const sent = new Map<string, TraceEvent[]>()
  for (const event of events) {
    if (event.match === undefined || event.from !== `node ${event.node}`) continue
    const name = sightingOf(event)
    const list = sent.get(name)
    if (list === undefined) sent.set(name, [event])
    else list.push(event)
  }
  const arrivals = new Map<TraceEvent, WallTime>()
  const rest = events.filter((event) => {
    if (event.match === undefined || event.from === `node ${event.node}`) return true
    const departure = sent.get(sightingOf(event))?.shift()
    if (departure === undefined) return true
    arrivals.set(departure, event.at)
    return false
  })
  return rest.map((event) => {
    const arrivedAt = arrivals.get(event)
    return arrivedAt === undefined || arrivedAt < event.at ? event : { ...event, endAt: arrivedAt }
  })
}

function sightingOf({ from, to, match }: TraceEvent): string {
  return `${from}|${to}|${match ?? ''}`
}
