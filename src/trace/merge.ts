/** What several nodes saw of one call, as one list: a message that left here and arrived there is one step. */
import type { TraceEvent } from './events.ts'
import { sightings } from './sightings.ts'

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
  /** What to add to its times to get ours, by its own answer; `inOurTime` makes it better, and adds it. */
  readonly clockOffset: number
  /** So much may that be wrong, either way: half the round trip of the answer. */
  readonly clockError: number
}

/** Of parts whose times are ours (`clocks.ts`). */
export function merged(own: readonly TraceEvent[], parts: readonly TracePart[]): TraceEvent[] {
  const events = [...own, ...parts.flatMap(({ events: theirs }) => theirs)]
  const paths = new Map<string, readonly string[]>()
  for (const { node, served } of parts) {
    for (const { transaction, path } of served) paths.set(transaction, [...path, node])
  }
  return paired(events)
    .map((event) => withPath(event, paths))
    .toSorted((a, b) => a.at - b.at)
}

function withPath(event: TraceEvent, paths: ReadonlyMap<string, readonly string[]>): TraceEvent {
  const path = event.transaction === undefined ? undefined : paths.get(event.transaction)
  return path === undefined ? event : { ...event, path }
}

/** Sightings of one message by both ends become one event. */
function paired(events: readonly TraceEvent[]): TraceEvent[] {
  const arrivals = new Map<TraceEvent, TraceEvent>()
  const twice = new Set<TraceEvent>()
  for (const { departure, arrival } of sightings(events)) {
    arrivals.set(departure, arrival)
    twice.add(arrival)
  }
  return events
    .filter((event) => !twice.has(event))
    .map((event) => {
      const arrival = arrivals.get(event)
      return arrival === undefined || arrival.at < event.at ? event : { ...event, endAt: arrival.at }
    })
}
