/**
 * The root machine of the SIP side. Does no I/O: it is told what came in and what time it is, and answers with what is to be
 * sent, opened, asked and made known (contract.ts). What comes from the wire goes by `reception.ts`.
 */
import { Outbox } from '../../common/outbox.ts'
import { NEVER, type Millis, type Now } from '../../common/time.ts'
import { canonicalAddress } from '../message/index.ts'
import type { CallerWord } from './caller-checks.ts'
import { bindingViews, snapshotOf } from './views.ts'
import type {
  FlowId,
  ForeignContact,
  PeerFlowOutcome,
  RequestId,
  ResolveOutcome,
  SipAction,
  SipInput,
  SipSettings,
} from './contract.ts'
import type { BindingView, SipInstruments, SipSnapshot } from './instruments.ts'
import { SipParts, type SipComponents } from './parts.ts'
import { Reception } from './reception.ts'

export class SipCore {
  readonly instruments: SipInstruments
  private readonly outbox = new Outbox<SipAction>()
  private readonly parts: SipParts
  private readonly reception: Reception

  constructor(components: SipComponents, settings: SipSettings) {
    const { trace, tap } = components
    this.parts = new SipParts(components, settings, this.outbox)
    this.instruments = this.parts.instruments
    this.reception = new Reception(this.parts, { trace, tap, lost: (now, flow) => this.flowLost(now, flow) })
  }

  /** Takes one input. Afterwards `drain` what is to be done before the next. */
  step(now: Now, input: SipInput): void {
    const { parts } = this
    parts.now = now
    switch (input.kind) {
      case 'datagram': {
        const { listener, port, bytes } = input
        this.reception.datagram(
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
        parts.tlsLog.failed(now.ms, parts.flows.get(input.flow), input.reason)
        this.flowGone(now, input.flow, 'error')
        break
      case 'flowClosed':
        this.flowGone(now, input.flow, 'remote')
        break
      case 'flowEnded':
        if (parts.flows.ended(now.ms, input.flow)) this.flowLost(now, input.flow)
        break
      case 'flowData':
        this.reception.flowData(now, input.flow, input.bytes)
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
          parts.callerChecks.answered(now.ms, input.id, wordOf(input.verified), input.validMs),
          wordOf(input.verified),
        )
        break
      case 'foreignContacts':
        this.foreignKnown(now, input.id, input.contacts)
        break
      case 'published':
        parts.registrar.published(now.ms, input.id, input.outcome)
        break
      case 'peerFlow':
        this.peerFlowAnswered(now, input.id, input.outcome)
        break
      case 'resolved':
        this.resolved(now, input.id, input.outcome)
        break
      case 'accounts':
        parts.registrar.evict(now.ms, (aor) => parts.serves(aor))
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
        this.reception.asked(now, input)
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
      case 'leave':
        parts.proxy.leave(now.ms, parts.retryAfterS(5, 30))
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
    const { parts } = this
    return Math.min(
      parts.transactions.nextDeadline(),
      parts.proxy.nextDeadline(),
      parts.redirector.nextDeadline(),
      parts.lostResponses.nextDeadline(),
      parts.callerChecks.nextDeadline(),
      parts.front?.nextDeadline() ?? NEVER,
      parts.registrar.nextDeadline(),
      parts.ownRequests.nextDeadline(),
      parts.natKeepAlive.nextDeadline(),
      parts.registerHandler.nextDeadline(),
      parts.trunks.nextDeadline(),
      parts.regEvents?.nextDeadline() ?? NEVER,
      parts.flows.nextDeadline(),
    )
  }

  /** Users who are being called and have not answered yet. */
  get callsWaiting(): number {
    return this.parts.proxy.calledUsers
  }

  /** Somebody is registered by that flow, and by no other. */
  isRegisteredBy(flow: FlowId): boolean {
    return this.parts.registrar.isPinnedTo(flow)
  }

  /** At that time; at that of the last step unless said otherwise. */
  snapshot(now: Millis = this.parts.now.ms): SipSnapshot {
    return snapshotOf(this.parts, now)
  }

  /** Bindings held here, of one AOR or of all, with what is left of them at that time. */
  bindings(aor?: string, now: Millis = this.parts.now.ms): BindingView[] {
    return bindingViews(this.parts, aor, now)
  }

  private foreignKnown(now: Now, id: RequestId, contacts: readonly ForeignContact[] | undefined): void {
    if (!this.parts.registerHandler.foreignKnown(now, id, contacts))
      this.parts.regEvents?.foreignKnown(now.ms, id, contacts)
  }

  private peerFlowAnswered(now: Now, id: RequestId, outcome: PeerFlowOutcome): void {
    const { ownRequests, lostResponses, proxy } = this.parts
    if (ownRequests.peerFlow(now.ms, id, outcome) || lostResponses.peerFlow(id, outcome)) return
    proxy.peerFlow(now.ms, id, outcome)
  }

  private resolved(now: Now, id: RequestId, outcome: ResolveOutcome): void {
    const { ownRequests, lostResponses, proxy } = this.parts
    if (ownRequests.resolved(now.ms, id, outcome) || lostResponses.resolved(now.ms, id, outcome)) return
    proxy.resolved(now.ms, id, outcome)
  }

  private expire(now: Now): void {
    const { transactions, proxy, redirector, registrar, registerGate, flows } = this.parts
    registerGate.lateness(now.ms, now.ms - this.nextDeadline())
    transactions.expire(now.ms)
    proxy.expire(now.ms)
    redirector.expire(now.ms)
    this.parts.lostResponses.expire(now.ms)
    this.parts.router.resume(now, this.parts.callerChecks.expire(now.ms), 'unknown')
    this.parts.front?.expire(now.ms)
    registrar.expire(now.ms)
    this.parts.ownRequests.expire(now.ms)
    this.parts.natKeepAlive.expire(now.ms)
    this.parts.registerHandler.expire(now)
    this.parts.trunks.expire(now.ms)
    this.parts.regEvents?.expire(now.ms)
    for (let due = flows.overdue(now.ms); due !== undefined; due = flows.overdue(now.ms)) {
      this.reception.fault(now, due.fault, due.record.hop, due.record)
    }
    flows.halfOpen.expire(now.ms)
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

  private flowGone(now: Now, flow: number, reason: 'remote' | 'error'): void {
    const { flows, lostResponses } = this.parts
    for (const { hop, bytes } of flows.halfOpen.broken(flow)) lostResponses.take(now.ms, hop, bytes)
    if (flows.remove(flow, reason)) this.flowLost(now, flow)
  }

  private flowLost(now: Now, flow: number): void {
    this.parts.transactions.flowClosed(now.ms, flow)
    this.parts.registrar.flowClosed(now.ms, flow)
    this.parts.lostResponses.closed(now.ms, flow)
  }
}

/** Undefined: the overlay has not answered. */
function wordOf(verified: boolean | undefined): CallerWord {
  if (verified === undefined) return 'unknown'
  return verified ? 'verified' : 'unverified'
}
