/**
 * Streams whose phones have promised to show that they are alive (RFC 5626 s.4.4.1, RFC 6223): one that is silent for longer than that,
 * and the grace on top, is dead, whatever its operating system says.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { IncomingRequest } from '../transaction/index.ts'

/** RFC 5626 s.4.4.2: NATs forget datagrams after half a minute. */
const DATAGRAM_KEEP_S = 29

/** What is kept of a stream. */
export interface Listened<F> {
  /** When bytes came last, and how long none may come once keep-alives have been agreed on. */
  heardAt: Millis
  silenceMs: Millis
  silenceDeadline: Deadline<F> | undefined
}

export class KeepAlives<F extends Listened<F>> {
  private readonly deadlines = new Deadlines<F>()

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** From now on the far end of a stream is heard at least this often. */
  expect(now: Millis, flow: F, withinMs: Millis): void {
    flow.silenceMs = withinMs
    flow.heardAt = now
    flow.silenceDeadline ??= this.deadlines.set(now + withinMs, flow)
  }

  forget(flow: F): void {
    this.deadlines.cancel(flow.silenceDeadline)
    flow.silenceDeadline = undefined
  }

  /** The next flow that has been silent for too long. Every byte counts, so refreshes and calls do as well. */
  silent(now: Millis): F | undefined {
    for (let flow = this.deadlines.pop(now); flow !== undefined; flow = this.deadlines.pop(now)) {
      flow.silenceDeadline = undefined
      const at = flow.heardAt + flow.silenceMs
      if (at <= now) return flow
      flow.silenceDeadline = this.deadlines.set(at, flow)
    }
    return undefined
  }
}

/** Streams on which keep-alives of RFC 5626 are all there is; a WebSocket has its own (RFC 7118 s.6). */
export function isKeptByCrlf(transport: string): boolean {
  return transport === 'tcp' || transport === 'tls'
}

/**
 * S6223-4.4-01: the top Via with the answer to `keep`, how often to send keep-alives; undefined when nobody has asked. `seconds` is for
 * streams.
 */
export function keepAnswered(incoming: IncomingRequest, seconds: number): string | undefined {
  const { topVia: via } = incoming.message
  if (!via.raw.includes('keep') || via.params.get('keep') !== '') return undefined
  const text = incoming.topVia ?? via.raw
  const at = text.search(/;\s*keep\s*(?=;|$)/)
  if (at < 0) return undefined
  const interval = incoming.source.transport === 'udp' ? Math.min(seconds, DATAGRAM_KEEP_S) : seconds
  return `${text.slice(0, at)};keep=${interval}${text.slice(at).replace(/^;\s*keep\s*/, '')}`
}
