/**
 * Registration avalanche control. When the power comes back, thousands of phones want their first registration within seconds, and
 * each of them costs signatures and a Store at three peers. No more of them are let in than the overlay serves within two seconds; the
 * others get 503 with a Retry-After (sip-requirements E54) by which they come back at the pace at which they can be served.
 * What phones that are registered do (refreshes, calls) never passes here. Does no I/O.
 */
import type { Tally } from '../../common/instruments.ts'
import type { Random } from '../../common/random.ts'
import type { Millis } from '../../common/time.ts'
import { ServicePace } from './service-pace.ts'

/** First registrations that may wait for the overlay at one time, unless the operator says otherwise. */
export const REGISTERS_WAITING_MAX = 1_000
/** So many may wait whatever the pace, which they show to be higher if it is. Judgement. */
export const REGISTERS_WAITING_LEAST = 8
/** How long those who are let in wait, about: a phone has repeated its REGISTER twice by then. Judgement. */
const WAIT_MS: Millis = 2_000
/** E54: Retry-After lies between these. */
const SOONEST_MS: Millis = 5_000
const LATEST_MS: Millis = 30_000
/** Added at random, so that phones that were refused together do not come back together. */
const JITTER_MS: Millis = 2_000
/** Timers later than this mean that the process does not get round to what came in; it stays careful for a second then. */
const LATE_MS: Millis = 200
const CAREFUL_MS: Millis = 1_000
/** Phones whose time to come back is remembered. */
const APPOINTMENTS_MAX = 50_000

/**
 * What is known of a REGISTER when the gate is asked. `claimed`: it has shown no credentials yet, and will be looked at again.
 * `proven`: its credentials were right; what that has cost is not spent twice. `open`: nobody has to show any.
 */
export type GateLook = 'claimed' | 'proven' | 'open'

export class RegisterGate {
  private readonly random: Random
  private readonly rateLimits: Tally
  private readonly waiting: () => number
  private readonly limits: { readonly registersWaitingMax?: number }
  private readonly pace = new ServicePace()
  /** AOR to the time at which its phone was asked to come back; the oldest is forgotten first. */
  private readonly appointments = new Map<string, Millis>()
  /** When the last of those is served who were refused so far. */
  private servedAt: Millis = 0
  private carefulUntil: Millis = 0

  /** `waiting` is the number of REGISTERs whose answer waits for the overlay. */
  constructor(
    components: {
      readonly random: Random
      readonly rateLimits: Tally
      readonly waiting: () => number
    },
    limits: { readonly registersWaitingMax?: number },
  ) {
    this.random = components.random
    this.rateLimits = components.rateLimits
    this.waiting = components.waiting
    this.limits = limits
  }

  /** How many may wait now. */
  room(now: Millis): number {
    const most = this.limits.registersWaitingMax ?? REGISTERS_WAITING_MAX
    const served = (this.pace.perSecond(now) * WAIT_MS) / 1000
    const room = Math.min(most, Math.max(REGISTERS_WAITING_LEAST, Math.floor(served)))
    return now < this.carefulUntil ? Math.ceil(room / 2) : room
  }

  /** False while everybody is let in: then nobody needs to be looked at more closely. */
  isTight(now: Millis): boolean {
    return this.waiting() >= this.room(now)
  }

  /**
   * Undefined: may go on. Otherwise the seconds after which the phone may come back. `known` false: nobody of that name is served here, who
   * would be turned away in the end; he is told the same, and takes no place from anybody.
   */
  refusal(now: Millis, aor: string, look: GateLook, known: boolean): number | undefined {
    const appointment = this.appointments.get(aor)
    const due = appointment !== undefined && appointment <= now
    // Whoever has been sent away once and is on time goes before newcomers, as does who has shown its credentials.
    const room = this.room(now) * (look === 'proven' || due ? 1.5 : 1)
    if (this.waiting() < room) {
      if (look !== 'claimed') this.appointments.delete(aor)
      return undefined
    }
    this.pace.saturated(now)
    this.rateLimits.add('register')
    const at = appointment !== undefined && !due ? appointment : this.appoint(now, aor, known)
    return Math.max(1, Math.ceil((at - now) / 1000))
  }

  /** A REGISTER that waited for the overlay has got its 200. */
  served(now: Millis): void {
    this.pace.served(now)
  }

  /** A timer went off so much too late. */
  lateness(now: Millis, lateMs: Millis): void {
    if (lateMs > LATE_MS) this.carefulUntil = now + CAREFUL_MS
  }

  private appoint(now: Millis, aor: string, known: boolean): Millis {
    const before = Math.max(this.servedAt, now + SOONEST_MS)
    const next = Math.min(now + LATEST_MS, before + 1000 / this.pace.perSecond(now))
    if (known) this.servedAt = next
    // Beyond the longest Retry-After they are spread over its second half; who finds no room then is asked again.
    const soon = next < now + LATEST_MS
    const exact = soon ? next : now + LATEST_MS / 2 + this.random.int(LATEST_MS / 2)
    const at = Math.min(now + LATEST_MS, exact + this.random.int(JITTER_MS))
    if (this.appointments.size >= APPOINTMENTS_MAX) this.forgetOldest()
    this.appointments.delete(aor)
    this.appointments.set(aor, at)
    return at
  }

  private forgetOldest(): void {
    for (const aor of this.appointments.keys()) {
      this.appointments.delete(aor)
      return
    }
  }
}
