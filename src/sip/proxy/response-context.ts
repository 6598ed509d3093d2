/**
 * The response context of RFC 3261 s.16.7: one a forwarded request. Adds targets as they become known, runs branches by
 * q-value, forwards what must go upstream at once, and picks the final response when every branch is done.
 */
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import { isUnanswered, type ServerTransaction } from '../transaction/machinery.ts'
import { TIMER_C_MS } from '../transaction/timers.ts'
import { isBetter, madeHere, otherChallenges, type Candidate } from './best-response.ts'
import { Branch, type ForkContext, type LocateQuestion, type ProxyTimer } from './branch.ts'
import { Branches } from './branches.ts'
import { BranchSender, LEFT_ALONE, type OutgoingRequest } from './branch-sender.ts'
import { Breadth, type Coming } from './breadth.ts'
import { ANSWERED_ELSEWHERE, declinedFor, NO_REASONS } from './cancel-reasons.ts'
import type { CallRecord } from './call-record.ts'
import type { Disposition } from './disposition.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { ExitSearch } from './exits.ts'
import { AWAY, BROKEN, failureOf, FLOW_GONE, notLocated, SILENT } from './no-answer.ts'
import type { LocateOutcome, PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
import type { LocalBinding } from './ports.ts'
import { isRung } from './lost-phones.ts'
import { RingingPeers } from './ringing-peers.ts'
import { SecondTries } from './second-tries.ts'
import { TargetFinder } from './target-finder.ts'
import { TargetGroups, type GroupedContext } from './target-groups.ts'
import { mayHaveMissed } from './siblings.ts'
import { SilentPeers, type InCall, type OvertakenContext } from './silent-peers.ts'
import { TargetSet, type Target } from './targets.ts'
import { Upstream } from './upstream.ts'

export interface ContextInit {
  readonly outgoing: OutgoingRequest
  readonly server: ServerTransaction<ForkContext>
  /** Set for an initial INVITE: it is counted as a call. */
  readonly call: CallRecord | undefined
  /** One target at a time (M-23). */
  readonly serial: boolean
  readonly disposition: Disposition
  /** The user whose phones are rung, also those that register meanwhile; undefined when it is not about a user. */
  readonly aor: string | undefined
  /** Set for a request of a call that is up which goes to this peer next. */
  readonly inCall: InCall | undefined
  /** By which proxies it leaves the overlay, to be looked up first. */
  readonly exits: ExitSearch | undefined
  /** Meant for one phone and no other, by its GRUU: nothing is forwarded elsewhere (RFC 5627 s.6.1). */
  readonly oneInstance: boolean
}

export class ResponseContext implements OvertakenContext, GroupedContext {
  readonly finder: TargetFinder
  private readonly environment: ProxyEnvironment
  private readonly init: ContextInit
  private readonly sender: BranchSender
  private readonly tries: SecondTries
  private readonly upstream: Upstream
  private readonly groups: TargetGroups
  private readonly breadth: Breadth
  private readonly set: TargetSet
  private readonly invite: boolean
  private readonly branches: Branches
  private readonly peers: SilentPeers
  /** Once something rings by way of another peer. */
  private ringing: RingingPeers | undefined = undefined
  private candidates: Candidate[] = []
  /** No further target is started: a 2xx or 6xx came, or the caller gave up. */
  private stopped = false
  private cancelled = false
  /** Why what rings is cancelled, as the phones are told. */
  private reasons: readonly string[] = NO_REASONS
  /** What rings is left alone, as the caller wishes it (RFC 3841 s.9.1). */
  private sparing = false

  constructor(environment: ProxyEnvironment, init: ContextInit) {
    this.environment = environment
    this.init = init
    this.sender = new BranchSender(environment, init.outgoing)
    this.upstream = new Upstream(environment, init.outgoing.incoming, init.server, init.outgoing.timer)
    const { message } = init.outgoing.incoming
    this.invite = message.method === 'INVITE'
    this.breadth = new Breadth(message)
    const forks = init.disposition.noFork ? 1 : environment.settings.maxForks
    const siblings = init.exits === undefined ? environment.settings.siblings : 'parallel'
    this.set = new TargetSet(forks, init.oneInstance, siblings)
    this.finder = new TargetFinder(environment, this, init.outgoing, (target) => this.set.add(target))
    this.branches = new Branches(environment.deadlines, this.breadth)
    const { set, branches, breadth, invite } = this
    this.groups = new TargetGroups(environment, this, { set, branches, breadth, serial: init.serial })
    const peers = new SilentPeers(environment, this, { set, branches, invite, inCall: init.inCall })
    this.peers = peers
    const { sender } = this
    const { outgoing, aor } = init
    const inCall = init.inCall !== undefined
    this.tries = new SecondTries(environment, this, {
      ...{ outgoing, sender, set, branches, breadth, peers, aor, inCall },
    })
  }

  get isStopped(): boolean {
    return this.stopped
  }

  get coming(): Coming {
    if (this.finder.pending > 0) return 'targets'
    const { aor, serial, disposition } = this.init
    return aor === undefined || serial || disposition.noFork ? 'nobody' : 'phones'
  }

  get awaitedQ(): number {
    return this.finder.awaitedQ
  }

  begin(now: Millis, target: Target, share: number): void {
    const branch = new Branch(this, target, share)
    this.branches.all.push(branch)
    const failure = this.sender.start(now, branch)
    if (failure === undefined) return this.peers.watch(now, branch)
    this.branches.end(branch)
    this.candidates.push(failure)
  }

  tooBroad(): void {
    this.candidates.push(madeHere(440, 'Max-Breadth Exceeded'))
  }

  /** Adds a target that needs no finding. */
  add(target: Target): void {
    this.finder.offer(target)
  }

  /** Starts what can be started; call after targets were added. */
  run(now: Millis): void {
    if (this.finder.pending === 0) this.init.call?.resolved(now, this.finder.asked)
    this.peers.takeOver()
    // Who wants one phone wants the best, which is known when all are.
    const { noFork } = this.init.disposition
    if ((this.environment.settings.lookup !== 'overlayFirst' && !noFork) || this.finder.pending === 0)
      this.groups.start(now)
    this.finishIfDone(now)
  }

  /** A phone of the user has registered (RFC 3261 s.16.5): it rings too, unless it does already. */
  joined(now: Millis, bindings: readonly LocalBinding[]): void {
    if (this.stopped || this.upstream.finalSent) return
    this.tries.findAgain(now, this.coming)
    for (const binding of bindings) {
      const known = this.branches.all.some((branch) => isRung(branch, binding))
      if (!known && this.init.aor !== undefined) this.finder.addLate(now, binding, this.init.aor)
    }
    this.run(now)
  }

  /** Called once, when all that is known at once has been started. */
  underWay(now: Millis): void {
    if (!this.invite && !this.upstream.finalSent) this.upstream.underWay(now)
  }

  located(now: Millis, question: LocateQuestion, answer: LocateOutcome): void {
    const search = this.init.exits ?? this.peers.search
    if (search?.pending === true) for (const target of search.located(answer)) this.add(target)
    else this.finder.located(now, question, answer)
    if (this.stopped) this.set.clear()
    this.run(now)
  }

  connected(now: Millis, branch: Branch, answer: PeerFlowOutcome): void {
    if (branch.state !== 'connecting') return
    const { ports, held } = this.environment
    const hop = answer.ok ? ports.flowHop(answer.flow) : undefined
    // What rings there is no new call: a busy peer knows it.
    if (hop !== undefined && branch.resumed === 0 && held.isBusy(now, hop))
      this.finish(now, branch, LEFT_ALONE)
    else if (hop !== undefined) this.sender.send(now, branch, hop)
    else if (branch.resumed > 0) this.finish(now, branch, SILENT)
    else if (answer.ok) this.finish(now, branch, FLOW_GONE)
    else this.finish(now, branch, madeHere(answer.status, answer.reason))
  }

  resolved(now: Millis, branch: Branch, answer: ResolveOutcome): void {
    if (branch.state !== 'connecting') return
    const { way } = branch.target
    const known = answer.ok || (way.kind === 'host' && way.otherwise !== undefined)
    const failure = known
      ? this.sender.useAddresses(now, branch, answer.ok ? answer.addresses : [])
      : notLocated(branch, answer)
    if (failure !== undefined) this.finish(now, branch, failure)
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
    if (status === 503 && !this.stopped && this.sender.next(now, branch)) return
    // RFC 3261 s.8.2.2.2: it still rings for the peer or by the connection that is gone, and nobody can take its answer there.
    if (status === 482 && this.tries.mayHaveCome(branch)) return this.finish(now, branch, AWAY)
    if (status >= 600) {
      // It has said so itself: only what still rings is cancelled.
      this.branches.end(branch)
      if (!this.stopped) this.reasons = declinedFor(status)
      this.stop(now)
    }
    if (status < 400 && this.recurse(now, branch, response)) return
    this.finish(now, branch, { status, reason: response.reasonPhrase, message: response, headers: [] })
  }

  /** A trunk wants to know who calls: that is for this node to say, and for nobody else (adapter-mapping s.0, Peer G). */
  private challenged(now: Millis, branch: Branch, response: SipMessage): boolean {
    if (branch.target.line === undefined) return false
    if (this.stopped) {
      // It crossed the CANCEL. The call is not asked for again, and the caller has no credentials for it.
      this.finish(now, branch, madeHere(487, 'Request Terminated'))
      return true
    }
    const outcome = this.sender.authenticate(now, branch, response)
    if (outcome === 'refused') this.finish(now, branch, madeHere(502, 'Trunk Refuses Credentials'))
    return outcome !== 'none'
  }

  failed(now: Millis, branch: Branch, cause: 'timeout' | 'transport'): void {
    if (branch.state === 'done') return
    if (branch.superseded) return this.branches.end(branch)
    this.sender.lost(now, branch)
    const heard = branch.state === 'proceeding' || branch.resumed > 0
    if (this.tries.goesOn(now, branch, { cause, heard, stopped: this.stopped })) return
    this.finish(now, branch, failureOf(branch, cause, { heard, invite: this.invite }))
  }

  timer(now: Millis, timer: ProxyTimer): void {
    if (timer.kind === 'group') {
      this.groups.timeout()
      return this.run(now)
    }
    if (timer.kind === 'ringing') return this.ringing?.timeout(now)
    if (timer.kind === 'lost') {
      this.tries.timeout()
      return this.run(now)
    }
    const { branch } = timer
    if (timer.kind === 'sibling') return this.peers.silent(now, branch)
    if (timer.kind === 'silence') return this.supersede(now, branch)
    branch.timerC = undefined
    if (branch.state === 'done') return
    if (!branch.cancelSent) this.environment.timeouts.add('C')
    // RFC 3261 s.16.8: cancelled when it has rung, else as if a 408 had come.
    if (branch.state === 'proceeding' && !branch.cancelSent) this.sender.cancel(now, branch, this.reasons)
    else {
      if (branch.client !== undefined) this.environment.transactions.abandon(branch.client)
      if (branch.superseded) this.branches.end(branch)
      else this.finish(now, branch, SILENT)
    }
  }

  cancel(now: Millis, reasons: readonly string[]): void {
    if (this.upstream.finalSent) return
    this.cancelled = true
    this.reasons = reasons
    this.finder.abandon()
    this.stop(now)
    this.finishIfDone(now)
  }

  /** A phone may call again by another node; another peer may know a way around this one (E53). */
  leave(now: Millis, retryAfterS: number): void {
    const byPeer = this.init.server.hop.transport === 'peer'
    this.giveUp(now, byPeer ? AWAY : madeHere(503, 'Leaving', [['Retry-After', String(retryAfterS)]]))
  }

  /** The caller gets that unless he has been answered, and what rings is cancelled. Should that fail as well, all that would wait is forgotten. */
  giveUp(now: Millis, answer: Candidate = BROKEN): void {
    let done = false
    try {
      this.cancelled = true
      // What has been tried in vain counts as nothing.
      if (isUnanswered(this.init.server)) {
        this.init.call?.over(answer.status, this.branches.all.length)
        this.upstream.final(now, answer, [])
      }
      this.finder.abandon()
      this.stop(now)
      this.releaseIfDone()
      done = true
    } finally {
      if (!done) this.forget()
    }
  }

  private forget(): void {
    const { transactions, calledUsers } = this.environment
    const { server, aor } = this.init
    for (const branch of this.branches.all) {
      if (branch.client !== undefined) transactions.abandon(branch.client)
      this.branches.end(branch)
    }
    calledUsers.over(aor, this)
    this.ringing?.end()
    this.tries.forget()
    server.user = undefined
    if (isUnanswered(server)) transactions.drop(server)
  }

  /** It has been silent for long. */
  private supersede(now: Millis, branch: Branch): void {
    branch.silence = undefined
    if (branch.state !== 'calling' || this.stopped) return
    this.tries.supersede(now, branch)
  }

  /** Of a branch that another one stands for; false for a 2xx, which counts wherever it comes from, and for who is heard first. */
  private heardLate(now: Millis, branch: Branch, status: number): boolean {
    if (status >= 200 && status < 300) return false
    if (!this.upstream.finalSent && !mayHaveMissed(status) && this.peers.isBack(branch)) return false
    if (status >= 300) this.branches.end(branch)
    else if (branch.state !== 'done') {
      branch.state = 'proceeding'
      this.sender.cancel(now, branch, this.reasons)
    }
    return true
  }

  private provisional(now: Millis, branch: Branch, status: number, response: SipMessage): void {
    if (branch.state === 'done') return
    branch.state = 'proceeding'
    if (this.stopped && !this.sparing) {
      this.sender.cancel(now, branch, this.reasons)
      if (this.cancelled) return
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
    this.ringing ??= new RingingPeers(environment, this, { server, branches, invite })
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
    this.sparing = this.init.disposition.noCancel
    this.reasons = ANSWERED_ELSEWHERE
    this.stop(now)
    this.releaseIfDone()
  }

  /** RFC 3261 s.16.7 item 10: nothing new is started, and what rings is cancelled. */
  private stop(now: Millis): void {
    this.stopped = true
    this.groups.stop()
    this.tries.forget()
    for (const branch of this.branches.all) {
      // Of an INVITE that is out already phones may ring: they are heard of first, and cancelled then.
      const isOut = this.invite && branch.client !== undefined
      if (branch.state === 'connecting' && !isOut) this.branches.end(branch)
      else if (branch.state === 'proceeding' && !this.sparing) this.sender.cancel(now, branch, this.reasons)
    }
  }

  private finish(now: Millis, branch: Branch, candidate: Candidate): void {
    this.branches.end(branch)
    // RFC 5626 s.7: only these two say that the flow is dead, and not the phone's will.
    const { status } = candidate
    const flowFailed = status === 430 || status === 408
    const takenOver =
      !this.stopped &&
      ((flowFailed && this.set.addSpareOf(branch.target)) ||
        (this.mayBeElsewhere(candidate) && this.set.addSiblingsOf(branch.target)))
    if (!takenOver) this.peers.failed(now, branch)
    if (!takenOver && !this.peers.isOfLostPeer(now, branch, candidate)) this.candidates.push(candidate)
    this.run(now)
  }

  /** Another peer that has the phone may reach it. Of ways out of the overlay the first that is reached has the last word (M-30). */
  private mayBeElsewhere({ status, message }: Candidate): boolean {
    return this.init.exits === undefined ? mayHaveMissed(status) : message === undefined
  }

  private finishIfDone(now: Millis): void {
    if (this.upstream.finalSent) return this.releaseIfDone()
    if (this.finder.pending > 0 || this.branches.active() > 0) return
    if ((this.peers.search ?? this.init.exits)?.pending === true && !this.stopped) return
    if ((!this.set.empty || this.tries.awaited) && !this.stopped) return
    const best = this.best()
    this.init.call?.over(best.status, this.branches.all.length)
    this.upstream.final(now, best, otherChallenges(best, this.candidates))
    this.releaseIfDone()
  }

  private best(): Candidate {
    let best: Candidate | undefined
    for (const candidate of this.candidates) if (isBetter(candidate, best)) best = candidate
    best ??= this.peers.lostPeer
    if (this.cancelled && (best === undefined || best.message === undefined))
      return madeHere(487, 'Request Terminated')
    if (best === undefined || (this.branches.all.length === 0 && best.status !== 440))
      return this.finder.nobody(best)
    // Of no use to the caller, who knows nothing of the phone's flows (adapter-mapping s.7.3).
    if (best.status === 430) return AWAY
    return best
  }

  /** 3xx is followed only to AORs of hosted domains (adapter-mapping s.7.3); everything else is the caller's choice. */
  private recurse(now: Millis, branch: Branch, response: SipMessage): boolean {
    if (!this.environment.settings.recurse3xx || this.stopped || branch.target.path === 'dns') return false
    if (this.init.oneInstance || this.init.disposition.noRecurse) return false
    if (!this.finder.redirected(now, response)) return false
    this.branches.end(branch)
    this.run(now)
    return true
  }

  /** What is kept alive by the transactions that absorb repeats should be small. */
  private releaseIfDone(): void {
    if (!this.upstream.finalSent) return
    this.ringing?.end()
    this.tries.forget()
    this.environment.calledUsers.over(this.init.aor, this)
    if (this.branches.active() > 0) return
    this.candidates = []
    this.set.clear()
    this.init.server.user = undefined
    this.branches.leave(this.upstream.wayBack)
  }
}
