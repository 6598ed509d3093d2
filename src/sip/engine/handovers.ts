/**
 * Requests that the engine is told to send to the embedded stack of this very node, because they go where the engine cannot
 * send them. What has been decided about them waits here under an unguessable name, which they bring along in a header field:
 * nobody else can claim it, and nothing is looked up or proven twice. (The Request-URI would do as well, but an engine that
 * does not know the domain for its own leaves that as it was.)
 */
import { NEVER, type Millis } from '../../common/time.ts'
import { Edit, parseMessage, type SipMessage } from '../message/index.ts'
import type { CallerIdentity, Target, TargetPath } from '../proxy/index.ts'

/** Timer B: after this the engine has given up sending it. */
const KEPT_MS: Millis = 32_000
/** Requests under way between two processes on one machine; each is small. */
const HANDOVERS_MAX = 20_000

export const HANDOVER_HEADER = 'X-Ringbridge-Handover'
const HEADER = HANDOVER_HEADER.toLowerCase()

/** The name that a request brings along. */
export function claimOf(message: SipMessage): string | undefined {
  return message.header(HEADER)
}

/** The request as it goes on: the name is used up, and nobody's business. */
export function withoutClaim(message: SipMessage): SipMessage {
  const edit = new Edit(message)
  edit.remove(HEADER)
  const parsed = parseMessage(edit.toBytes())
  return parsed.ok ? parsed.value : message
}

export interface Handover {
  readonly targets: readonly Target[]
  readonly caller: CallerIdentity
  readonly path: TargetPath
}

export class Handovers {
  /** In order of their end, which is the order in which they came. */
  private readonly waiting = new Map<string, { readonly handover: Handover; readonly until: Millis }>()

  get size(): number {
    return this.waiting.size
  }

  /** False when there is no room. */
  put(now: Millis, name: string, handover: Handover): boolean {
    if (this.waiting.size >= HANDOVERS_MAX) return false
    this.waiting.set(name, { handover, until: now + KEPT_MS })
    return true
  }

  /** Each can be taken once. */
  take(name: string): Handover | undefined {
    const entry = this.waiting.get(name)
    this.waiting.delete(name)
    return entry?.handover
  }

  nextDeadline(): Millis {
    const first = this.waiting.values().next()
    return first.done === true ? NEVER : first.value.until
  }

  expire(now: Millis): void {
    for (const [name, { until }] of this.waiting) {
      if (until > now) return
      this.waiting.delete(name)
    }
  }
}
