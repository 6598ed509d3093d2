/**
 * The table of all transactions: finds the one a message belongs to, drives its timers, bounds their number. Does no I/O;
 * what must be sent goes to the wire, what users must learn waits in `takeFailures`.
 */
import { Deadlines } from '../../common/deadlines.ts'
import { Tally } from '../../common/instruments.ts'
import type { Millis } from '../../common/time.ts'
import { type SipMessage } from '../message/index.ts'
import { AnsweredRequests } from './answered-requests.ts'
import { ClientTable } from './client-table.ts'
import { ANSWER_BYTES, HeldAnswers } from './held-answers.ts'
import type { Hop, Wire } from './hop.ts'
import { stepInviteClient } from './invite-client.ts'
import { stepInviteServer } from './invite-server.ts'
import type {
  AnyTransaction,
  ClientEvent,
  ClientTransaction,
  Machinery,
  ServerTransaction,
  TimeoutTimer,
} from './machinery.ts'
import { LateTrying } from './late-trying.ts'
import { clientKey } from './matching.ts'
import { stepNonInviteClient } from './non-invite-client.ts'
import { stepNonInviteServer } from './non-invite-server.ts'
import { ServerTable } from './server-table.ts'
import { Traffic } from './traffic.ts'

export type TransactionKind = 'ict' | 'ist' | 'nict' | 'nist'

/** A client transaction that will bring no answer. */
export interface ClientFailure<C> {
  readonly client: ClientTransaction<C>
  readonly cause: 'timeout' | 'transport'
}

export class Transactions<S, C> implements Machinery {
  readonly retransmissions = new Tally(['request|in', 'request|out', 'response|in', 'response|out'])
  readonly timeouts = new Tally(['B', 'F', 'H'])
  readonly traffic = new Traffic()
  readonly late = new LateTrying<S>((now, server, status, bytes) => this.answer(now, server, status, bytes))
  readonly active: Record<TransactionKind, number> = { ict: 0, ist: 0, nict: 0, nist: 0 }

  private readonly wire: Wire
  /** Read at every use: they may change. */
  private readonly limits: { readonly transactionsMax: number }
  private readonly servers = new ServerTable<S>()
  private readonly clients = new ClientTable<C>()
  private readonly deadlines = new Deadlines<AnyTransaction>()
  private failures: ClientFailure<C>[] = []
  /** Non-INVITE server transactions over datagrams and with peers in their last state. */
  private readonly answered: AnsweredRequests
  /** Answers of all others that wait for an ACK or a repetition. */
  private readonly held = new HeldAnswers()

  /** `seed` is a number that strangers do not know. */
  constructor(
    components: { readonly wire: Wire; readonly seed?: number },
    init: { readonly transactionsMax: number },
  ) {
    this.wire = components.wire
    this.answered = new AnsweredRequests(components.seed ?? 0)
    this.limits = init
  }

  /** Those under way. Answered requests of datagrams, which only wait for their repetitions, have a bound of their own. */
  get size(): number {
    return this.servers.size + this.clients.size
  }

  /** So much of the room for transactions is taken, 0 to 1: at 1 no request begins another one; those under way are served to their end. */
  get taken(): number {
    return this.size / this.limits.transactionsMax
  }

  /** Requests without an answer take more than 1 KiB for each transaction there may be: long ones, to many who do not answer. */
  get crowded(): boolean {
    return this.clients.bytes > this.limits.transactionsMax * ANSWER_BYTES
  }

  /** Twice as much as that. */
  get overcrowded(): boolean {
    return this.clients.bytes > 2 * this.limits.transactionsMax * ANSWER_BYTES
  }

  /** Whether more than half of the requests that are served now came from that peer. */
  isMostlyOf(peer: string): boolean {
    return 2 * this.servers.of(peer) > this.servers.size
  }

  nextDeadline(): Millis {
    return Math.min(this.deadlines.next(), this.answered.nextDeadline(), this.late.nextDeadline())
  }

  server(key: string): ServerTransaction<S> | undefined {
    const known = this.servers.find(key)
    if (known !== undefined) return known
    const answered = this.answered.find(key)
    if (answered === undefined) return undefined
    const { hop, response } = answered
    // The method is wanted for the first answer alone.
    return { ...newServer<S>(key, '', hop), state: 'completed', response }
  }

  /** A repeated request, or the ACK of a failure. */
  repeat(now: Millis, transaction: ServerTransaction<S>, event: 'request' | 'ack'): void {
    if (transaction.invite) stepInviteServer(transaction, event, now, this)
    else if (event === 'request') stepNonInviteServer(transaction, event, now, this)
  }

  /** Begins a server transaction for a request that matched none. `hop` is where its responses go. */
  accept(key: string, method: string, hop: Hop): ServerTransaction<S> {
    const transaction = newServer<S>(key, method, hop)
    this.servers.add(transaction)
    this.active[transaction.invite ? 'ist' : 'nist']++
    return transaction
  }

  /** Sends a response; one for a transaction that has ended (RFC 6026 s.8.3), or has its final response, is discarded. */
  answer(now: Millis, transaction: ServerTransaction<S>, status: number, bytes: Uint8Array): void {
    const { state } = transaction
    if (state === 'completed' || state === 'confirmed' || state === 'terminated') return
    transaction.response = bytes
    this.traffic.responseSent(transaction.method, status, transaction.hop.transport)
    const event = status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure'
    if (transaction.invite) stepInviteServer(transaction, event, now, this)
    else stepNonInviteServer(transaction, event, now, this)
  }

  /** Ends a server transaction that is never to be answered (S-TX-01: no late 408 to a non-INVITE). */
  drop(transaction: ServerTransaction<S>): void {
    if (transaction.state !== 'completed') this.terminate(transaction)
  }

  /** Sends a request of ours. A hop known to be dead shows up in `takeFailures`. */
  start(
    now: Millis,
    branch: string,
    method: string,
    hop: Hop,
    bytes: Uint8Array,
    user: C | undefined,
  ): ClientTransaction<C> {
    const invite = method === 'INVITE'
    const transaction: ClientTransaction<C> = {
      side: 'client',
      invite,
      key: clientKey(branch, method),
      hop,
      bytes,
      weight: bytes.length,
      state: invite ? 'calling' : 'trying',
      user,
      interval: 0,
      endAt: 0,
      deadline: undefined,
    }
    this.clients.add(transaction)
    this.active[invite ? 'ict' : 'nict']++
    this.traffic.requestSent(method, hop.transport)
    this.stepClient(now, transaction, 'start', undefined)
    return transaction
  }

  /** A request of ours with this branch waits for its final response. */
  isSending(branch: string, method: string): boolean {
    return this.clients.find(clientKey(branch, method)) !== undefined
  }

  /** The client transaction that a response belongs to. */
  client(response: SipMessage, branch: string): ClientTransaction<C> | undefined {
    return this.clients.find(clientKey(branch, response.cseq.method))
  }

  /** Gives a response to its client transaction and returns that when its user must see the response. */
  receive(now: Millis, response: SipMessage, branch: string): ClientTransaction<C> | undefined {
    const transaction = this.clients.find(clientKey(branch, response.cseq.method))
    if (transaction === undefined) return undefined
    const status = response.status
    const event = status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure'
    const isNews = this.stepClient(now, transaction, event, response)
    if (event !== 'provisional') this.clients.lighten(transaction)
    return isNews ? transaction : undefined
  }

  /** Forgets a client transaction without telling its user. */
  abandon(transaction: ClientTransaction<C>): void {
    this.terminate(transaction)
  }

  /** RFC 3261 s.17.1.4: a transport error ends the client transactions that wait on it. */
  flowClosed(now: Millis, flow: number): void {
    for (const transaction of this.clients.waitingOn(flow))
      this.stepClient(now, transaction, 'transportError', undefined)
  }

  /** Fires what is due. */
  expire(now: Millis): void {
    this.active.nist -= this.answered.expire(now)
    this.late.expire(now)
    for (let due = this.deadlines.pop(now); due !== undefined; due = this.deadlines.pop(now)) {
      due.deadline = undefined
      if (due.side === 'client') this.stepClient(now, due as ClientTransaction<C>, 'timer', undefined)
      else if (due.invite) stepInviteServer(due, 'timer', now, this)
      else stepNonInviteServer(due, 'timer', now, this)
    }
  }

  /** What failed since the last call. */
  takeFailures(): readonly ClientFailure<C>[] {
    if (this.failures.length === 0) return NO_FAILURES
    const taken = this.failures
    this.failures = []
    return taken
  }

  // Machinery: asked by the four machines.

  send(transaction: ClientTransaction): boolean {
    return this.wire.send(transaction.hop, transaction.bytes)
  }

  respond(transaction: ServerTransaction): void {
    if (transaction.response !== undefined) this.wire.respond(transaction.hop, transaction.response)
  }

  acknowledge(transaction: ClientTransaction): void {
    this.traffic.requestSent('ACK', transaction.hop.transport)
    this.send(transaction)
  }

  respondAgain(transaction: ServerTransaction): void {
    if (transaction.response === undefined) return
    this.retransmitted('response', 'out')
    this.respond(transaction)
  }

  arm(transaction: AnyTransaction, at: Millis): void {
    if (transaction.side === 'server' && !this.remembers(transaction, at)) return
    this.deadlines.cancel(transaction.deadline)
    transaction.deadline = this.deadlines.set(at, transaction)
  }

  disarm(transaction: AnyTransaction): void {
    this.deadlines.cancel(transaction.deadline)
    transaction.deadline = undefined
  }

  terminate(transaction: AnyTransaction): void {
    if (transaction.state === 'terminated') return
    transaction.state = 'terminated'
    this.disarm(transaction)
    if (transaction.side === 'server') {
      this.held.release(transaction)
      transaction.response = undefined
      this.servers.remove(transaction)
      this.active[transaction.invite ? 'ist' : 'nist']--
      return
    }
    this.clients.remove(transaction as ClientTransaction<C>)
    this.active[transaction.invite ? 'ict' : 'nict']--
  }

  timedOut(transaction: AnyTransaction, timer: TimeoutTimer): void {
    this.timeouts.add(timer)
    if (transaction.side === 'client') {
      this.failures.push({ client: transaction as ClientTransaction<C>, cause: 'timeout' })
    }
  }

  transportFailed(transaction: ClientTransaction): void {
    this.failures.push({ client: transaction as ClientTransaction<C>, cause: 'transport' })
  }

  retransmitted(kind: 'request' | 'response', direction: 'in' | 'out'): void {
    this.retransmissions.add(
      kind === 'request'
        ? direction === 'in'
          ? 'request|in'
          : 'request|out'
        : direction === 'in'
          ? 'response|in'
          : 'response|out',
    )
  }

  /** Whether a server transaction lives on until `at` itself. What has been answered is kept within bounds. */
  private remembers(transaction: ServerTransaction, at: Millis): boolean {
    const { held } = this
    if (transaction.state !== 'completed') {
      held.release(transaction)
      return true
    }
    if (!transaction.invite && this.shelve(transaction, at)) return false
    held.hold(transaction)
    // DEVIATION RFC 3261 s.17.2.1: with answers that are longer than limits.transactions allows for, the oldest INVITE transactions that wait for an ACK end early.
    // The alternative is to refuse calls because a stranger does not acknowledge what he has been refused. The ACK that comes later matches nothing
    // and is dropped; an INVITE that is repeated is a new one.
    const most = this.limits.transactionsMax * ANSWER_BYTES
    while (held.bytes > most && held.oldest !== undefined) this.terminate(held.oldest)
    return held.has(transaction)
  }

  /** What stays of an answered request until Timer J is its answer; the transaction itself is let go. */
  private shelve(transaction: ServerTransaction, at: Millis): boolean {
    const { key, hop, response } = transaction
    if (response === undefined || !this.answered.add(key, hop, response, at)) return false
    // DEVIATION RFC 3261 s.17.2.2: under more than limits.transactions / 32 s requests a second, or with answers that are long, Timer J of the oldest ends early.
    // The alternative is to refuse calls because phones have registered. Whoever repeats a request later than that had no answer for many seconds.
    const { transactionsMax } = this.limits
    while (this.answered.size > transactionsMax || this.answered.bytes > transactionsMax * ANSWER_BYTES) {
      this.answered.forgetOldest()
      this.active.nist--
    }
    // Whoever has forwarded the request knows it for some seconds yet; a small answer keeps 8 KiB of Node's pool.
    transaction.response = undefined
    this.servers.remove(transaction)
    return true
  }

  private stepClient(
    now: Millis,
    transaction: ClientTransaction<C>,
    event: ClientEvent,
    response: SipMessage | undefined,
  ): boolean {
    if (!transaction.invite) return stepNonInviteClient(transaction, event, now, this)
    return stepInviteClient(transaction, event, now, this, response)
  }
}

function newServer<S>(key: string, method: string, hop: Hop): ServerTransaction<S> {
  const invite = method === 'INVITE'
  return {
    side: 'server',
    invite,
    method,
    key,
    hop,
    response: undefined,
    state: invite ? 'proceeding' : 'trying',
    once: false,
    user: undefined,
    interval: 0,
    endAt: 0,
    deadline: undefined,
  }
}

const NO_FAILURES: readonly never[] = []
