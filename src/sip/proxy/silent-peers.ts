/**
 * Peers that say nothing, and who takes their place (M-31). For a call that begins: other peers at which the same phone is registered
 * (docs/adr/0019). In a call that is up: whoever else has the phone that the call's route leads to (docs/adr/0024).
 */
import type { Millis } from '../../common/time.ts'
import type { Candidate } from './best-response.ts'
import type { Branch, ForkContext } from './branch.ts'
import { SIBLING_SILENCE_MS, STAND_IN_SILENCE_MS } from './branch-sender.ts'
import type { Branches } from './branches.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { mayHaveMissed, overlaps } from './siblings.ts'
import { StandInSearch } from './stand-in.ts'
import type { Target, TargetSet } from './targets.ts'

/** Judgement: on a line that loses packets the first answer of a living peer may take so much longer. */
const LAST_CHANCE_MS: Millis = 3_000

/** A request of a call that is up, and the peer that it goes to next. */
export interface InCall {
  readonly request: ProxyRequest
  readonly peer: string
}

/** The response context, as far as it is needed here. */
export interface OvertakenContext extends ForkContext {
  /** No further target is started. */
  readonly isStopped: boolean
  add(target: Target): void
  run(now: Millis): void
}

interface Parts {
  readonly set: TargetSet
  readonly branches: Branches
  readonly invite: boolean
  readonly inCall: InCall | undefined
}

export class SilentPeers {
  /** What the peer of a call failed with: to be said when nobody stands in for it. */
  lostPeer: Candidate | undefined = undefined
  /** Looks for others in a call that is up. */
  readonly search: StandInSearch | undefined
  private readonly environment: ProxyEnvironment
  private readonly context: OvertakenContext
  private readonly parts: Parts
  /** Is silent; others that have its phone are looked for meanwhile. */
  private doubted: Branch | undefined = undefined
  /** Those of a call that begins which others stand in for, and until when they are waited for should those fail. */
  private overtaken: Map<Branch, Millis> | undefined = undefined

  constructor(environment: ProxyEnvironment, context: OvertakenContext, parts: Parts) {
    this.environment = environment
    this.context = context
    this.parts = parts
    const { inCall } = parts
    this.search = inCall === undefined ? undefined : new StandInSearch(environment, context, inCall.request)
  }

  /** A request has gone to a target: it is not waited for in vain where others have its phones. */
  watch(now: Millis, branch: Branch): void {
    const { target, state } = branch
    if (state === 'done') return
    const inCall = this.parts.inCall !== undefined && target.peer !== undefined
    if (inCall || (target.way.kind === 'peer' && this.parts.set.hasSiblingOf(target)))
      this.wakeAfter(now, branch, SIBLING_SILENCE_MS)
  }

  /** It lives. */
  heard(branch: Branch): void {
    this.environment.deadlines.cancel(branch.sibling)
    branch.sibling = undefined
  }

  /**
   * A living peer answers an INVITE at once, with 100. One that does not, or that cannot be connected to, is not waited for when its phones are
   * registered at another.
   */
  silent(now: Millis, branch: Branch): void {
    branch.sibling = undefined
    const { state } = branch
    const { set, branches } = this.parts
    if ((state !== 'calling' && state !== 'connecting') || this.context.isStopped || branch.superseded) return
    if (this.search !== undefined) return this.doubt(now, branch)
    if (branch.lastChance) {
      branches.supersede(branch)
      return this.context.run(now)
    }
    if (!set.addSiblingsOf(branch.target)) return
    branches.supersede(branch)
    this.overtaken ??= new Map()
    this.overtaken.set(branch, now + LAST_CHANCE_MS)
    if (state === 'connecting') {
      branches.end(branch)
      // One that was there while the phone rang is not there any more.
      if (branch.resumed === 0) set.putBack(branch.target)
    }
    this.context.run(now)
  }

  /**
   * One that others were to stand in for says something after all. Where it is the first of them it has its place back, and they are given up;
   * false where one of them was first.
   */
  isBack(branch: Branch): boolean {
    const { branches } = this.parts
    if (this.context.isStopped || this.overtaken?.has(branch) !== true) return false
    const standIns = this.standInsFor(branch)
    if (standIns.some(({ state }) => state === 'proceeding')) return false
    this.overtaken.delete(branch)
    branches.restore(branch)
    for (const each of standIns) {
      if (each.state === 'done' || each.superseded) continue
      // Should it ring all the same, it is cancelled.
      if (each.client === undefined) branches.end(each)
      else branches.supersede(each)
    }
    return true
  }

  /** A branch has failed. When it was the last that stood in for a peer that has not been silent for long, that one is waited for again. */
  failed(now: Millis, branch: Branch): void {
    const { set, branches } = this.parts
    if (this.overtaken === undefined || this.context.isStopped || !set.isStandIn(branch.target)) return
    for (const [other, until] of this.overtaken) {
      const standIns = this.standInsFor(other)
      if (other.state === 'done' || until <= now || !standIns.includes(branch)) continue
      if (standIns.some(({ state }) => state !== 'done')) continue
      this.overtaken.delete(other)
      branches.restore(other)
      other.lastChance = true
      this.wakeAfter(now, other, until - now)
    }
  }

  private standInsFor({ target }: Branch): readonly Branch[] {
    const { set, branches } = this.parts
    return branches.all.filter((other) => set.isStandIn(other.target) && overlaps(other.target, target))
  }

  /** Others that have the phone of a silent peer have been found: unless it has been heard of meanwhile, it is not waited for. */
  takeOver(): void {
    const branch = this.doubted
    const { set, branches } = this.parts
    if (branch === undefined || set.empty) return
    this.doubted = undefined
    const { state } = branch
    if (state === 'proceeding') set.clear()
    if ((state !== 'calling' && state !== 'connecting') || branch.superseded) return
    branches.supersede(branch)
    if (state === 'connecting') branches.end(branch)
  }

  /** In a call: the peer cannot be reached. Whoever stands in for it and does not have the phone says 403. */
  isOfLostPeer(now: Millis, branch: Branch, candidate: Candidate): boolean {
    const { inCall } = this.parts
    if (inCall === undefined) return false
    const { message, status } = candidate
    const isStandIn = branch.target.whole === true
    const missed = isStandIn && branch.target.way.kind === 'peer' && (status === 403 || mayHaveMissed(status))
    if (message !== undefined && !missed) return false
    if (isStandIn) this.environment.standIns.forget(inCall.request.incoming.message, inCall.peer)
    this.seek(now, branch)
    this.lostPeer ??= candidate
    return true
  }

  /** The phone has been reached by another way: the rest of the call goes by it at once. */
  heardFromStandIn({ target, client }: Branch): void {
    const { inCall } = this.parts
    if (inCall === undefined || target.whole !== true || client === undefined) return
    const { standIns } = this.environment
    const { message } = inCall.request.incoming
    if (message.method === 'BYE') standIns.forget(message, inCall.peer)
    else standIns.found(message, inCall.peer, target)
  }

  /** Nothing that is on its way to a phone is sent a second time before it is clear that the peer says nothing at all. */
  private doubt(now: Millis, branch: Branch): void {
    if (branch.state === 'calling' && !this.parts.invite && !branch.doubtful) {
      branch.doubtful = true
      this.wakeAfter(now, branch, STAND_IN_SILENCE_MS - SIBLING_SILENCE_MS)
    } else if (this.seek(now, branch)) {
      this.doubted = branch
      this.context.run(now)
    }
  }

  /** Others that have the phone of a call are looked for, once a request. */
  private seek(now: Millis, branch: Branch): boolean {
    const here = this.context.isStopped ? undefined : this.search?.start(now, branch.target.peer)
    for (const target of here ?? []) this.context.add(target)
    return here !== undefined
  }

  private wakeAfter(now: Millis, branch: Branch, after: Millis): void {
    const { deadlines } = this.environment
    deadlines.cancel(branch.sibling)
    branch.sibling = deadlines.set(now + after, { kind: 'sibling', context: this.context, branch })
  }
}
