/**
 * E56: faults of our own. One request that trips over one, or the one whose response does, is all that is lost; the calls of everybody else go on.
 * A transaction that waits for the answer of its user has no timer, so that whatever was broken off is given up here.
 */
import type { Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import { isUnanswered, type Hop, type IncomingRequest } from '../transaction/index.ts'
import type { SipParts } from './parts.ts'
import type { Reply } from './replies.ts'

const BROKEN: Reply = { status: 500, reason: 'Server Internal Error' }

export class OwnFaults {
  private readonly parts: SipParts
  private readonly trace: Trace

  constructor(parts: SipParts, trace: Trace) {
    this.parts = parts
    this.trace = trace
  }

  /** Over a request: it gets 500, by the transaction with this key if it has begun one. */
  request(now: Now, key: string | undefined, incoming: IncomingRequest, error: unknown): void {
    const { transactions, replies } = this.parts
    const { source, message } = incoming
    this.tell(source, message.method, error)
    const server = key === undefined ? undefined : transactions.server(key)
    if (server === undefined) {
      this.guard(source, message.method, () => replies.stateless(incoming, BROKEN))
      return
    }
    this.guard(source, message.method, () => {
      server.user?.giveUp(now.ms)
      if (isUnanswered(server)) replies.send(now.ms, server, incoming, BROKEN)
    })
    if (isUnanswered(server)) transactions.drop(server)
  }

  /** Over something that a request under way depends on. */
  during(source: Hop, method: string, error: unknown, giveUp: () => void): void {
    this.tell(source, method, error)
    this.guard(source, method, giveUp)
  }

  private guard(source: Hop, method: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.tell(source, method, error)
    }
  }

  private tell(source: Hop, method: string, error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error)
    this.parts.instruments.sipMalformed.add(`internal|${source.transport}`)
    this.trace({ level: 'error', area: 'sip', event: 'internal_error', method, stack })
  }
}
