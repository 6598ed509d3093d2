/** Answers of our own: by a transaction, or stateless where none shall be kept (RFC 3261 s.8.2.7). */
import type { Millis } from '../../common/time.ts'
import { buildResponse, statelessTag, type ParseFault } from '../message/index.ts'
import type { ForkContext, ClientUser } from '../proxy/index.ts'
import {
  incomingRequest,
  type Hop,
  type IncomingRequest,
  type ServerTransaction,
  type Transactions,
  type Wire,
} from '../transaction/index.ts'
import type { Front } from '../engine/index.ts'
import type { RandomText } from './random-text.ts'

export type Headers = readonly (readonly [string, string])[]

export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers?: Headers
}

export class Replies {
  private readonly wire: Wire
  private readonly transactions: Transactions<ForkContext, ClientUser>
  private readonly texts: RandomText
  private readonly secret: Uint8Array
  private readonly front: Front | undefined

  constructor(
    components: {
      readonly front: Front | undefined
      readonly wire: Wire
      readonly transactions: Transactions<ForkContext, ClientUser>
      readonly texts: RandomText
    },
    init: { readonly secret: Uint8Array },
  ) {
    this.front = components.front
    this.wire = components.wire
    this.transactions = components.transactions
    this.texts = components.texts
    this.secret = init.secret
  }

  send(now: Millis, server: ServerTransaction<ForkContext>, incoming: IncomingRequest, reply: Reply): void {
    const { message, topVia, question } = incoming
    const { status, reason, headers } = reply
    if (question !== undefined) {
      this.transactions.drop(server)
      this.decide(question, incoming, reply)
      return
    }
    const bytes = buildResponse(message, status, reason, { toTag: this.texts.hex(6), topVia, headers })
    this.transactions.answer(now, server, status, bytes)
  }

  /** The same for a request that is answered as soon as it has its transaction. */
  begin(now: Millis, key: string, incoming: IncomingRequest, reply: Reply): void {
    this.send(now, this.transactions.accept(key, incoming.message.method, incoming.replyTo), incoming, reply)
  }

  /**
   * The final answer to a request that has no transaction yet. That to an INVITE gets none (RFC 3261 s.8.2.7): it would be repeated for half a minute, to
   * an address that may be forged (docs/adr/0027-what-strangers-cannot-do.md). Whoever has sent the INVITE repeats it until it is answered.
   */
  refuse(now: Millis, key: string, incoming: IncomingRequest, reply: Reply): void {
    if (incoming.message.method === 'INVITE') this.stateless(incoming, reply)
    else this.begin(now, key, incoming, reply)
  }

  /** The same answer for every copy of the request; nothing is remembered. Never for an ACK. */
  stateless(incoming: IncomingRequest, reply: Reply): void {
    const { message, topVia, replyTo, question } = incoming
    if (message.method === 'ACK') return
    if (question !== undefined) {
      this.decide(question, incoming, reply)
      return
    }
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

  /** The same for a request that the engine in front asks about: it waits for an answer whatever came. */
  askedFault(fault: ParseFault, source: Hop, question: number): void {
    const { partial, status = 400, reason, headers } = fault
    this.front?.answer(question, status, reason, headers ?? [])
    if (partial !== undefined)
      this.transactions.traffic.responseSent(partial.method, status, source.transport)
  }

  private decide(question: number, { message, source }: IncomingRequest, reply: Reply): void {
    this.front?.answer(question, reply.status, reply.reason, reply.headers ?? [])
    this.transactions.traffic.responseSent(message.method, reply.status, source.transport)
  }
}
