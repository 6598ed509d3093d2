/** The branches of one response context: which are active, and what is given back when one ends. */
import type { Deadlines } from '../../common/deadlines.ts'
import type { Branch, LateAnswers, ProxyTimer } from './branch.ts'
import type { Breadth } from './breadth.ts'

export class Branches {
  /** All that were ever started, in that order. */
  readonly all: Branch[] = []
  private readonly deadlines: Deadlines<ProxyTimer>
  private readonly breadth: Breadth

  constructor(deadlines: Deadlines<ProxyTimer>, breadth: Breadth) {
    this.deadlines = deadlines
    this.breadth = breadth
  }

  /** How many may still bring an answer that is waited for. */
  active(): number {
    let count = 0
    for (const branch of this.all) if (branch.state !== 'done' && !branch.superseded) count++
    return count
  }

  /** The same phone was tried by another of its connections before (RFC 5626 s.7). */
  isAnotherFlow({ target }: Branch): boolean {
    const { instance, key } = target
    return (
      instance !== undefined &&
      this.all.some((other) => other.target.instance === instance && other.target.key !== key)
    )
  }

  /** Another takes its place and its share of Max-Breadth. */
  supersede(branch: Branch): void {
    this.breadth.giveBack(branch.breadth)
    branch.superseded = true
  }

  /** It has its place and its share back. */
  restore(branch: Branch): void {
    this.breadth.takeBack(branch.breadth)
    branch.superseded = false
  }

  /** It has a final response or will never have one. */
  end(branch: Branch): void {
    if (branch.state === 'done') return
    branch.state = 'done'
    if (!branch.superseded) this.breadth.giveBack(branch.breadth)
    const { deadlines } = this
    deadlines.cancel(branch.timerC)
    deadlines.cancel(branch.silence)
    deadlines.cancel(branch.sibling)
    branch.sibling = undefined
    branch.timerC = undefined
    branch.silence = undefined
  }

  /** All is said: transactions that only absorb repeats keep the way back for a late 2xx, and nothing else of the request. */
  leave(wayBack: LateAnswers): void {
    for (const { client } of this.all)
      if (client?.state === 'accepted' || client?.state === 'completed') client.user = wayBack
  }
}
