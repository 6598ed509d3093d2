/**
 * Drives one synchronous machine: an input goes in, everything it answers is handed out before the next input, and one
 * timer stands for all its deadlines.
 */
import { NEVER, type Millis, type Now } from '../../common/time.ts'

export interface Machine<I, A> {
  step(now: Now, input: I): void
  drain(): readonly A[]
  nextDeadline(): Millis
}

/** setTimeout cannot wait longer (2^31 - 1 ms). */
const TIMER_MAX_MS = 0x7fff_ffff
/**
 * Judgement: the timer goes off at most this often. A node that carries thousands of messages a second has as many timers that end what
 * they have left behind; waking up for each by itself costs more than what it does then. No timer of SIP or RELOAD is this fine.
 */
export const SPACING_MS: Millis = 8

export class Loop<I, A> {
  private readonly machine: Machine<I, A>
  private readonly timeout: I
  private readonly perform: (action: A) => void
  private readonly inputs: I[] = []
  private running = false
  private stopped = false
  private timer: NodeJS.Timeout | undefined
  private timerAt: Millis = NEVER
  /** Not before this time does the timer go off again. */
  private quietUntil: Millis = Number.NEGATIVE_INFINITY

  /** `timeout` is the input that says "look at your deadlines"; `perform` carries out one action and may feed inputs. */
  constructor(machine: Machine<I, A>, timeout: I, perform: (action: A) => void) {
    this.machine = machine
    this.timeout = timeout
    this.perform = perform
  }

  /** One input. Those that arrive while an earlier one is being served wait their turn. */
  readonly feed = (input: I): void => {
    if (this.stopped) return
    this.inputs.push(input)
    if (this.running) return
    this.running = true
    try {
      // An index instead of shift(): a burst must not cost its square.
      for (let at = 0; at < this.inputs.length && !this.isStopped(); at++) {
        this.machine.step(clock(), this.inputs[at] as I)
        for (const action of this.machine.drain()) this.perform(action)
      }
    } finally {
      this.inputs.length = 0
      this.running = false
    }
    this.arm()
  }

  /** After this no input reaches the machine and no timer is left. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private isStopped(): boolean {
    return this.stopped
  }

  private arm(): void {
    // It cannot go off any earlier, whatever has come.
    if (this.timerAt <= this.quietUntil) return
    const at = Math.max(this.machine.nextDeadline(), this.quietUntil)
    // A timer that is early does no harm: it looks and goes back to sleep. So a deadline that moves out costs nothing.
    if (this.stopped || at >= this.timerAt) return
    clearTimeout(this.timer)
    this.timerAt = at
    const wait = Math.min(Math.max(0, Math.ceil(at - performance.now())), TIMER_MAX_MS)
    this.timer = setTimeout(this.onTimer, wait)
  }

  private readonly onTimer = (): void => {
    this.timer = undefined
    this.timerAt = NEVER
    const now = performance.now()
    if (now < this.quietUntil || this.machine.nextDeadline() > now) {
      this.arm()
      return
    }
    this.quietUntil = now + SPACING_MS
    this.feed(this.timeout)
  }
}

/** Both clocks of the process: monotonic for timers, wall time for certificates and storage_time. */
export function clock(): Now {
  return { ms: performance.now(), wall: Date.now() }
}
