/** One message seen by two nodes: the one that sent it and the one that got it. */
import { nodeName, type TraceEvent } from './events.ts'

/** Both ends of one message, as two nodes saw it. */
export interface Sighting {
  readonly departure: TraceEvent
  readonly arrival: TraceEvent
}

/** Messages of which both ends are among the events; a repeated message pairs with its own repetition. */
export function sightings(events: readonly TraceEvent[]): Sighting[] {
  const sent = new Map<string, TraceEvent[]>()
  for (const event of events) {
    if (event.match === undefined || !leaves(event)) continue
    const name = nameOf(event)
    const list = sent.get(name)
    if (list === undefined) sent.set(name, [event])
    else list.push(event)
  }
  return events.flatMap((arrival) => {
    if (arrival.match === undefined || leaves(arrival)) return []
    const departure = sent.get(nameOf(arrival))?.shift()
    return departure === undefined ? [] : [{ departure, arrival }]
  })
}

/** Seen by the one that sent it. */
function leaves({ from, node }: TraceEvent): boolean {
  return from === nodeName(node)
}

function nameOf({ from, to, match }: TraceEvent): string {
  return `${from}|${to}|${match ?? ''}`
}
