import type { NodeInput } from '../adapter/index.ts'

const WAITING_MAX = 10_000

/** Inputs that arrive while the node is being built wait here, as many as a burst may bring and no more. */
export class Gate {
  private waiting: NodeInput[] = []
  private through: ((input: NodeInput) => void) | undefined

  readonly feed = (input: NodeInput): void => {
    if (this.through !== undefined) this.through(input)
    else if (this.waiting.length < WAITING_MAX) this.waiting.push(input)
  }

  open(through: (input: NodeInput) => void): void {
    this.through = through
    const { waiting } = this
    this.waiting = []
    for (const input of waiting) through(input)
  }
}
