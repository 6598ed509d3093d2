import { NEVER, type Millis } from './time.ts'

/** A pending deadline. Opaque to callers except for `value`; keep it to cancel it. */
export interface Deadline<T> {
  readonly at: Millis
  readonly value: T
  /** Position in the heap, -1 once fired or cancelled. */
  index: number
  readonly order: number
}

/**
 * The timer table of a machine: a binary heap that knows each entry's position, so that set, cancel and pop are
 * O(log n) and nothing is left behind. Deadlines of equal time fire in the order in which they were set, which
 * keeps simulations deterministic.
 */
export class Deadlines<T> {
  private readonly heap: Deadline<T>[] = []
  private order = 0

  get size(): number {
    return this.heap.length
  }

  /** Earliest deadline, or `NEVER`. */
  next(): Millis {
    return this.heap[0]?.at ?? NEVER
  }

  set(at: Millis, value: T): Deadline<T> {
    const deadline: Deadline<T> = { at, value, index: this.heap.length, order: this.order++ }
    this.heap.push(deadline)
    this.up(deadline)
    return deadline
  }

  /** Cancels a deadline; harmless when it has fired or was cancelled already. */
  cancel(deadline: Deadline<T> | undefined): void {
    if (deadline === undefined || deadline.index < 0) return
    const at = deadline.index
    deadline.index = -1
    const last = this.heap.pop() as Deadline<T>
    if (last === deadline) return
    this.heap[at] = last
    last.index = at
    this.up(last)
    this.down(last)
  }

  /** Removes and returns the earliest deadline that is due at `now`, or undefined. */
  pop(now: Millis): T | undefined {
    const first = this.heap[0]
    if (first === undefined || first.at > now) return undefined
    this.cancel(first)
    return first.value
  }

  private up(deadline: Deadline<T>): void {
    const { heap } = this
    let index = deadline.index
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as Deadline<T>
      if (!earlier(deadline, parent)) break
      heap[index] = parent
      parent.index = index
      index = parentIndex
    }
    heap[index] = deadline
    deadline.index = index
  }

  private down(deadline: Deadline<T>): void {
    const { heap } = this
    let index = deadline.index
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      const right = heap[childIndex + 1]
      if (right !== undefined && earlier(right, heap[childIndex] as Deadline<T>)) childIndex++
      const child = heap[childIndex] as Deadline<T>
      if (!earlier(child, deadline)) break
      heap[index] = child
      child.index = index
      index = childIndex
    }
    heap[index] = deadline
    deadline.index = index
  }
}

function earlier<T>(a: Deadline<T>, b: Deadline<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
