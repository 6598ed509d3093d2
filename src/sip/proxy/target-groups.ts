/**
 * In which order the targets of a request are begun: the highest q first, all of one q together, and the next group when those before it are done
 * or have rung for long enough (RFC 3261 s.16.6); no more at a time than Max-Breadth allows (RFC 5393 s.5.3).
 */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { ForkContext, ProxyTimer } from './branch.ts'
import type { Branches } from './branches.ts'
import type { Breadth, Coming } from './breadth.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { Target, TargetSet } from './targets.ts'

/** Judgement: no phone begins to ring later than that, as with Timer C (RFC 3261 s.16.6) no phone rings on for ever. */
const START_FOR_MS = 180_000
/** Judgement: unless groups of phones are given so much time that not so many of them would have their turn. */
const GROUPS_LEAST = 3

/** The response context, as far as it is needed here. */
export interface GroupedContext extends ForkContext {
  /** No further target is started. */
  readonly isStopped: boolean
  /** Who may still be found. */
  readonly coming: Coming
  /** The highest q that a target which is still being looked for may have. */
  readonly awaitedQ: number
  begin(now: Millis, target: Target, share: number): void
  /** Not even one target can be begun: the request has no Max-Breadth left. */
  tooBroad(): void
}

interface Parts {
  readonly set: TargetSet
  readonly branches: Branches
  readonly breadth: Breadth
  /** One target at a time (M-23). */
  readonly serial: boolean
}

export class TargetGroups {
  private readonly environment: ProxyEnvironment
  private readonly context: GroupedContext
  private readonly parts: Parts
  private rank = -1
  /** Whoever waits longer than that has hung up, or is nobody who wants to talk. */
  private until: Millis | undefined = undefined
  private deadline: Deadline<ProxyTimer> | undefined = undefined

  constructor(environment: ProxyEnvironment, context: GroupedContext, parts: Parts) {
    this.environment = environment
    this.context = context
    this.parts = parts
  }

  /** Begins what has its turn. */
  start(now: Millis): void {
    const { context } = this
    const { set, branches, serial } = this.parts
    const { groupTimeoutMs } = this.environment.settings
    this.until ??= now + Math.max(START_FOR_MS, GROUPS_LEAST * groupTimeoutMs)
    if (now > this.until) set.clear()
    while (!context.isStopped && !set.empty) {
      const lower = set.highestRank < this.rank || serial
      if (branches.active() > 0 && lower) break
      // Whom a 3xx wants first may still have to be found.
      if (set.highestQ < context.awaitedQ) break
      if (!this.startGroup(now)) break
    }
    if (!set.empty && this.deadline === undefined && branches.active() > 0)
      this.deadline = this.environment.deadlines.set(now + groupTimeoutMs, { kind: 'group', context })
  }

  /** The time of the group that rings is over: the next one rings beside it. */
  timeout(): void {
    this.deadline = undefined
    this.rank = -1
  }

  stop(): void {
    this.parts.set.clear()
    this.environment.deadlines.cancel(this.deadline)
    this.deadline = undefined
  }

  /** False when there is no breadth left for it now. */
  private startGroup(now: Millis): boolean {
    const { set, branches, breadth, serial } = this.parts
    const shares = breadth.take(serial ? 1 : set.size, this.context.coming)
    if (shares.length === 0) {
      if (branches.active() > 0) return false
      if (branches.all.length === 0) this.context.tooBroad()
      set.clear()
      return false
    }
    this.rank = set.highestRank
    const group = set.takeGroup(shares.length)
    shares.forEach((share, index) => {
      const target = group[index]
      if (target === undefined) breadth.giveBack(share)
      else this.context.begin(now, target, share)
    })
    return true
  }
}
