/**
 * The response context of RFC 3261 s.16.7: one a forwarded request. Adds targets as they become known, runs branches by
 * q-value, forwards what must go upstream at once, and picks the final response when every branch is done.
 */
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import { isUnanswered } from '../transaction/machinery.ts'
import { isBetter, madeHere, otherChallenges, type Candidate } from './best-response.ts'
import { Branch, type LocateQuestion, type ProxyTimer } from './branch.ts'
import { BranchAnswers, notEnding, type AnsweredContext } from './branch-answers.ts'
import { Branches } from './branches.ts'
import { BranchSender } from './branch-sender.ts'
import { Breadth, type Coming } from './breadth.ts'
import type { ContextInit } from './context-init.ts'
import type { ProxyEnvironment } from './environment.ts'
import { AWAY, BROKEN } from './no-answer.ts'
import type { LocateOutcome, PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
import type { LocalBinding } from './ports.ts'
import { isRung } from './lost-phones.ts'
import { SecondTries } from './second-tries.ts'
import { TargetFinder } from './target-finder.ts'
import { TargetGroups, type GroupedContext } from './target-groups.ts'
import { mayHaveMissed } from './siblings.ts'
import { SilentPeers, type OvertakenContext } from './silent-peers.ts'
import { TargetSet, type Target } from './targets.ts'
import { Upstream } from './upstream.ts'

export class ResponseContext implements OvertakenContext, GroupedContext, AnsweredContext {
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
  private readonly answers: BranchAnswers
  private readonly ending = notEnding()
  private candidates: Candidate[] = []

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
    const { ending, upstream, tries, finder } = this
    const parts = { ending, sender, upstream, branches, peers, tries, finder }
    this.answers = new BranchAnswers(environment, this, init, parts)
  }

  get isStopped(): boolean {
    return this.ending.stopped
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
    if (this.ending.stopped || this.upstream.finalSent) return
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
    if (this.ending.stopped) this.set.clear()
    this.run(now)
  }

  connected(now: Millis, branch: Branch, answer: PeerFlowOutcome): void {
    this.answers.connected(now, branch, answer)
  }

  resolved(now: Millis, branch: Branch, answer: ResolveOutcome): void {
    this.answers.resolved(now, branch, answer)
  }

  responded(now: Millis, branch: Branch, response: SipMessage): void {
    this.answers.responded(now, branch, response)
  }

  failed(now: Millis, branch: Branch, cause: 'timeout' | 'transport'): void {
    this.answers.failed(now, branch, cause)
  }

  timer(now: Millis, timer: ProxyTimer): void {
    if (timer.kind === 'group') {
      this.groups.timeout()
      return this.run(now)
    }
    if (timer.kind === 'ringing') return this.answers.look(now)
    if (timer.kind === 'lost') {
      this.tries.timeout()
      return this.run(now)
    }
    const { branch } = timer
    if (timer.kind === 'sibling') return this.peers.silent(now, branch)
    if (timer.kind === 'silence') return this.answers.silent(now, branch)
    this.answers.timerC(now, branch)
  }

  cancel(now: Millis, reasons: readonly string[]): void {
    if (this.upstream.finalSent) return
    this.ending.cancelled = true
    this.ending.reasons = reasons
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
      this.ending.cancelled = true
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
    this.answers.over()
    this.tries.forget()
    server.user = undefined
    if (isUnanswered(server)) transactions.drop(server)
  }

  /** RFC 3261 s.16.7 item 10: nothing new is started, and what rings is cancelled. */
  stop(now: Millis): void {
    this.ending.stopped = true
    this.groups.stop()
    this.tries.forget()
    for (const branch of this.branches.all) {
      // Of an INVITE that is out already phones may ring: they are heard of first, and cancelled then.
      const isOut = this.invite && branch.client !== undefined
      if (branch.state === 'connecting' && !isOut) this.branches.end(branch)
      else if (branch.state === 'proceeding' && !this.ending.sparing)
        this.sender.cancel(now, branch, this.ending.reasons)
    }
  }

  finish(now: Millis, branch: Branch, candidate: Candidate): void {
    this.branches.end(branch)
    // RFC 5626 s.7: only these two say that the flow is dead, and not the phone's will.
    const { status } = candidate
    const flowFailed = status === 430 || status === 408
    const takenOver =
      !this.ending.stopped &&
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
    if ((this.peers.search ?? this.init.exits)?.pending === true && !this.ending.stopped) return
    if ((!this.set.empty || this.tries.awaited) && !this.ending.stopped) return
    const best = this.best()
    this.init.call?.over(best.status, this.branches.all.length)
    this.upstream.final(now, best, otherChallenges(best, this.candidates))
    this.releaseIfDone()
  }

  private best(): Candidate {
    let best: Candidate | undefined
    for (const candidate of this.candidates) if (isBetter(candidate, best)) best = candidate
    best ??= this.peers.lostPeer
    if (this.ending.cancelled && (best === undefined || best.message === undefined))
      return madeHere(487, 'Request Terminated')
    if (best === undefined || (this.branches.all.length === 0 && best.status !== 440))
      return this.finder.nobody(best)
    // Of no use to the caller, who knows nothing of the phone's flows (adapter-mapping s.7.3).
    if (best.status === 430) return AWAY
    return best
  }

  /** What is kept alive by the transactions that absorb repeats should be small. */
  releaseIfDone(): void {
    if (!this.upstream.finalSent) return
    this.answers.over()
    this.tries.forget()
    this.environment.calledUsers.over(this.init.aor, this)
    if (this.branches.active() > 0) return
    this.candidates = []
    this.set.clear()
    this.init.server.user = undefined
    this.branches.leave(this.upstream.wayBack)
  }
}
