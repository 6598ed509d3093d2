/** The last word on every user: asked from many peers when all is calm, nothing acknowledged may be missing or old. */
import type { Random } from '../../common/random.ts'
import type { Millis } from '../../common/time.ts'
import { key } from '../../reload/index.ts'
import { someOf } from '../distributions.ts'
import type { Herd } from '../herd.ts'
import { Lookups, type LookupOutcome } from '../lookups.ts'
import type { Population, User } from '../population.ts'

export interface EntryReport {
  readonly lookups: number
  /** Acknowledged and found nowhere, or not by everybody. */
  readonly lost: readonly string[]
  /**
   * Lost with a good excuse: too many peers around it died at once, or the last write was made with a smaller storage_time
   * than an earlier one where nobody knew of that (`history.outranked`).
   */
  readonly excused: number
  /** Removed with an acknowledgment, or replaced, and there again. */
  readonly resurrected: readonly string[]
  /** No answer at all, although nothing is wrong any more, or an entry that nobody wrote. */
  readonly failed: readonly string[]
}

/** From one user to the next. */
const SPACING_MS = 50
/** The peers have their own affairs meanwhile: a second of 10,000 of them costs ten of the processor's. */
const ALL_WITHIN_MS = 100_000

/** Every user is looked up from so many peers; `pass` lets virtual time go by. */
export function entryReport(
  herd: Herd,
  population: Population,
  askers: number,
  { random, pass }: { readonly random: Random; readonly pass: (ms: Millis) => void },
): EntryReport {
  const outcomes: LookupOutcome[] = []
  const lookups = new Lookups(herd, population, (outcome) => outcomes.push(outcome))
  const spacingMs = Math.min(SPACING_MS, ALL_WITHIN_MS / population.users.length)
  const joined = herd.overlay.peers.filter((peer) => peer.joined)
  for (const user of population.users) {
    for (const peer of someOf(random, joined, askers)) lookups.one(peer, user)
    // Not all at once: a real overlay would not be asked like that either.
    pass(spacingMs)
  }
  herd.overlay.world.runUntil(() => lookups.open === 0, 60_000)
  const lostUsers = new Set<User>()
  const lost: string[] = []
  const resurrected: string[] = []
  const failed: string[] = []
  const excusedUsers = new Set<User>()
  for (const { user, asker, result, detail, storageTime } of outcomes) {
    const text = `${user.aor} from ${asker.name}: ${result} ${detail}`
    if (result === 'failed' || result === 'wrong' || result === 'abandoned') failed.push(text)
    else if (result === 'stale' || result === 'missing') {
      // Whoever had the last write may have died; an older one that somebody else kept is what is left then.
      const { history, resource } = user
      if (history.outranked(storageTime) || herd.lives.excuses(key(resource), history.acknowledgedAt))
        excusedUsers.add(user)
      else if (result === 'stale') resurrected.push(text)
      else if (!lostUsers.has(user)) {
        lostUsers.add(user)
        lost.push(text)
      }
    }
  }
  return { lookups: outcomes.length, lost, excused: excusedUsers.size, resurrected, failed }
}
