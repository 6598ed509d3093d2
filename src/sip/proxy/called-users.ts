/**
 * Calls that nobody has answered yet: of users, so that phones that register meanwhile are tried as well (RFC 3261 s.16.5; local bindings only),
 * and others, to one phone by its GRUU or out of the overlay, so that all are ended when this node goes.
 */
import { RecentMap } from '../../common/recent-map.ts'
import type { Millis } from '../../common/time.ts'
import type { LocalBinding } from './ports.ts'

/** A request that more phones may join. */
export interface CalledUser {
  joined(now: Millis, bindings: readonly LocalBinding[]): void
  leave(now: Millis, retryAfterS: number): void
}

/**
 * Judgement: one REGISTER may cause that many requests at most. Nobody answers more than a few calls; somebody who registers again and again while
 * hundreds of calls ring would otherwise make this node send hundreds of INVITEs each time.
 */
export const JOINED_MAX = 16

export class CalledUsers {
  private readonly called = new RecentMap<string, Set<CalledUser>>()
  /** Calls that are not about a user, whom no phone joins. */
  private readonly others = new Set<CalledUser>()

  get size(): number {
    return this.called.size + this.others.size
  }

  add(aor: string | undefined, request: CalledUser): void {
    if (aor === undefined) {
      this.others.add(request)
      return
    }
    const others = this.called.get(aor)
    if (others === undefined) this.called.set(aor, new Set([request]))
    else others.add(request)
  }

  /** Harmless when it was not there. */
  over(aor: string | undefined, request: CalledUser): void {
    if (aor === undefined) {
      this.others.delete(request)
      return
    }
    const requests = this.called.get(aor)
    if (requests?.delete(request) === true && requests.size === 0) this.called.delete(aor)
  }

  /** This node goes, and they cannot wait any longer. */
  leave(now: Millis, retryAfterS: number): void {
    const all = [...[...this.called.values()].flatMap((requests) => [...requests]), ...this.others]
    for (const request of all) request.leave(now, retryAfterS)
  }

  /** The bindings of a user have changed; what was there before does no harm. The latest requests come first in line. */
  joined(now: Millis, aor: string, bindings: () => readonly LocalBinding[]): void {
    const requests = this.called.get(aor)
    if (requests === undefined) return
    const all = bindings()
    for (const request of [...requests].slice(-JOINED_MAX)) request.joined(now, all)
  }
}
