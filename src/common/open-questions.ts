/**
 * Questions that were asked of somebody who may never answer. Each has a deadline of its own, so that a lost answer holds
 * nothing for ever; an answer that comes too late finds no question and is ignored.
 */
import { Deadlines, type Deadline } from './deadlines.ts'
import { RecentMap } from './recent-map.ts'
import type { Millis } from './time.ts'

export class OpenQuestions<Q> {
  private readonly open = new RecentMap<
    number,
    { readonly question: Q; readonly deadline: Deadline<number> }
  >()
  private readonly deadlines = new Deadlines<number>()

  get size(): number {
    return this.open.size
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** `id` is the number that the answer will repeat. */
  ask(id: number, question: Q, due: Millis): void {
    this.open.set(id, { question, deadline: this.deadlines.set(due, id) })
  }

  /** The question of an answer, which is closed; undefined when it is none of ours or was given up. */
  take(id: number): Q | undefined {
    const entry = this.open.get(id)
    if (entry === undefined) return undefined
    this.open.delete(id)
    this.deadlines.cancel(entry.deadline)
    return entry.question
  }

  /** The next question that nobody has answered in time; it is closed. */
  overdue(now: Millis): Q | undefined {
    const id = this.deadlines.pop(now)
    if (id === undefined) return undefined
    const entry = this.open.get(id)
    this.open.delete(id)
    return entry?.question
  }
}
