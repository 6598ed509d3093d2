/**
 * The root machine of the SIP side. Does no I/O: it is told what came in and what time it is, and answers with what is to be
 * sent, opened, asked and made known (contract.ts). Everything from outside is bounded, validated and answered or
 * dropped; nothing of it reaches an exception.
 */
import { Outbox } from '../../common/outbox.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import {
  canonicalAddress,
  parseMessage,
  validateRequest,
  type ParseFault,
  type SipMessage,
} from '../message/index.ts'
import { looksLikeStun, stunAnswer, type FramerOutput } from '../transport/index.ts'
import type { Hop } from '../transaction/index.ts'
import {
  askedRequest,
  FRONT_LISTENER,
  incomingRequest,
  serverKey,
  type IncomingRequest,
} from '../transaction/index.ts'
import { bindingViews, snapshotOf } from './views.ts'
import type { SipAction, SipInput, SipSettings, SipTap } from './contract.ts'
import type { Flow } from './flows.ts'
import type { BindingView, SipInstruments, SipSnapshot } from './instruments.ts'
import { SipParts, type SipComponents } from './parts.ts'

export class SipCore {
  readonly instruments: SipInstruments
  private readonly outbox = new Outbox<SipAction>()
  private readonly parts: SipParts
  private readonly trace: Trace
  private readonly tap: SipTap | undefined

  constructor(components: SipComponents, settings: SipSettings) {
    this.trace = components.trace
    this.tap = components.tap
    this.parts = new SipParts(components, settings, this.outbox)
    this.instruments = this.parts.instruments
  }

  /** Takes one input. Afterwards `drain` what is to be done before the next. */
  step(now: Now, input: SipInput): void {
    const { parts } = this
    parts.now = now
    switch (input.kind) {
      case 'datagram': {
        const { listener, port, bytes } = input
        this.datagram(
          now,
          { transport: 'udp', flow: 0, listener, host: canonicalAddress(input.host), port },
          bytes,
        )
        break
      }
      case 'flowAccepted':
        parts.flows.accepted(input.flow, input.listener, input.host, input.port, input.identities)
        break
      case 'flowOpened':
        parts.flows.openedByUs(input.flow)
        parts.lostResponses.opened(input.flow)
        break
      case 'flowFailed':
        this.flowGone(now, input.flow, 'error')
        break
      case 'flowClosed':
        this.flowGone(now, input.flow, 'remote')
        break
      case 'flowData':
        this.flowData(now, input.flow, input.bytes)
        break
      case 'peerFlowUp':
        parts.flows.peerUp(input.flow, input.peer, input.secure, input.user)
        break
      case 'located':
        parts.proxy.located(now.ms, input.id, input.outcome)
        parts.redirector.located(now.ms, input.id, input.outcome)
        break
      case 'callerVerified':
        parts.router.resume(
          now,
          parts.callerChecks.answered(now.ms, input.id, input.verified, input.validMs),
          input.verified ? 'verified' : 'unverified',
        )
        break
      case 'foreignContacts':
        parts.foreignKnown(now, input.id, input.contacts)
        break
      case 'published':
        parts.registrar.published(now.ms, input.id, input.outcome)
        break
      case 'peerFlow':
        parts.peerFlowAnswered(now, input.id, input.outcome)
        break
      case 'resolved':
        parts.resolved(now, input.id, input.outcome)
        break
      case 'restored':
        parts.keptBindings.restore(now, input.records)
        for (const [aor, bindings] of parts.registrar.entries())
          parts.natKeepAlive.watch(now.ms, aor, bindings)
        break
      case 'persisted':
        parts.registrar.persisted(now.ms, input.token, input.ok)
        break
      case 'overlayAvailable':
        parts.overlayAvailable = input.available
        break
      case 'frontUp':
        parts.front?.up(input.addresses)
        break
      case 'frontDown':
        parts.front?.down()
        break
      case 'asked':
        this.asked(now, input)
        break
      case 'withdrawn':
        parts.front?.withdrawn(now.ms, input.id)
        break
      case 'carriedOut':
        parts.front?.carriedOut(input.id, input.status)
        break
      case 'drain':
        parts.draining = true
        parts.trunks.leave(now.ms)
        parts.regEvents?.notifier.leave(now.ms, (low, high) => parts.retryAfterS(low, high))
        break
      case 'limits':
        parts.retune(input.limits)
        break
      case 'timeout':
        this.expire(now)
        break
    }
    this.settle(now)
  }

  /** What is to be done, in order. */
  drain(): SipAction[] {
    return this.outbox.drain()
  }

  /** When a `timeout` is wanted. */
  nextDeadline(): Millis {
    return this.parts.nextDeadline()
  }

  /** Users who are being called and have not answered yet. */
  get callsWaiting(): number {
    return this.parts.proxy.calledUsers
  }

  /** At that time; at that of the last step unless said otherwise. */
  snapshot(now: Millis = this.parts.now.ms): SipSnapshot {
    return snapshotOf(this.parts, now)
  }

  /** Bindings held here, of one AOR or of all, with what is left of them at that time. */
  bindings(aor?: string, now: Millis = this.parts.now.ms): BindingView[] {
    return bindingViews(this.parts, aor, now)
  }

  private expire(now: Now): void {
    const { transactions, proxy, redirector, registrar, registerGate, flows } = this.parts
    registerGate.lateness(now.ms, now.ms - this.nextDeadline())
    transactions.expire(now.ms)
    proxy.expire(now.ms)
    redirector.expire(now.ms)
    this.parts.lostResponses.expire(now.ms)
    this.parts.router.resume(now, this.parts.callerChecks.expire(now.ms), 'unverified')
    this.parts.front?.expire(now.ms)
    registrar.expire(now.ms)
    this.parts.ownRequests.expire(now.ms)
    this.parts.natKeepAlive.expire(now.ms)
    this.parts.registerHandler.expire(now)
    this.parts.trunks.expire(now.ms)
    this.parts.regEvents?.expire(now.ms)
    for (let due = flows.overdue(now.ms); due !== undefined; due = flows.overdue(now.ms)) {
      this.fault(now, due.fault, due.record.hop, due.record)
    }
    const { keepAlives } = flows
    for (let dead = keepAlives.silent(now.ms); dead !== undefined; dead = keepAlives.silent(now.ms)) {
      const { flow } = dead.hop
      flows.close(flow)
      // Adapter-mapping s.3.4: its grace is over with the timer.
      registrar.flowClosed(now.ms, flow, 0)
      this.flowLost(now, flow)
    }
  }

  /** Failed branches may be sent elsewhere and fail there at once, so until nothing is left. */
  private settle(now: Now): void {
    const { transactions, proxy, ownRequests } = this.parts
    for (
      let failures = transactions.takeFailures();
      failures.length > 0;
      failures = transactions.takeFailures()
    ) {
      for (const failure of failures) {
        if (failure.client.user === undefined) ownRequests.failed(now.ms, failure.client, failure.cause)
        else proxy.failed(now.ms, failure)
      }
    }
  }

  private datagram(now: Now, source: Hop, bytes: Uint8Array): void {
    // RFC 5626 s.4.4: keep-alives of phones; anything shorter than a start line is none of ours.
    if (bytes.length < 16 && isBlank(bytes)) return
    if (looksLikeStun(bytes)) {
      const answer = stunAnswer(bytes, source.host, source.port)
      if (answer !== undefined) this.parts.flows.send(source, answer)
      return
    }
    const parsed = parseMessage(bytes, this.parts.tuned.limits)
    if (parsed.ok) this.message(now, parsed.value, source)
    else this.fault(now, parsed.error, source, undefined)
  }

  private flowData(now: Now, id: number, bytes: Uint8Array): void {
    const { flows } = this.parts
    const record = flows.get(id)
    if (record?.up !== true) return
    for (const output of flows.receive(now.ms, record, bytes)) {
      this.framed(now, output, record)
      if (!flows.isUp(id)) return
    }
  }

  private framed(now: Now, output: FramerOutput, record: Flow): void {
    switch (output.kind) {
      case 'message':
        this.message(now, output.message, record.hop)
        return
      case 'fault':
        this.fault(now, output.fault, record.hop, record)
        return
      case 'ping':
        return // answered by Flows
    }
  }

  private fault(now: Now, fault: ParseFault, source: Hop, record: Flow | undefined): void {
    this.instruments.sipMalformed.add(`syntax|${source.transport}`)
    this.parts.replies.fault(now.ms, fault, source)
    if (record === undefined || !fault.close) return
    this.parts.flows.close(record.hop.flow)
    this.flowLost(now, record.hop.flow)
  }

  private flowGone(now: Now, flow: number, reason: 'remote' | 'error'): void {
    if (this.parts.flows.remove(flow, reason)) this.flowLost(now, flow)
  }

  private flowLost(now: Now, flow: number): void {
    this.parts.transactions.flowClosed(now.ms, flow)
    this.parts.registrar.flowClosed(now.ms, flow)
    this.parts.lostResponses.closed(now.ms, flow)
  }

  private message(now: Now, message: SipMessage, source: Hop): void {
    if (this.tap !== undefined) this.tap.message(now, 'in', source, message.wire)
    if (!message.isRequest) {
      try {
        this.response(now, message, source)
      } catch (error) {
        this.mistake(source, `${message.status} to ${message.cseq.method}`, error)
      }
      return
    }
    const { transactions, replies } = this.parts
    transactions.traffic.requestReceived(message.method, source.transport)
    const fault = validateRequest(message, this.parts.validation)
    if (fault !== undefined) {
      this.instruments.sipMalformed.add(`invalid|${source.transport}`)
      replies.fault(now.ms, fault, source)
      return
    }
    const incoming = incomingRequest(message, source, now.ms)
    try {
      this.request(now, incoming)
    } catch (error) {
      this.bug(incoming, error)
    }
  }

  /** The engine in front has the transaction, so that nothing here is a repetition, an ACK or a CANCEL. */
  private asked(now: Now, input: Extract<SipInput, { kind: 'asked' }>): void {
    const { front, replies, transactions } = this.parts
    if (front === undefined) return
    const { id, transport, host, port, bytes } = input
    const source: Hop = { transport, flow: 0, listener: FRONT_LISTENER, host: canonicalAddress(host), port }
    const parsed = parseMessage(bytes, this.parts.tuned.limits)
    if (!parsed.ok || !parsed.value.isRequest) {
      this.instruments.sipMalformed.add(`syntax|${transport}`)
      replies.askedFault(parsed.ok ? NOT_A_REQUEST : parsed.error, source, id)
      return
    }
    const message = parsed.value
    if (this.tap !== undefined) this.tap.message(now, 'in', source, message.wire)
    if (front.passOn(id, message)) return
    transactions.traffic.requestReceived(message.method, transport)
    const fault = validateRequest(message, this.parts.validation)
    if (fault !== undefined) {
      this.instruments.sipMalformed.add(`invalid|${transport}`)
      replies.askedFault(fault, source, id)
      return
    }
    const incoming = askedRequest(message, source, id, now.ms)
    const refusal = front.refusal(message)
    try {
      if (refusal !== undefined) replies.stateless(incoming, refusal)
      else this.begin(now, `front ${id}`, incoming)
    } catch (error) {
      this.bug(incoming, error)
    }
  }

  /**
   * E56: a fault of our own. One message that trips over it, a request that is refused or a response, is all that is lost; the calls of everybody
   * else go on. Whatever was half done ends by its timers.
   */
  private bug(incoming: IncomingRequest, error: unknown): void {
    this.mistake(incoming.source, incoming.message.method, error)
    this.parts.replies.stateless(incoming, { status: 500, reason: 'Server Internal Error' })
  }

  private mistake(source: Hop, method: string, error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error)
    this.instruments.sipMalformed.add(`internal|${source.transport}`)
    this.trace({ level: 'error', area: 'sip', event: 'internal_error', method, stack })
  }

  private request(now: Now, incoming: IncomingRequest): void {
    const { transactions, router } = this.parts
    const { message } = incoming
    const key = serverKey(message)
    const known = transactions.server(key)
    if (message.method === 'ACK') {
      // RFC 6026 s.7.1: the ACK of a 2xx is not the transaction's, even if its branch says so.
      if (known !== undefined && known.state !== 'accepted') transactions.repeat(now.ms, known, 'ack')
      else router.ack(incoming)
      return
    }
    if (known !== undefined) {
      transactions.repeat(now.ms, known, 'request')
    } else if (message.method === 'CANCEL') {
      this.cancel(now, key, incoming)
    } else {
      this.begin(now, key, incoming)
    }
  }

  /** A request that is part of nothing known. */
  private begin(now: Now, key: string, incoming: IncomingRequest): void {
    const { transactions, router, registerHandler, registrar } = this.parts
    const { message } = incoming
    if (!this.affords(now, incoming)) {
      return
    } else if (transactions.taken >= YIELDS_FROM && yields(incoming.message, transactions.taken)) {
      this.turnAway(incoming, 'Overloaded')
    } else if (this.parts.draining && (message.method === 'REGISTER' || router.beginsDialog(incoming))) {
      this.turnAway(incoming, 'Leaving')
    } else if (message.method === 'REGISTER') {
      if (this.parts.registerRelay?.takes(incoming) === true)
        this.parts.registerRelay.request(now, key, incoming)
      else registerHandler.request(now, key, incoming, registrar)
    } else {
      router.request(now, key, incoming)
    }
  }

  /** S-TR-02: false when the source has asked for too much, which has been dealt with then. */
  private affords(now: Now, incoming: IncomingRequest): boolean {
    const judgement = this.parts.sources.request(now.ms, incoming)
    if (judgement === 'refused' || (judgement === 'ignored' && incoming.question !== undefined))
      this.turnAway(incoming, 'Too Many Requests')
    return judgement === 'taken'
  }

  /** RFC 3261 s.9.2 and s.16.10; S-29: only from where the INVITE came. */
  private cancel(now: Now, key: string, incoming: IncomingRequest): void {
    const { transactions, replies, router } = this.parts
    const invite = transactions.server(serverKey(incoming.message, 'INVITE'))
    if (invite !== undefined && sameOrigin(invite.hop, incoming.source)) {
      const server = transactions.accept(key, 'CANCEL', incoming.replyTo)
      replies.send(now.ms, server, incoming, { status: 200, reason: 'OK' })
      if (!this.parts.held.cancel(invite)) invite.user?.cancel(now.ms)
      return
    }
    if (invite === undefined && router.cancelByRoute(incoming)) return
    replies.stateless(incoming, { status: 481, reason: 'Transaction Does Not Exist' })
  }

  private response(now: Now, response: SipMessage, source: Hop): void {
    const { transactions, identity, proxy, ownRequests } = this.parts
    transactions.traffic.responseReceived(response.cseq.method, response.status, source.transport)
    const via = response.topVia
    // S3261-18.1-05, S6026-7-04: not ours, or of no transaction: dropped.
    if (via.branch === undefined || !identity.isOwnVia(via)) return
    // E57: whoever passed it on has lost the way back. Taken for an answer it would leave those who wait for one waiting for ever.
    if (response.nextVia === undefined && transactions.client(response, via.branch)?.user !== undefined) {
      this.instruments.sipMalformed.add(`invalid|${source.transport}`)
      return
    }
    const client = transactions.receive(now.ms, response, via.branch)
    if (client === undefined) return
    if (client.user === undefined) ownRequests.responded(now.ms, client, response)
    else if (client.user.client === client) proxy.responded(now.ms, client.user, response)
  }

  private turnAway(incoming: IncomingRequest, reason: string): void {
    const { replies, registerHandler } = this.parts
    if (incoming.message.method === 'REGISTER') registerHandler.turnedAway()
    replies.stateless(incoming, this.parts.overloaded(reason))
  }
}

/** Shares of the room for transactions that are left to more important requests. Judgement. */
const REGISTER_SHARE = 0.8
const YIELDS_FROM = REGISTER_SHARE
const OTHERS_SHARE = 0.9

/** E54: whether a request has to give way with so much of the room taken. REGISTERs first, calls and what belongs to them last. */
function yields(message: SipMessage, taken: number): boolean {
  if (taken >= 1) return true
  if (message.method === 'REGISTER') return true
  return taken >= OTHERS_SHARE && message.method !== 'INVITE' && !message.to.params.has('tag')
}

/** What an engine shows that is no request. */
const NOT_A_REQUEST: ParseFault = { status: 400, reason: 'Not A Request', close: false, partial: undefined }

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 13 && byte !== 10 && byte !== 0 && byte !== 32) return false
  return true
}

/** One flow, or for datagrams one host: a NAT may have changed the port meanwhile. */
function sameOrigin(a: Hop, b: Hop): boolean {
  return a.transport === b.transport && a.flow === b.flow && a.host === b.host
}
