/**
 * A world in virtual time: machines, a heap of events, one clock and one seed. It knows nothing of protocols: whatever
 * has `step`, `drain` and `nextDeadline` can live in it, so that peers, whole nodes and phones share one world.
 */
import type { Millis, Now, WallTime } from '../common/time.ts'
import { NEVER } from '../common/time.ts'
import { SeededRandom, type Random } from '../common/random.ts'
import { Digest } from './digest.ts'

export interface Machine<I, A> {
  step(now: Now, input: I): void
  drain(): readonly A[]
  nextDeadline(): Millis
}

/** One machine in the world. */
export interface Host<I> {
  readonly name: string
  /** False after `stop`; inputs are ignored from then on. */
  readonly running: boolean
  /** Feeds one input now and performs everything the machine answers. */
  input(input: I): void
  /** The machine is gone without a word, as by SIGKILL. */
  stop(): void
  /** The machine stands still, as by SIGSTOP: what comes waits, and no timer fires. */
  freeze(): void
  /** It goes on: first its timers, all of them late, then what has come meanwhile. */
  thaw(): void
  /** Its wall clock, and no other, jumps by so many milliseconds; timers are not touched. */
  jump(byMs: number): void
}

export interface HostSettings<I, A> {
  readonly name: string
  readonly machine: Machine<I, A>
  /** The input that says "look at your deadlines". */
  readonly timeout: I
  /** Carries out one action; may schedule events and must not feed this host at once. */
  readonly perform: (action: A) => void
}

interface Event {
  readonly at: Millis
  readonly order: number
  readonly run: () => void
}

/** Wall clock of every world at its start: 2026-01-15T13:00Z, an hour into the validity of test certificates. */
export const WALL_START: WallTime = 1_768_482_000_000

/** More events than any honest moment has, even with a thousand peers. */
const EVENTS_AT_ONCE_MAX = 100_000

export class World {
  readonly seed: string
  readonly digest: Digest
  private readonly random: Random
  private readonly heap: Event[] = []
  private order = 0
  private clock: Millis = 0
  private handled = 0
  private atOnce = 0

  /** `digest`: another one, for who does not want to pay for it. */
  constructor(seed: string, digest = new Digest()) {
    this.seed = seed
    this.digest = digest
    this.random = new SeededRandom(seed)
  }

  get ms(): Millis {
    return this.clock
  }

  get now(): Now {
    return { ms: this.clock, wall: WALL_START + this.clock }
  }

  /** Events handled so far. */
  get events(): number {
    return this.handled
  }

  /** An independent stream of random numbers; the label keeps it apart from all others. */
  fork(label: string): Random {
    return this.random.fork(label)
  }

  /** Runs `run` after `delay` milliseconds. Events of one time run in the order in which they were scheduled. */
  after(delay: Millis, run: () => void): void {
    this.at(this.clock + delay, run)
  }

  /** Runs `run` at that time, or now when it has passed. Absolute, because a sum of rounded delays may fall short. */
  at(time: Millis, run: () => void): void {
    this.push({ at: Math.max(this.clock, time), order: this.order++, run })
  }

  add<I, A>(settings: HostSettings<I, A>): Host<I> {
    return new RunningHost(this, settings)
  }

  /** Handles events for `duration` milliseconds of virtual time. */
  run(duration: Millis): void {
    this.runUntil(() => false, duration)
  }

  /** Handles events until `done` holds (looked at after every event) or `limit` milliseconds passed; says which. */
  runUntil(done: () => boolean, limit: Millis): boolean {
    const end = this.clock + limit
    if (done()) return true
    for (let next = this.heap[0]; next !== undefined && next.at <= end; next = this.heap[0]) {
      this.pop()
      this.guard(next.at)
      this.clock = next.at
      this.handled++
      next.run()
      if (done()) return true
    }
    this.clock = end
    return false
  }

  /** A machine whose deadline never moves would keep the world at one moment for ever. */
  private guard(at: Millis): void {
    this.atOnce = at > this.clock ? 0 : this.atOnce + 1
    if (this.atOnce > EVENTS_AT_ONCE_MAX) throw new Error(`time stands still at ${at} ms; SEED ${this.seed}`)
  }

  private push(event: Event): void {
    const { heap } = this
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!earlier(event, heap[parent] as Event)) break
      heap[index] = heap[parent] as Event
      index = parent
    }
    heap[index] = event
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && earlier(right, heap[child] as Event)) child++
      if (!earlier(heap[child] as Event, last)) break
      heap[index] = heap[child] as Event
      index = child
    }
    heap[index] = last
  }
}

class RunningHost<I, A> implements Host<I> {
  readonly name: string
  running = true
  private readonly world: World
  private readonly settings: HostSettings<I, A>
  private wakeAt: Millis = NEVER
  private skewMs = 0
  /** What came while the machine stood still. */
  private waiting: I[] | undefined

  constructor(world: World, settings: HostSettings<I, A>) {
    this.name = settings.name
    this.world = world
    this.settings = settings
  }

  input(input: I): void {
    if (!this.running) return
    if (this.waiting !== undefined) {
      this.waiting.push(input)
      return
    }
    const { machine, perform } = this.settings
    const { ms } = this.world
    machine.step({ ms, wall: WALL_START + ms + this.skewMs }, input)
    for (const action of machine.drain()) perform(action)
    this.arm()
  }

  stop(): void {
    this.running = false
  }

  freeze(): void {
    this.waiting ??= []
  }

  thaw(): void {
    const inputs = this.waiting
    if (inputs === undefined) return
    this.waiting = undefined
    this.input(this.settings.timeout)
    for (const input of inputs) this.input(input)
  }

  jump(byMs: number): void {
    this.skewMs += byMs
  }

  private arm(): void {
    const at = this.settings.machine.nextDeadline()
    // An earlier wake-up than needed looks and goes back to sleep.
    if (at >= this.wakeAt || at === NEVER) return
    this.wakeAt = at
    this.world.at(at, this.wake)
  }

  /** One for all wake-ups: most of what the world ever does is to look at a clock. */
  private readonly wake = (): void => {
    if (this.world.ms < this.wakeAt || !this.running) return
    this.wakeAt = NEVER
    if (this.waiting !== undefined) return
    if (this.settings.machine.nextDeadline() <= this.world.ms) this.input(this.settings.timeout)
    else this.arm()
  }
}

function earlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
