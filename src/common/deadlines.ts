import { NEVER, type Millis } from './time.ts'

/** A pending deadline. Opaque to callers except for `at`; keep it to cancel it. */
export interface Deadline<T> {
  readonly at: Millis
  /** Undefined once it has fired or was cancelled: what it was for shall not stay in memory with it. */
  value: T | undefined
  /** The queue that it waits in, or its position in the heap; `OVER` once it fired or was cancelled. */
  place: number
  readonly order: number
}

/** Places from 0 on are positions in the heap, those below `OVER` are queues: -2 is the first. */
const OVER = -1
/** Judgement: a machine has some six durations that nearly all of its deadlines are set with. */
const QUEUES_MAX = 8
/** A queue with more cancelled deadlines than that, and than a quarter, is cleared of them. */
const CANCELLED_MAX = 64

/**
 * The timer table of a machine. Most deadlines of a machine are set a few fixed times ahead, so that each is later than the one set
 * before it with the same time: these wait in queues, at the end of which they are put and from whose beginning they are taken. What is
 * not later than the end of any queue waits in a binary heap. So most of them cost the same however many there are. Deadlines of equal
 * time fire in the order in which they were set, which keeps simulations deterministic.
 */
export class Deadlines<T> {
  private readonly heap: Deadline<T>[] = []
  private readonly queues: Queue<T>[] = []
  private order = 0
  private waiting = 0
  /** Looked up once; undefined when it is not known any more. */
  private first: Deadline<T> | undefined = undefined

  get size(): number {
    return this.waiting
  }

  /** Earliest deadline, or `NEVER`. */
  next(): Millis {
    return this.waiting === 0 ? NEVER : this.earliest().at
  }

  set(at: Millis, value: T): Deadline<T> {
    const deadline: Deadline<T> = { at, value, place: OVER, order: this.order++ }
    const queue = this.queueFor(at)
    if (queue < 0) {
      this.heap.push(deadline)
      this.up(deadline, this.heap.length - 1)
    } else {
      ;(this.queues[queue] as Queue<T>).push(deadline)
      deadline.place = placeOf(queue)
    }
    const { first } = this
    if (this.waiting++ === 0 || (first !== undefined && at < first.at)) this.first = deadline
    return deadline
  }

  /** Cancels a deadline; harmless when it has fired or was cancelled already. */
  cancel(deadline: Deadline<T> | undefined): void {
    if (deadline === undefined || deadline.place === OVER) return
    const { place } = deadline
    if (place >= 0) this.takeFromHeap(place)
    deadline.place = OVER
    deadline.value = undefined
    if (place < 0) (this.queues[queueAt(place)] as Queue<T>).cancelled()
    this.waiting--
    if (this.first === deadline) this.first = undefined
  }

  /** Removes and returns the earliest deadline that is due at `now`, or undefined. */
  pop(now: Millis): T | undefined {
    if (this.waiting === 0) return undefined
    const first = this.earliest()
    if (first.at > now) return undefined
    const { value } = first
    this.cancel(first)
    return value
  }

  private earliest(): Deadline<T> {
    if (this.first !== undefined) return this.first
    let first = this.heap[0]
    for (const queue of this.queues) {
      const head = queue.head()
      if (head !== undefined && (first === undefined || earlier(head, first))) first = head
    }
    this.first = first as Deadline<T>
    return this.first
  }

  /** The queue that ends last of those that end before `at`; an empty or a new one where there is none; -1 for the heap. */
  private queueFor(at: Millis): number {
    const { queues } = this
    let best = -1
    let end = Number.NEGATIVE_INFINITY
    let empty = -1
    for (let each = 0; each < queues.length; each++) {
      const queue = queues[each] as Queue<T>
      if (queue.isEmpty) empty = each
      else if (queue.end <= at && queue.end > end) {
        best = each
        ;({ end } = queue)
      }
    }
    if (best >= 0) return best
    if (empty >= 0 || queues.length >= QUEUES_MAX) return empty
    return queues.push(new Queue()) - 1
  }

  private takeFromHeap(at: number): void {
    const { heap } = this
    const taken = heap[at]
    const last = heap.pop() as Deadline<T>
    if (last === taken) return
    this.up(last, at)
    this.down(last, last.place)
  }

  private up(deadline: Deadline<T>, from: number): void {
    const { heap } = this
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as Deadline<T>
      if (!earlier(deadline, parent)) break
      heap[index] = parent
      parent.place = index
      index = parentIndex
    }
    heap[index] = deadline
    deadline.place = index
  }

  private down(deadline: Deadline<T>, from: number): void {
    const { heap } = this
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      const right = heap[childIndex + 1]
      if (right !== undefined && earlier(right, heap[childIndex] as Deadline<T>)) childIndex++
      const child = heap[childIndex] as Deadline<T>
      if (!earlier(child, deadline)) break
      heap[index] = child
      child.place = index
      index = childIndex
    }
    heap[index] = deadline
    deadline.place = index
  }
}

/** Deadlines in the order in which they fire. Cancelled ones stay until they come to the head or are too many. */
class Queue<T> {
  /** When the last one fires that was put in since it was empty. */
  end: Millis = Number.NEGATIVE_INFINITY
  private entries: Deadline<T>[] = []
  private from = 0
  private over = 0

  get isEmpty(): boolean {
    return this.entries.length - this.from === this.over
  }

  push(deadline: Deadline<T>): void {
    // What is left has been cancelled.
    if (this.isEmpty) this.clear()
    this.entries.push(deadline)
    this.end = deadline.at
  }

  head(): Deadline<T> | undefined {
    while (this.from < this.entries.length) {
      const head = this.entries[this.from] as Deadline<T>
      if (head.place !== OVER) return head
      this.from++
      this.over--
    }
    this.clear()
    return undefined
  }

  /** One of them has been, or has fired. */
  cancelled(): void {
    this.over++
    const left = this.entries.length - this.from
    // The beginning of the array is given back likewise: what has fired is not in memory for long.
    if (this.over + this.from <= CANCELLED_MAX || 4 * (this.over + this.from) <= left) return
    this.entries = this.entries.filter((deadline) => deadline.place !== OVER)
    this.from = 0
    this.over = 0
  }

  private clear(): void {
    this.entries.length = 0
    this.from = 0
    this.over = 0
  }
}

function placeOf(queue: number): number {
  return -2 - queue
}

function queueAt(place: number): number {
  return -2 - place
}

function earlier<T>(a: Deadline<T>, b: Deadline<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
