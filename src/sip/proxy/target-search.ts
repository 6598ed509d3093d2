/**
 * The targets of one request that somebody else is going to forward: found as a response context finds them, but all of them
 * before anything is sent.
 */
import type { Millis } from '../../common/time.ts'
import type { Candidate } from './best-response.ts'
import type { LocateAsker, LocateQuestion } from './branch.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { LocateOutcome } from './outcomes.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { TargetFinder } from './target-finder.ts'
import { TargetSet, type Target, type TargetPath } from './targets.ts'

export interface SearchOwner {
  /** Called once, when nothing more is to be found. */
  found(now: Millis, search: TargetSearch): void
}

export interface SearchRequest extends ProxyRequest {
  /** One target at a time (M-23). */
  readonly serial: boolean
}

export class TargetSearch implements LocateAsker {
  readonly request: SearchRequest
  readonly path: TargetPath
  private readonly finder: TargetFinder
  private readonly set: TargetSet
  private readonly owner: SearchOwner
  /** Nothing more will be found. */
  isOver = false

  constructor(environment: ProxyEnvironment, owner: SearchOwner, request: SearchRequest, path: TargetPath) {
    this.request = request
    this.path = path
    this.owner = owner
    this.set = new TargetSet(environment.settings.maxForks)
    this.finder = new TargetFinder(environment, this, request, (target) => this.set.add(target))
  }

  /** The overlay had to be asked. */
  get asked(): boolean {
    return this.finder.asked
  }

  /** `only` needs no finding. */
  start(now: Millis, only: Target | undefined): void {
    const { goal } = this.request
    if (goal.kind === 'aor') this.finder.addUser(now, goal)
    else if (goal.kind === 'instance') this.finder.addInstance(goal.bindings, goal.withPath)
    else if (only !== undefined) this.finder.offer(only)
    this.finishIfDone(now)
  }

  located(now: Millis, question: LocateQuestion, answer: LocateOutcome): void {
    if (this.isOver) return
    this.finder.located(now, question, answer)
    this.finishIfDone(now)
  }

  /** Nobody wants to know any more. */
  abandon(): void {
    this.isOver = true
    this.finder.abandon()
  }

  /** Targets of equal q together, the most wanted first; at most as many as may be tried. Empties the search. */
  groups(): Target[][] {
    const groups: Target[][] = []
    while (!this.set.empty) groups.push(this.set.takeGroup(Number.MAX_SAFE_INTEGER))
    return groups
  }

  /** What to say when there are none. */
  nobody(): Candidate {
    return this.finder.nobody(undefined)
  }

  private finishIfDone(now: Millis): void {
    if (this.isOver || this.finder.pending > 0) return
    this.isOver = true
    this.owner.found(now, this)
  }
}
