import { BoundedCache } from '../common/bounded-cache.ts'
import type { Millis, Now, WallTime } from '../common/time.ts'

/** A node that was gone or does not serve SIP is not asked again for this long (adapter-mapping s.7.2). */
const ABSENT_MS = 30_000
/** Nodes remembered; those that nobody wanted lately go first. */
const ABSENT_MAX = 1_000

/** When a node was found missing, by both clocks. */
interface Absence {
  readonly untilMs: Millis
  readonly since: WallTime
}

/**
 * Nodes that did not answer a moment ago, so that callers of many users who live there do not each wait for the same silence. A sign of life
 * ends it: a flow or a link to the node, or an entry that was stored later.
 */
export class AbsentNodes {
  private readonly absences = new BoundedCache<Absence>(ABSENT_MAX)

  note(now: Now, name: string): void {
    this.absences.set(name, { untilMs: now.ms + ABSENT_MS, since: now.wall })
  }

  has(now: Now, name: string): boolean {
    const absence = this.absences.get(name)
    if (absence === undefined) return false
    if (absence.untilMs > now.ms) return true
    this.absences.delete(name)
    return false
  }

  /** The node is there, or was at wall time `at`. */
  seen(name: string, at: WallTime = Number.POSITIVE_INFINITY): void {
    const absence = this.absences.get(name)
    if (absence !== undefined && at > absence.since) this.absences.delete(name)
  }
}
