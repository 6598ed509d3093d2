/** When certificates are renewed. Pure: told the time, answers with the names to renew. */
import { Deadlines, type Deadline } from '../common/deadlines.ts'
import { Outbox } from '../common/outbox.ts'
import type { Random } from '../common/random.ts'
import { NEVER, type Millis, type Now, type WallTime } from '../common/time.ts'
import { backOffMs } from './back-off.ts'

export type RenewalInput =
  /** A certificate that is in use now; replaces what was known under the name. */
  | {
      readonly kind: 'certificate'
      readonly name: string
      readonly notBefore: WallTime
      readonly notAfter: WallTime
    }
  /** The answer to `renew` when it did not work out; `waitMs` when the server named a time. */
  | { readonly kind: 'failed'; readonly name: string; readonly waitMs?: Millis }
  | { readonly kind: 'forget'; readonly name: string }
  | { readonly kind: 'timeout' }

/** Answered by `certificate` or `failed` with the same name. */
export interface RenewalAction {
  readonly kind: 'renew'
  readonly name: string
}

/** M-05: renewal at two thirds of the validity, ... */
const RENEW_AT = 2 / 3
/** ... spread over the next twentieth, so that certificates issued together are not renewed together. */
const SPREAD = 1 / 20
const BACK_OFF = { firstMs: 60_000, mostMs: 6 * 3_600_000 }
/** Certificates that live for minutes: the first wait is this part of their life, so that there are several tries left. */
const FIRST_WAIT = 1 / 20
/** A wall clock that is steered runs away from the timers slowly: its hands are looked at this often, whatever they say. */
const LOOK_AGAIN_MS = 3_600_000
/** It may also jump, as when a machine wakes up: so often it is compared with the timers, all certificates at once, ... */
const COMPARE_MS = 5_000
/** ... and this much is a jump. */
const JUMP_MS = 2_000

interface Entry {
  readonly name: string
  readonly notBefore: WallTime
  readonly notAfter: WallTime
  /** Wait after the first failure. */
  readonly firstWaitMs: Millis
  readonly dueAt: WallTime
  failures: number
  /** The next try after a failure: by the timers, so that one that was planned while the clock was wrong comes all the same. */
  retryAt: Millis
  /** Undefined while a renewal is under way. */
  deadline: Deadline<Entry> | undefined
}

/** When a certificate is due. `chance` in [0, 1). */
export function renewalTime(notBefore: WallTime, notAfter: WallTime, chance: number): WallTime {
  return notBefore + Math.floor((notAfter - notBefore) * (RENEW_AT + SPREAD * chance))
}

export class RenewalSchedule {
  private readonly random: Random
  private readonly entries = new Map<string, Entry>()
  private readonly deadlines = new Deadlines<Entry>()
  private readonly outbox = new Outbox<RenewalAction>()
  /** How far the wall clock was ahead of the timers when they were last compared. */
  private ahead: Millis | undefined
  private compareAt: Millis = NEVER

  constructor(components: { readonly random: Random }) {
    this.random = components.random
  }

  step(now: Now, input: RenewalInput): void {
    this.compare(now)
    switch (input.kind) {
      case 'certificate':
        return this.known(now, input.name, input.notBefore, input.notAfter)
      case 'failed':
        return this.failed(now, input.name, input.waitMs)
      case 'forget':
        this.deadlines.cancel(this.entries.get(input.name)?.deadline)
        this.entries.delete(input.name)
        return
      case 'timeout':
        return this.due(now)
    }
  }

  drain(): RenewalAction[] {
    return this.outbox.drain()
  }

  nextDeadline(): Millis {
    return this.deadlines.size === 0 ? NEVER : Math.min(this.deadlines.next(), this.compareAt)
  }

  private known(now: Now, name: string, notBefore: WallTime, notAfter: WallTime): void {
    const before = this.entries.get(name)
    // Told twice of the same certificate.
    if (before?.deadline !== undefined && before.notAfter === notAfter) return
    this.deadlines.cancel(before?.deadline)
    // Certificates are valid from before they are made; one that was just renewed must not be due at once for that.
    const renewed = before !== undefined && before.deadline === undefined
    const from = renewed ? Math.max(notBefore, now.wall) : notBefore
    const dueAt = renewalTime(from, notAfter, this.random.float())
    const firstWaitMs = Math.min(BACK_OFF.firstMs, (notAfter - from) * FIRST_WAIT)
    const entry: Entry = {
      ...{ name, notBefore, notAfter, firstWaitMs, dueAt },
      ...{ failures: 0, retryAt: NEVER, deadline: undefined },
    }
    this.entries.set(name, entry)
    this.plan(now, entry)
  }

  private failed(now: Now, name: string, waitMs = 0): void {
    const entry = this.entries.get(name)
    if (entry === undefined || entry.deadline !== undefined) return
    entry.failures++
    const { firstWaitMs: firstMs } = entry
    const backOff = backOffMs({ ...BACK_OFF, firstMs }, entry.failures, this.random.float())
    // The nearer the end, the more often: a try costs little beside a node without a certificate.
    const left = Math.max(firstMs, (entry.notAfter - now.wall) / 8)
    entry.retryAt = now.ms + Math.max(waitMs, Math.min(backOff, left))
    this.plan(now, entry)
  }

  private due(now: Now): void {
    for (let entry = this.deadlines.pop(now.ms); entry !== undefined; entry = this.deadlines.pop(now.ms)) {
      entry.deadline = undefined
      if (entry.failures > 0 ? now.ms >= entry.retryAt : isDue(entry, now.wall))
        this.outbox.push({ kind: 'renew', name: entry.name })
      else this.plan(now, entry)
    }
  }

  private plan(now: Now, entry: Entry): void {
    const { failures, retryAt, dueAt } = entry
    const wait = failures > 0 ? retryAt - now.ms : isDue(entry, now.wall) ? 0 : dueAt - now.wall
    entry.deadline = this.deadlines.set(now.ms + Math.min(Math.max(wait, 0), LOOK_AGAIN_MS), entry)
  }

  /** After a jump everything is planned anew: a certificate that has come to its end by it cannot wait. */
  private compare(now: Now): void {
    const ahead = now.wall - now.ms
    if (this.ahead !== undefined && now.ms < this.compareAt) return
    const jumped = this.ahead !== undefined && Math.abs(ahead - this.ahead) > JUMP_MS
    this.ahead = ahead
    this.compareAt = now.ms + COMPARE_MS
    if (!jumped) return
    for (const entry of this.entries.values()) {
      if (entry.deadline === undefined) continue
      this.deadlines.cancel(entry.deadline)
      // The clock may have been the reason: a server's certificate, too, is believed by it.
      if (isDue(entry, now.wall)) entry.retryAt = Math.min(entry.retryAt, now.ms + entry.firstWaitMs)
      else entry.failures = 0
      this.plan(now, entry)
    }
  }
}

/** One that begins later was made while the clock was ahead, and is of no use until it has caught up. */
function isDue({ notBefore, dueAt }: Entry, wall: WallTime): boolean {
  return wall >= dueAt || wall < notBefore
}
