/**
 * The framer of transports that keep message boundaries themselves (RFC 7118 s.5): every piece that comes is one SIP message, with or
 * without Content-Length, or a keep-alive.
 */
import { DEFAULT_PARSE_LIMITS, parseMessage, type ParseLimits } from '../message/index.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import type { FramerOutput } from './stream-framer.ts'

const NOTHING: FramerOutput[] = []
const PING: FramerOutput[] = [{ kind: 'ping' }]

export class MessageFramer {
  private readonly limits: ParseLimits

  constructor(limits: ParseLimits = DEFAULT_PARSE_LIMITS) {
    this.limits = limits
  }

  push(bytes: Uint8Array): FramerOutput[] {
    if (isLineEnds(bytes)) return bytes.length >= 4 ? PING : NOTHING
    const parsed = parseMessage(bytes, this.limits)
    if (parsed.ok) return [{ kind: 'message', message: parsed.value }]
    // Where the next message starts is known whatever this one is like.
    return [{ kind: 'fault', fault: { ...parsed.error, close: false } }]
  }

  /** Nothing is ever half there: nothing is held, late or given up. */
  readonly heldBytes = 0

  nextDeadline(): Millis {
    return NEVER
  }

  expired(): undefined {
    return undefined
  }

  abandon(): undefined {
    return undefined
  }
}

/** RFC 5626 s.3.5.1: double CRLF asks, a single one answers. */
function isLineEnds(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 13 && byte !== 10) return false
  return true
}
