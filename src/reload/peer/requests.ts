/** Requests of this node: built, signed, routed, repeated, and matched with their answers (RFC 6940 s.6.2). */
import { fromUtf8 } from '../../common/bytes.ts'
import type { Millis } from '../../common/time.ts'
import {
  decodeErrorResponse,
  ERROR_CODE,
  errorName,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type Message,
  type NodeId,
  type TransactionId,
} from '../codec/index.ts'
import type { Signer } from '../security/trust.ts'
import type { Closeness } from '../transactions/acceptance.ts'
import { ClientTransactions, type ClientTransaction } from '../transactions/client.ts'
import { MISMATCH_WAIT_MS, MISMATCHES_MAX } from './constants.ts'
import type { Journey } from './contract.ts'
import { HeldRequests, type HeldRequest } from './held-requests.ts'
import { MESSAGE_LABELS, methodLabel, RESULT_LABELS } from './instruments.ts'
import type { Links } from './links.ts'
import type { NewRequest } from './new-request.ts'
import type { PeerParts } from './parts.ts'
import type { RequestPurpose } from './purpose.ts'
import type { RequestOutcome } from './signal.ts'
import { Transmission, type Outgoing, type OwnRouting } from './transmission.ts'

interface Waiting extends Outgoing {
  /** What `send` returned; stays the same when the request is sent anew under another document. */
  readonly handle: TransactionId
  /** How often it was answered that the documents differ. */
  readonly mismatches: number
}

export class Requests {
  private readonly parts: PeerParts
  private readonly transmission: Transmission
  private readonly closeness: Closeness
  private readonly client: ClientTransactions<Waiting>
  private readonly held = new HeldRequests()

  constructor(parts: PeerParts, links: Links, routing: OwnRouting, closeness: Closeness) {
    this.parts = parts
    this.transmission = new Transmission(parts, links, routing)
    this.closeness = closeness
    this.client = new ClientTransactions({
      get reliabilityTimerMs() {
        return parts.configuration.reliabilityTimerMs
      },
    })
  }

  /** Requests without an answer. */
  get size(): number {
    return this.client.size
  }

  /** Sends a request; its outcome comes as the signal `requestDone`. */
  send(request: NewRequest): TransactionId | undefined {
    return this.begin(request, undefined, 0)
  }

  private begin(
    request: NewRequest,
    resumed: TransactionId | undefined,
    mismatches: number,
  ): TransactionId | undefined {
    const { parts } = this
    const transactionId = parts.random.u64()
    const handle = resumed ?? transactionId
    const waiting: Waiting = {
      request,
      handle,
      mismatches,
      bytes: undefined,
      lastHop: undefined,
      askedAgain: 0,
    }
    const transaction = this.client.begin(parts.now.ms, {
      transactionId,
      messageCode: request.code,
      destinations: request.destinations,
      context: waiting,
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    })
    if (transaction === undefined) {
      const error = { kind: 'invalidAnswer', reason: 'too many requests outstanding' } as const
      this.done(request.purpose, { ok: false, error, signer: undefined })
      return undefined
    }
    parts.instruments.messages.add(MESSAGE_LABELS.out.request.of(methodLabel(request.code)))
    this.transmit(transaction)
    return handle
  }

  /** Forgets a request; no outcome will come. */
  cancel(handle: TransactionId): void {
    this.held.release(handle)
    for (const { transactionId, context } of this.client.all()) {
      if (context.handle !== handle) continue
      this.client.cancel(transactionId)
      return
    }
  }

  /** Sends an unanswered request once more, and this time by that way, which its destination itself has just used. */
  sendBy(handle: TransactionId, way: readonly Destination[]): void {
    for (const { transactionId, context } of this.client.all()) {
      if (context.handle === handle) return this.transmission.redirect(context, transactionId, way)
    }
  }

  /**
   * A request of ours came back from that node, which has us in its tables from a former life and knows no better. Asked itself, it does
   * not send it back to who has just sent it. False: none of ours, or that was tried since it was repeated last.
   */
  cameBack(transactionId: TransactionId, from: NodeId): boolean {
    const transaction = this.client.find(transactionId)
    if (transaction === undefined || transaction.context.askedAgain === transaction.sends) return false
    transaction.context.askedAgain = transaction.sends
    this.transmission.ask(from, transaction.context, transactionId)
    return true
  }

  /** Another document is in force: what waited for it goes out again. */
  reconfigured(): void {
    for (const held of this.held.releaseAll()) this.resume(held)
  }

  /** Whether somebody waits for that answer: asked before the costly look at its signature. */
  waitsFor(transactionId: TransactionId): boolean {
    return this.client.find(transactionId) !== undefined
  }

  /** An answer with a verified signature. */
  answered(message: Message, signer: Signer): void {
    const { header, contents } = message
    const isError = contents.messageCode === MESSAGE_CODE.error
    const error = isError ? decodeErrorResponse(contents.body) : undefined
    const outcome = this.client.answer(
      {
        transactionId: header.transactionId,
        messageCode: contents.messageCode,
        signer: signer.nodeId,
        ...(error?.ok === true ? { errorCode: error.value.errorCode } : {}),
      },
      this.closeness,
    )
    if (outcome.kind !== 'accepted') {
      if (outcome.kind === 'rejected')
        this.parts.trace({ level: 'debug', area: 'reload', event: 'answer_rejected', reason: outcome.reason })
      return
    }
    const { transaction } = outcome
    const method = methodLabel(transaction.messageCode)
    const rttMs = this.parts.now.ms - transaction.startedAt
    const hops = Math.max(0, this.parts.configuration.initialTtl - header.ttl)
    const { messages, requestSeconds } = this.parts.instruments
    messages.add(MESSAGE_LABELS.in[isError ? 'error' : 'answer'].of(method))
    requestSeconds.observe(rttMs / 1000, RESULT_LABELS[isError ? 'error' : 'ok'].of(method))
    this.parts.instruments.requestHops.observe(hops, method)
    const { purpose } = transaction.context.request
    if (error?.ok === true && this.hold(transaction, error.value.errorCode, signer)) return
    const journey = journeyOf(transaction, signer.nodeId, hops, rttMs)
    if (error === undefined) return this.done(purpose, { ok: true, message, signer, hops, rttMs, journey })
    const code = error.ok ? error.value.errorCode : ERROR_CODE.invalidMessage
    const info = error.ok ? infoText(code, error.value.errorInfo) : 'undecodable error'
    this.parts.instruments.errors.add(String(code))
    this.done(purpose, {
      ok: false,
      error: { kind: 'reload', code, info, from: signer.nodeId },
      signer,
      journey,
    })
  }

  /** What went over that node's link and is unanswered goes out again, over another one. */
  reroute(lost: NodeId): void {
    for (const transaction of this.client.all()) {
      const { lastHop, request } = transaction.context
      if (request.firstHop === undefined && lastHop !== undefined && sameId(lastHop, lost))
        this.transmit(transaction)
    }
  }

  nextDeadline(): Millis {
    return Math.min(this.client.nextDeadline(), this.held.nextDeadline())
  }

  timeout(): void {
    for (const held of this.held.releaseDue(this.parts.now.ms)) this.resume(held)
    for (const event of this.client.timeout(this.parts.now.ms)) {
      const method = methodLabel(event.transaction.messageCode)
      if (event.kind === 'resend') {
        this.parts.instruments.retries.add(method)
        this.transmit(event.transaction)
        continue
      }
      const spentMs = this.parts.now.ms - event.transaction.startedAt
      this.parts.instruments.requestSeconds.observe(spentMs / 1000, RESULT_LABELS.timeout.of(method))
      this.done(event.transaction.context.request.purpose, {
        ok: false,
        error: { kind: 'timeout' },
        signer: undefined,
        journey: journeyOf(event.transaction, undefined, 0, spentMs),
      })
    }
  }

  /**
   * RFC 6940 s.6.3.2.1: one side has an older document, which the other now sends. The request was not processed; it goes
   * out again as soon as ours has changed, or when the other side had the time to take ours.
   */
  private hold(transaction: ClientTransaction<Waiting>, code: number, signer: Signer): boolean {
    const { request, handle, mismatches } = transaction.context
    if (code !== ERROR_CODE.configTooOld && code !== ERROR_CODE.configTooNew) return false
    this.parts.signal({
      kind: 'otherDocument',
      nodeId: signer.nodeId,
      older: code === ERROR_CODE.configTooNew,
    })
    const spent = this.parts.now.ms - transaction.startedAt
    const left = request.timeoutMs === undefined ? undefined : request.timeoutMs - spent - MISMATCH_WAIT_MS
    if (mismatches >= MISMATCHES_MAX || (left !== undefined && left <= 0)) return false
    this.held.hold(this.parts.now.ms + MISMATCH_WAIT_MS, {
      handle,
      request: left === undefined ? request : { ...request, timeoutMs: left },
      mismatches: mismatches + 1,
    })
    return true
  }

  private resume({ handle, request, mismatches }: HeldRequest): void {
    this.begin(request, handle, mismatches)
  }

  private transmit({ context, transactionId, sends }: ClientTransaction<Waiting>): void {
    this.transmission.transmit(context, transactionId, sends)
  }

  private done(purpose: RequestPurpose, outcome: RequestOutcome): void {
    this.parts.signal({ kind: 'requestDone', purpose, outcome })
  }
}

function journeyOf(
  { transactionId, sends, context }: ClientTransaction<Waiting>,
  responder: NodeId | undefined,
  hops: number,
  rttMs: Millis,
): Journey {
  return { transactionId, firstHop: context.lastHop, responder, hops, rttMs, sends }
}

/** error_info is text, but for the two errors that carry structures (RFC 6940 s.6.3.3.1). */
function infoText(code: number, info: Uint8Array): string {
  const structured = code === ERROR_CODE.generationCounterTooLow || code === ERROR_CODE.unknownKind
  return structured || info.length === 0 ? errorName(code) : fromUtf8(info)
}
