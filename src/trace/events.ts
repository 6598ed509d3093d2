/** What was recorded of a call, as one list for people and programs: who said what to whom, and when. */
import { fromUtf8 } from '../common/bytes.ts'
import type { WallTime } from '../common/time.ts'
import type { CallNote, JourneyNote } from '../adapter/index.ts'
import type { Recorded, RecordedCall, RecordedMessage, TraceHop } from './recorded.ts'
import { headerOf, startLineOf } from './sip-text.ts'

/**
 * One step. `from` and `to` are participants: `node <hex Node-ID>`, or transport and address of a phone. Steps that took time
 * begin at `at` and end at `endAt`.
 */
export interface TraceEvent {
  readonly at: WallTime
  readonly endAt?: WallTime | undefined
  /** Node-ID in hex of the node that saw it. */
  readonly node: string
  readonly kind: 'sip' | 'lookup' | 'store' | 'flow'
  readonly from: string
  readonly to: string
  readonly label: string
  /** One line more; '' when there is nothing to add. */
  readonly detail: string
  /** The SIP message with its secrets covered. */
  readonly message?: string | undefined
  /** What makes two sightings of one message the same: CSeq and branch. */
  readonly match?: string | undefined
  /** 64-bit id of the RELOAD transaction, in hex. */
  readonly transaction?: string | undefined
  /** Nodes that the request passed, beginning with the asker, as far as known. */
  readonly path?: readonly string[] | undefined
  readonly fault?: string | undefined
}

export const NODE_PREFIX = 'node '

export function nodeName(hex: string): string {
  return NODE_PREFIX + hex
}

/** The steps of one call as this node saw them, in order. `self` is its Node-ID in hex. */
export function eventsOf(call: RecordedCall, self: string): TraceEvent[] {
  return call.entries.map((entry) => rounded(eventOf(entry, self))).toSorted((a, b) => a.at - b.at)
}

/** To microseconds: sums of clocks differ in digits that mean nothing and would change the order of what happened at once. */
function rounded(event: TraceEvent): TraceEvent {
  const { at, endAt } = event
  return { ...event, at: micros(at), ...(endAt === undefined ? {} : { endAt: micros(endAt) }) }
}

/** Milliseconds without what is less than a microsecond. */
export function micros(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

export function eventOf(entry: Recorded, self: string): TraceEvent {
  return entry.kind === 'message' ? messageEvent(entry, self) : noteEvent(entry.at, entry.note, self)
}

function messageEvent(entry: RecordedMessage, self: string): TraceEvent {
  const text = messageText(entry)
  const far = hopName(entry.hop)
  const here = nodeName(self)
  const [from, to] = entry.direction === 'in' ? [far, here] : [here, far]
  const cseq = headerOf(text, 'cseq', '')
  const via = headerOf(text, 'via', 'v')
  const branch = /;\s*branch=([^;,\s]+)/i.exec(via)?.[1] ?? ''
  return {
    at: entry.at,
    node: self,
    kind: 'sip',
    from,
    to,
    label: startLineOf(text),
    detail: entry.status === 0 ? `CSeq ${cseq}` : `to ${entry.method}`,
    message: text,
    match: `${startLineOf(text)}|${cseq}|${branch}`,
  }
}

/** Head and body as text; what was left out is said. */
export function messageText({ bytes, omitted }: RecordedMessage): string {
  const text = fromUtf8(bytes).replaceAll('\r\n', '\n')
  return omitted === 0 ? text : `${text}[${omitted} bytes not kept]`
}

export function hopName({ transport, host, port }: TraceHop): string {
  if (transport === 'peer') return nodeName(host)
  return `${transport} ${host.includes(':') ? `[${host}]` : host}:${port}`
}

function noteEvent(at: WallTime, note: CallNote, self: string): TraceEvent {
  const here = nodeName(self)
  switch (note.kind) {
    case 'lookup': {
      const { responder } = note.journey ?? {}
      return {
        ...journeyEvent(at, note.tookMs, note.journey),
        node: self,
        kind: 'lookup',
        from: here,
        to: responder === undefined ? 'overlay' : nodeName(responder),
        label: `Fetch ${note.aor}`,
        detail: `${found(note.targets)} at ${note.resource}${journeyText(note.journey)}`,
        fault: note.fault,
      }
    }
    case 'store': {
      const { responder, rttMs } = note.journey ?? {}
      const copies = note.replicas.length
      return {
        ...journeyEvent(at, rttMs ?? 0, note.journey),
        node: self,
        kind: 'store',
        from: here,
        to: responder === undefined ? 'overlay' : nodeName(responder),
        label: 'Store registration',
        detail: `${copies} ${copies === 1 ? 'copy' : 'copies'} of ${note.resource}${journeyText(note.journey)}`,
        fault: note.fault,
      }
    }
    case 'flow':
      return {
        ...journeyEvent(at, note.tookMs, note.journey),
        node: self,
        kind: 'flow',
        from: here,
        to: nodeName(note.node),
        label: note.how === 'reused' ? 'flow reused' : note.how === 'opened' ? 'AppAttach, TLS' : 'AppAttach',
        detail: flowText(note),
        fault: note.fault,
      }
  }
}

function journeyEvent(
  end: WallTime,
  tookMs: number,
  journey: JourneyNote | undefined,
): Pick<TraceEvent, 'at' | 'endAt' | 'transaction'> {
  return { at: end - tookMs, endAt: tookMs > 0 ? end : undefined, transaction: journey?.transaction }
}

function found(targets: readonly string[]): string {
  if (targets.length === 0) return 'nobody'
  return targets.length === 1 ? 'one target' : `${targets.length} targets`
}

function journeyText(journey: JourneyNote | undefined): string {
  if (journey === undefined) return ''
  const { hops, rttMs, sends } = journey
  const way = hops === 0 ? 'here' : `${hops} ${hops === 1 ? 'hop' : 'hops'}`
  return `, ${way}, ${milliseconds(rttMs)}${sends > 1 ? `, sent ${sends} times` : ''}`
}

function flowText({ how, tookMs, journey, handshakeMs }: Extract<CallNote, { kind: 'flow' }>): string {
  if (how === 'reused') return 'open since an earlier call'
  const attach = journey === undefined ? '' : `AppAttach ${milliseconds(journey.rttMs)}, `
  const tls = handshakeMs === undefined ? '' : `TLS ${milliseconds(handshakeMs)}, `
  return `${attach}${tls}${milliseconds(tookMs)} in all`
}

export function milliseconds(ms: number): string {
  return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`
}
