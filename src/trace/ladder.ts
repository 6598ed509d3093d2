/** A trace as a ladder: who takes part from left to right, and one row a step. */
import { NODE_PREFIX, type TraceEvent } from './events.ts'
import { addressIn, headerOf } from './sip-text.ts'

export interface LadderColumn {
  /** Participant as the events name it. */
  readonly id: string
  readonly title: string
  readonly subtitle: string
  readonly isNode: boolean
}

export interface LadderRow {
  /** Milliseconds since the first step. */
  readonly offsetMs: number
  /** Milliseconds that the step took, where that is known. */
  readonly tookMs: number | undefined
  readonly kind: TraceEvent['kind']
  /** Columns that it touches, in its direction; at least two. */
  readonly stops: readonly number[]
  readonly label: string
  readonly detail: string
  readonly fault: string | undefined
}

export interface Ladder {
  readonly columns: readonly LadderColumn[]
  readonly rows: readonly LadderRow[]
}

/** More participants would not fit any screen. */
const COLUMNS_MAX = 12

/** `self` is the node that shows it, in hex. */
export function ladderOf(events: readonly TraceEvent[], self: string): Ladder {
  const ids = participants(events)
  const names = phoneNames(events)
  const columns = ids.map((id): LadderColumn => {
    const hex = id.startsWith(NODE_PREFIX) ? id.slice(NODE_PREFIX.length) : undefined
    if (hex === undefined)
      return {
        id,
        title: names.get(id) ?? (id === 'overlay' ? 'overlay' : 'phone'),
        subtitle: id,
        isNode: false,
      }
    return { id, title: hex.slice(0, 8), subtitle: hex === self ? 'this node' : 'node', isNode: true }
  })
  const began = events[0]?.at ?? 0
  const rows: LadderRow[] = []
  for (const event of events) {
    const stops = stopsOf(event).map((id) => ids.indexOf(id))
    if (stops.includes(-1)) continue
    rows.push({
      offsetMs: event.at - began,
      tookMs: event.endAt === undefined ? undefined : event.endAt - event.at,
      kind: event.kind,
      stops,
      label: event.label,
      detail: event.detail,
      fault: event.fault,
    })
  }
  return { columns, rows }
}

/** In order of their first step, which is the order in which a call passes them. */
function participants(events: readonly TraceEvent[]): string[] {
  const ids: string[] = []
  for (const event of events) {
    for (const id of stopsOf(event)) if (!ids.includes(id) && ids.length < COLUMNS_MAX) ids.push(id)
  }
  return ids
}

function stopsOf({ from, to, path }: TraceEvent): string[] {
  if (path === undefined || path.length < 2) return [from, to]
  return path.map((hex) => NODE_PREFIX + hex)
}

/** Phones by what the first request says: who sends it is From, who gets it in the end is To. */
function phoneNames(events: readonly TraceEvent[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { kind, from, to, message } of events) {
    if (kind !== 'sip' || message === undefined || message.startsWith('SIP/2.0')) continue
    const isNew = (id: string): boolean => !id.startsWith(NODE_PREFIX) && !names.has(id)
    if (isNew(from)) names.set(from, addressIn(headerOf(message, 'from', 'f')))
    if (isNew(to)) names.set(to, addressIn(headerOf(message, 'to', 't')))
  }
  return names
}
