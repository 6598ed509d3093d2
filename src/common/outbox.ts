import { appended } from './appended.ts'
import { invariant } from './assert.ts'

/**
 * The queue of actions that a machine fills and its owner drains after every step. The bound catches a machine that
 * answers its own actions in a circle; no input from outside produces that many actions in one step.
 */
export class Outbox<A> {
  private actions: A[] | undefined
  private readonly limit: number

  constructor(limit = 100_000) {
    this.limit = limit
  }

  get size(): number {
    return this.actions?.length ?? 0
  }

  push(action: A): void {
    invariant(this.size < this.limit, 'outbox overflow')
    this.actions = appended(this.actions, action)
  }

  /** All pending actions in order; the outbox is empty afterwards. */
  drain(): A[] {
    const drained = this.actions ?? []
    this.actions = undefined
    return drained
  }
}
