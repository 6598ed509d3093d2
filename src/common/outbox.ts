import { invariant } from './assert.ts'

/**
 * The queue of actions that a machine fills and its owner drains after every step. The bound catches a machine that
 * answers its own actions in a circle; no input from outside produces that many actions in one step.
 */
export class Outbox<A> {
  private actions: A[] = []
  private readonly limit: number

  constructor(limit = 100_000) {
    this.limit = limit
  }

  get size(): number {
    return this.actions.length
  }

  push(action: A): void {
    invariant(this.actions.length < this.limit, 'outbox overflow')
    this.actions.push(action)
  }

  /** All pending actions in order; the outbox is empty afterwards. */
  drain(): A[] {
    if (this.actions.length === 0) return []
    const drained = this.actions
    this.actions = []
    return drained
  }
}
