/**
 * Clocks of several nodes made one. How far another node's clock is off is known from its answer to within half a round trip; messages
 * between two nodes say more: none arrives before it was sent. What is left of the uncertainty is halved, and where a clock was set
 * during the call, so that no offset fits, the times that cannot be are moved until they can. Our own times are never touched.
 */
import type { WallTime } from '../common/time.ts'
import type { TraceEvent } from './events.ts'
import type { TracePart } from './merge.ts'
import { sightings, type Sighting } from './sightings.ts'

/** The shortest flight that is believed, so that what a message caused is never listed before it: a microsecond. */
const FLIGHT_MIN_MS = 0.001

/** The parts with all times in ours, and with what was added to them. */
export function inOurTime(own: readonly TraceEvent[], parts: readonly TracePart[]): TracePart[] {
  let settled = own
  return parts.map((part) => {
    // Our own word counts before that of others: none of them can move the part of a third one that talked to us.
    const ours = sightings([...own, ...part.events])
    const pairs = ours.length > 0 ? ours : sightings([...settled, ...part.events])
    const moved = placed(part, boundsOf(part.node, pairs))
    settled = [...settled, ...moved.events]
    return moved
  })
}

/** What our time was at least, or at most, when the node saw these. */
interface Bounds {
  readonly earliest: ReadonlyMap<TraceEvent, WallTime>
  readonly latest: ReadonlyMap<TraceEvent, WallTime>
}

function boundsOf(node: string, pairs: readonly Sighting[]): Bounds {
  const earliest = new Map<TraceEvent, WallTime>()
  const latest = new Map<TraceEvent, WallTime>()
  for (const { departure, arrival } of pairs) {
    if (departure.node === arrival.node) continue
    if (arrival.node === node) earliest.set(arrival, departure.at + FLIGHT_MIN_MS)
    if (departure.node === node) latest.set(departure, arrival.at - FLIGHT_MIN_MS)
  }
  return { earliest, latest }
}

function placed(part: TracePart, bounds: Bounds): TracePart {
  const clockOffset = offsetOf(part, bounds)
  const events = part.events.toSorted((a, b) => a.at - b.at)
  const times = events.map(({ at }) => at + clockOffset)
  // Both do nothing where the offset fits; in the order in which the node saw things they stay.
  let least = Number.NEGATIVE_INFINITY
  for (const [index, event] of events.entries()) {
    least = Math.max(least, bounds.earliest.get(event) ?? least)
    times[index] = Math.max(times[index] as number, least)
  }
  let most = Number.POSITIVE_INFINITY
  for (let index = events.length - 1; index >= 0; index--) {
    most = Math.min(most, bounds.latest.get(events[index] as TraceEvent) ?? most)
    times[index] = Math.min(times[index] as number, most)
  }
  return {
    ...part,
    clockOffset,
    events: events.map((event, index) => {
      const at = times[index] as number
      // What took time ends as much later as it began.
      return { ...event, at, ...(event.endAt === undefined ? {} : { endAt: event.endAt - event.at + at }) }
    }),
  }
}

/** The middle of what is possible: by the node's answer, by messages in both directions, by both if they agree. */
function offsetOf({ clockOffset, clockError }: TracePart, { earliest, latest }: Bounds): number {
  let low = Number.NEGATIVE_INFINITY
  let high = Number.POSITIVE_INFINITY
  for (const [event, time] of earliest) low = Math.max(low, time - event.at)
  for (const [event, time] of latest) high = Math.min(high, time - event.at)
  const [narrowLow, narrowHigh] = [
    Math.max(low, clockOffset - clockError),
    Math.min(high, clockOffset + clockError),
  ]
  if (narrowLow <= narrowHigh) return (narrowLow + narrowHigh) / 2
  if (low === Number.NEGATIVE_INFINITY) return high
  return high === Number.POSITIVE_INFINITY ? low : (low + high) / 2
}
