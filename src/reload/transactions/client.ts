/**
 * Requests of this node that wait for their answers (RFC 6940 s.6.2.1): repeated end to end with the same transaction
 * id at a fixed interval, failed after the fifth. Sends nothing itself; it says when.
 */
import { SmallMap } from '../../common/small-map.ts'
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { MESSAGE_CODE, type Destination, type NodeId, type TransactionId } from '../codec/index.ts'
import { isRoutingError, mayAnswer, targetOf, type Closeness, type RequestTarget } from './acceptance.ts'
import { OUTSTANDING_MAX, SENDS_MAX } from './constants.ts'

export interface ClientRequest<T> {
  readonly transactionId: TransactionId
  /** Of the request, odd. */
  readonly messageCode: number
  readonly destinations: readonly Destination[]
  /** Whatever the owner needs to send it again, the same and routed anew, and wants back with the answer. */
  readonly context: T
  /** Fail after this many milliseconds, if that is before the retransmissions are used up. */
  readonly timeoutMs?: number
}

export interface ClientTransaction<T> extends Omit<ClientRequest<T>, 'timeoutMs'> {
  readonly target: RequestTarget
  readonly startedAt: Millis
  /** Transmissions so far, the first included. */
  readonly sends: number
  /** A routing error that a third node reported; it explains a failure, it never is the result. */
  readonly hint: number | undefined
}

export type ClientEvent<T> =
  | { readonly kind: 'resend'; readonly transaction: ClientTransaction<T> }
  | { readonly kind: 'failed'; readonly transaction: ClientTransaction<T> }

export interface Answer {
  readonly transactionId: TransactionId
  readonly messageCode: number
  /** Whose signature on the message was verified. */
  readonly signer: NodeId
  /** When `messageCode` is that of an error. */
  readonly errorCode?: number
}

export type AnswerOutcome<T> =
  /** The transaction is over; an error is an answer too. */
  | { readonly kind: 'accepted'; readonly transaction: ClientTransaction<T> }
  /** A routing error of a node that may not answer: noted, the transaction goes on. */
  | { readonly kind: 'hint'; readonly transaction: ClientTransaction<T> }
  /** Ignored: not the answer to this method, or from a node that may not answer. The transaction goes on. */
  | {
      readonly kind: 'rejected'
      readonly transaction: ClientTransaction<T>
      readonly reason: 'code' | 'signer'
    }
  /** Nothing waits for it: repeated, too late, or made up. */
  | { readonly kind: 'unknown' }

interface Row<T> extends ClientTransaction<T> {
  sends: number
  hint: number | undefined
  /** `NEVER` unless the caller set a limit of its own. */
  readonly failsAt: Millis
  deadline: Deadline<Row<T>> | undefined
}

/** Read at every transmission, since a newer Configuration Document may change it. */
export interface ReliabilitySettings {
  readonly reliabilityTimerMs: number
}

export class ClientTransactions<T> {
  private readonly settings: ReliabilitySettings
  private readonly rows = new SmallMap<TransactionId, Row<T>>()
  private readonly deadlines = new Deadlines<Row<T>>()

  constructor(settings: ReliabilitySettings) {
    this.settings = settings
  }

  get size(): number {
    return this.rows.size
  }

  /**
   * Enters a request that is sent now for the first time. Undefined when it cannot be waited for: too many outstanding,
   * the id in use, or a Destination List whose answer could not be checked.
   */
  begin(now: Millis, request: ClientRequest<T>): ClientTransaction<T> | undefined {
    const target = targetOf(request.destinations)
    if (
      target === undefined ||
      this.rows.size >= OUTSTANDING_MAX ||
      this.rows.get(request.transactionId) !== undefined
    )
      return undefined
    const row: Row<T> = {
      transactionId: request.transactionId,
      messageCode: request.messageCode,
      destinations: request.destinations,
      context: request.context,
      target,
      startedAt: now,
      sends: 1,
      hint: undefined,
      failsAt: request.timeoutMs === undefined ? NEVER : now + request.timeoutMs,
      deadline: undefined,
    }
    this.rows.set(request.transactionId, row)
    this.schedule(now, row)
    return row
  }

  /** All that wait; whoever goes through them stops when he has begun or ended one. */
  all(): Iterable<ClientTransaction<T>> {
    return this.rows.values()
  }

  /** To be asked before the costly verification of an answer's signature. */
  find(transactionId: TransactionId): ClientTransaction<T> | undefined {
    return this.rows.get(transactionId)
  }

  /** An answer with a verified signature came in. */
  answer(answer: Answer, closeness: Closeness): AnswerOutcome<T> {
    const row = this.rows.get(answer.transactionId)
    if (row === undefined) return { kind: 'unknown' }
    // RFC 6940 s.6.3.3.1: success is the next code up, failure is always ffff.
    const isError = answer.messageCode === MESSAGE_CODE.error
    if (!isError && answer.messageCode !== row.messageCode + 1) {
      return { kind: 'rejected', transaction: row, reason: 'code' }
    }
    if (mayAnswer(row.target, answer.signer, closeness)) {
      this.remove(row)
      return { kind: 'accepted', transaction: row }
    }
    if (isError && answer.errorCode !== undefined && isRoutingError(answer.errorCode)) {
      row.hint = answer.errorCode
      return { kind: 'hint', transaction: row }
    }
    return { kind: 'rejected', transaction: row, reason: 'signer' }
  }

  /** Forgets a transaction without an event. */
  cancel(transactionId: TransactionId): void {
    const row = this.rows.get(transactionId)
    if (row !== undefined) this.remove(row)
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** What is due, in order of time. Failed transactions are forgotten. */
  timeout(now: Millis): ClientEvent<T>[] {
    const events: ClientEvent<T>[] = []
    for (let row = this.deadlines.pop(now); row !== undefined; row = this.deadlines.pop(now)) {
      // RFC 6940 s.6.2.1: the timer of the fifth transmission ends it; a caller in a hurry ends it earlier.
      if (row.sends >= SENDS_MAX || now >= row.failsAt) {
        this.rows.delete(row.transactionId)
        events.push({ kind: 'failed', transaction: row })
        continue
      }
      row.sends++
      events.push({ kind: 'resend', transaction: row })
      this.schedule(now, row)
    }
    return events
  }

  private remove(row: Row<T>): void {
    this.rows.delete(row.transactionId)
    this.deadlines.cancel(row.deadline)
  }

  private schedule(now: Millis, row: Row<T>): void {
    // A fixed interval, no back-off: RFC 6940 s.6.2.1 sets the timer to the same value every time.
    row.deadline = this.deadlines.set(Math.min(now + this.settings.reliabilityTimerMs, row.failsAt), row)
  }
}
