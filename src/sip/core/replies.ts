/** Answers of our own: by a transaction, or stateless where none shall be kept (RFC 3261 s.8.2.7). */
import type { Millis } from '../../common/time.ts'
import { buildResponse, statelessTag, type ParseFault } from '../message/index.ts'
import type { ForkContext, Branch } from '../proxy/index.ts'
import {
  incomingRequest,
  type Hop,
  type IncomingRequest,
  type ServerTransaction,
  type Transactions,
  type Wire,
} from '../transaction/index.ts'
import type { RandomText } from './random-text.ts'

export type Headers = readonly (readonly [string, string])[]

export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers?: Headers
}

export class Replies {
  private readonly wire: Wire
  private readonly transactions: Transactions<ForkContext, Branch>
  private readonly texts: RandomText
  private readonly secret: Uint8Array

  constructor(
    components: {
      readonly wire: Wire
      readonly transactions: Transactions<ForkContext, Branch>
      readonly texts: RandomText
    },
    init: { readonly secret: Uint8Array },
  ) {
    this.wire = components.wire
    this.transactions = components.transactions
    this.texts = components.texts
    this.secret = init.secret
  }

  send(now: Millis, server: ServerTransaction<ForkContext>, incoming: IncomingRequest, reply: Reply): void {
    const { message, topVia } = incoming
    const { status, reason, headers } = reply
    const bytes = buildResponse(message, status, reason, { toTag: this.texts.hex(6), topVia, headers })
    this.transactions.answer(now, server, status, bytes)
  }

  /** The same answer for every copy of the request; nothing is remembered. Never for an ACK. */
  stateless(incoming: IncomingRequest, reply: Reply): void {
    const { message, topVia, replyTo } = incoming
    if (message.method === 'ACK') return
    const { status, reason, headers } = reply
    const toTag = statelessTag(this.secret, message)
    this.wire.respond(replyTo, buildResponse(message, status, reason, { toTag, topVia, headers }))
    this.transactions.traffic.responseSent(message.method, status, replyTo.transport)
  }

  /** What the parser could not use (sip-requirements s.11). Without a usable Via the reply goes back where it came from. */
  fault(now: Millis, fault: ParseFault, source: Hop): void {
    const { partial, status, reason, headers } = fault
    if (partial === undefined || status === undefined) return
    const incoming = partial.hasUsableVia
      ? incomingRequest(partial, source, now)
      : { message: partial, source, replyTo: source, topVia: undefined, arrivedAt: now }
    this.stateless(incoming, headers === undefined ? { status, reason } : { status, reason, headers })
  }
}
