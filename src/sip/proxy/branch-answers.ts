/** What the branches of a response context hear of their requests, and what follows (RFC 3261 s.16.7, s.16.8). */
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import { TIMER_C_MS } from '../transaction/timers.ts'
import { madeHere, type Candidate } from './best-response.ts'
import type { Branch, ForkContext } from './branch.ts'
import type { Branches } from './branches.ts'
import { LEFT_ALONE, type BranchSender } from './branch-sender.ts'
import { ANSWERED_ELSEWHERE, declinedFor, NO_REASONS } from './cancel-reasons.ts'
import type { ContextInit } from './context-init.ts'
import type { ProxyEnvironment } from './environment.ts'
import { AWAY, failureOf, FLOW_GONE, notLocated, SILENT } from './no-answer.ts'
import type { PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
import { RingingPeers } from './ringing-peers.ts'
import type { SecondTries } from './second-tries.ts'
import { mayHaveMissed } from './siblings.ts'
import type { SilentPeers } from './silent-peers.ts'
import type { TargetFinder } from './target-finder.ts'
import type { Upstream } from './upstream.ts'

/** How far a response context has come to its end. */
export interface Ending {
  /** No further target is started: a 2xx or 6xx came, or the caller gave up. */
  stopped: boolean
  cancelled: boolean
  /** Why what rings is cancelled, as the phones are told. */
  reasons: readonly string[]
  /** What rings is left alone, as the caller wishes it (RFC 3841 s.9.1). */
  sparing: boolean
}

export function notEnding(): Ending {
  return { stopped: false, cancelled: false, reasons: NO_REASONS, sparing: false }
}

/** What a branch moves. */
export interface AnsweredContext extends ForkContext {
  /** It is done, with this. */
  finish(now: Millis, branch: Branch, candidate: Candidate): void
  /** Nothing new is started, and what rings is cancelled. */
  stop(now: Millis): void
  run(now: Millis): void
  /** The caller has been answered. */
  releaseIfDone(): void
}

interface Parts {
  readonly ending: Ending
  readonly sender: BranchSender
  readonly upstream: Upstream
  readonly branches: Branches
  readonly peers: SilentPeers
  readonly tries: SecondTries
  readonly finder: TargetFinder
}

export class BranchAnswers {
  private readonly environment: ProxyEnvironment
  private readonly context: AnsweredContext
  private readonly init: ContextInit
  private readonly invite: boolean
  private readonly ending: Ending
  private readonly sender: BranchSender
  private readonly upstream: Upstream
  private readonly branches: Branches
  private readonly peers: SilentPeers
  private readonly tries: SecondTries
  private readonly finder: TargetFinder
  /** Once something rings by way of another peer. */
  private ringing: RingingPeers | undefined = undefined

  constructor(environment: ProxyEnvironment, context: AnsweredContext, init: ContextInit, parts: Parts) {
    this.environment = environment
    this.context = context
    this.init = init
    this.invite = init.outgoing.incoming.message.method === 'INVITE'
    this.ending = parts.ending
    this.sender = parts.sender
    this.upstream = parts.upstream
    this.branches = parts.branches
    this.peers = parts.peers
    this.tries = parts.tries
    this.finder = parts.finder
  }

  connected(now: Millis, branch: Branch, answer: PeerFlowOutcome): void {
    if (branch.state !== 'connecting') return
    const { ports, held } = this.environment
    const hop = answer.ok ? ports.flowHop(answer.flow) : undefined
    // What rings there is no new call: a busy peer knows it.
    if (hop !== undefined && branch.resumed === 0 && held.isBusy(now, hop))
      this.context.finish(now, branch, LEFT_ALONE)
    else if (hop !== undefined) this.sender.send(now, branch, hop)
    else if (branch.resumed > 0) this.context.finish(now, branch, SILENT)
    else if (answer.ok) this.context.finish(now, branch, FLOW_GONE)
    else this.context.finish(now, branch, madeHere(answer.status, answer.reason))
  }

  resolved(now: Millis, branch: Branch, answer: ResolveOutcome): void {
    if (branch.state !== 'connecting') return
    const { way } = branch.target
    const known = answer.ok || (way.kind === 'host' && way.otherwise !== undefined)
    const failure = known
      ? this.sender.useAddresses(now, branch, answer.ok ? answer.addresses : [])
      : notLocated(branch, answer)
    if (failure !== undefined) this.context.finish(now, branch, failure)
  }

  responded(now: Millis, branch: Branch, response: SipMessage): void {
    const { status } = response
    this.sender.heard(now, branch, response)
    this.peers.heard(branch)
    if (branch.superseded && this.heardLate(now, branch, status)) return
    if (status < 200) {
      this.provisional(now, branch, status, response)
      return
    }
    if (status < 300) {
      this.succeeded(now, branch, response)
      return
    }
    if (branch.state === 'done') return
    if ((status === 401 || status === 407) && this.challenged(now, branch, response)) return
    if (status === 503 && !this.ending.stopped && this.sender.next(now, branch)) return
    // RFC 3261 s.8.2.2.2: it still rings for the peer or by the connection that is gone, and nobody can take its answer there.
    if (status === 482 && this.tries.mayHaveCome(branch)) return this.context.finish(now, branch, AWAY)
    if (status >= 600) {
      // It has said so itself: only what still rings is cancelled.
      this.branches.end(branch)
      if (!this.ending.stopped) this.ending.reasons = declinedFor(status)
      this.context.stop(now)
    }
    if (status < 400 && this.recurse(now, branch, response)) return
    this.context.finish(now, branch, {
      status,
      reason: response.reasonPhrase,
      message: response,
      headers: [],
    })
  }

  failed(now: Millis, branch: Branch, cause: 'timeout' | 'transport'): void {
    if (branch.state === 'done') return
    if (branch.superseded) return this.branches.end(branch)
    this.sender.lost(now, branch)
    const heard = branch.state === 'proceeding' || branch.resumed > 0
    if (this.tries.goesOn(now, branch, { cause, heard, stopped: this.ending.stopped })) return
    this.context.finish(now, branch, failureOf(branch, cause, { heard, invite: this.invite }))
  }

  /** Timer C (RFC 3261 s.16.8): cancelled when it has rung, else as if a 408 had come. */
  timerC(now: Millis, branch: Branch): void {
    branch.timerC = undefined
    if (branch.state === 'done') return
    if (!branch.cancelSent) this.environment.timeouts.add('C')
    if (branch.state === 'proceeding' && !branch.cancelSent)
      return this.sender.cancel(now, branch, this.ending.reasons)
    if (branch.client !== undefined) this.environment.transactions.abandon(branch.client)
    if (branch.superseded) this.branches.end(branch)
    else this.context.finish(now, branch, SILENT)
  }

  /** It has been silent for long. */
  silent(now: Millis, branch: Branch): void {
    branch.silence = undefined
    if (branch.state !== 'calling' || this.ending.stopped) return
    this.tries.supersede(now, branch)
  }

  /** Time to look after the peers by which it rings. */
  look(now: Millis): void {
    this.ringing?.timeout(now)
  }

  /** The caller has been answered, or nobody waits any more. */
  over(): void {
    this.ringing?.end()
  }

  /** A trunk wants to know who calls: that is for this node to say, and for nobody else (adapter-mapping s.0, Peer G). */
  private challenged(now: Millis, branch: Branch, response: SipMessage): boolean {
    if (branch.target.line === undefined) return false
    if (this.ending.stopped) {
      // It crossed the CANCEL. The call is not asked for again, and the caller has no credentials for it.
      this.context.finish(now, branch, madeHere(487, 'Request Terminated'))
      return true
    }
    const outcome = this.sender.authenticate(now, branch, response)
    if (outcome === 'refused') this.context.finish(now, branch, madeHere(502, 'Trunk Refuses Credentials'))
    return outcome !== 'none'
  }

  /** Of a branch that another one stands for; false for a 2xx, which counts wherever it comes from, and for who is heard first. */
  private heardLate(now: Millis, branch: Branch, status: number): boolean {
    if (status >= 200 && status < 300) return false
    if (!this.upstream.finalSent && !mayHaveMissed(status) && this.peers.isBack(branch)) return false
    if (status >= 300) this.branches.end(branch)
    else if (branch.state !== 'done') {
      branch.state = 'proceeding'
      this.sender.cancel(now, branch, this.ending.reasons)
    }
    return true
  }

  private provisional(now: Millis, branch: Branch, status: number, response: SipMessage): void {
    if (branch.state === 'done') return
    branch.state = 'proceeding'
    if (this.ending.stopped && !this.ending.sparing) {
      this.sender.cancel(now, branch, this.ending.reasons)
      if (this.ending.cancelled) return
    }
    if (this.invite && !this.upstream.finalSent) this.watchPeers(now, branch)
    if (status === 100) return
    if (this.invite && !branch.cancelSent) this.sender.armTimerC(now, branch, TIMER_C_MS)
    if (this.upstream.finalSent) return
    if (status >= 180) this.init.call?.setUp(now)
    this.upstream.forward(now, response, branch.client?.hop)
  }

  private watchPeers(now: Millis, { client }: Branch): void {
    const { server, outgoing } = this.init
    if (client?.hop.transport !== 'peer' && server.hop.transport !== 'peer') return
    const { branches, environment } = this
    const invite = outgoing.incoming.message
    this.ringing ??= new RingingPeers(environment, this.context, { server, branches, invite })
    this.ringing.rings(now)
  }

  /** RFC 3261 s.16.7 item 5: every 2xx to INVITE goes upstream, of other methods only the first. */
  private succeeded(now: Millis, branch: Branch, response: SipMessage): void {
    this.peers.heardFromStandIn(branch)
    if (this.invite || !this.upstream.finalSent) {
      this.init.call?.setUp(now)
      this.init.call?.over(200, this.branches.all.length)
      this.upstream.forward(now, response, branch.client?.hop)
    }
    this.branches.end(branch)
    this.ending.sparing = this.init.disposition.noCancel
    this.ending.reasons = ANSWERED_ELSEWHERE
    this.context.stop(now)
    this.context.releaseIfDone()
  }

  /** 3xx is followed only to AORs of hosted domains (adapter-mapping s.7.3); everything else is the caller's choice. */
  private recurse(now: Millis, branch: Branch, response: SipMessage): boolean {
    if (!this.environment.settings.recurse3xx || this.ending.stopped || branch.target.path === 'dns')
      return false
    if (this.init.oneInstance || this.init.disposition.noRecurse) return false
    if (!this.finder.redirected(now, response)) return false
    this.branches.end(branch)
    this.context.run(now)
    return true
  }
}
