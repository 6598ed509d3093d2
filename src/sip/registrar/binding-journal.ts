/**
 * When bindings are written down (`persistBindings`): what a phone is told only after it would survive the death of this node, and what may
 * follow later. Writes of one moment go together.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { Binding } from './binding.ts'
import { lastingReach } from './binding-records.ts'

/** A refresh is written within this time: losing it costs that much of a binding's life. Judgement. */
export const LAZY_MS: Millis = 2_000
/** Users written at one time, so that thousands of refreshes do not hold up a call; the rest follows after a pause. */
const BATCH_MAX = 500
const PAUSE_MS: Millis = 50

export interface BindingDisk {
  /** Writes the bindings of these users as they are then; the number is repeated in the answer. */
  write(users: readonly (readonly [aor: string, bindings: readonly Binding[]])[]): number
  bindings(aor: string): readonly Binding[]
}

export class BindingJournal {
  private readonly disk: BindingDisk
  private readonly later = new Set<string>()
  private flushAt: Millis = NEVER

  constructor(disk: BindingDisk) {
    this.disk = disk
  }

  nextDeadline(): Millis {
    return this.flushAt
  }

  /** Number of the write that has to be waited for before these bindings are told to a phone; undefined when it may come later. */
  save(now: Millis, aor: string, before: readonly Binding[], after: readonly Binding[]): number | undefined {
    if (survives(before, after)) {
      this.write(now, aor)
      return undefined
    }
    this.later.delete(aor)
    return this.disk.write([[aor, after]])
  }

  /** The bindings of a user are others now, and nobody waits for that to be written. */
  write(now: Millis, aor: string): void {
    this.later.add(aor)
    if (this.flushAt === NEVER) this.flushAt = now + LAZY_MS
  }

  expire(now: Millis): void {
    if (this.flushAt > now) return
    const users: [string, readonly Binding[]][] = []
    for (const aor of this.later) {
      if (users.length >= BATCH_MAX) break
      users.push([aor, this.disk.bindings(aor)])
      this.later.delete(aor)
    }
    this.flushAt = this.later.size === 0 ? NEVER : now + PAUSE_MS
    this.disk.write(users)
  }
}

/** True when whoever reads the old record reaches the same phones: only times and counters have gone on. */
function survives(before: readonly Binding[], after: readonly Binding[]): boolean {
  const old = before.filter((binding) => lastingReach(binding) !== undefined)
  const made = after.filter((binding) => lastingReach(binding) !== undefined)
  return old.length === made.length && made.every((binding) => old.some((each) => isRefresh(each, binding)))
}

function isRefresh(old: Binding, made: Binding): boolean {
  const [a, b] = [lastingReach(old), lastingReach(made)]
  return (
    old.contact === made.contact &&
    old.instance === made.instance &&
    old.regId === made.regId &&
    a?.transport === b?.transport &&
    a?.host === b?.host &&
    a?.port === b?.port &&
    old.path.join() === made.path.join()
  )
}
