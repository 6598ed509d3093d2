/**
 * Phones that follow a redirect back to us again and again (adapter-mapping s.6): the same Call-ID, CSeq and Request-URI in
 * a new transaction. A redirect server writes no Via by which it could see the loop.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'

const REPEATS_MAX = 5
const WINDOW_MS: Millis = 32_000
/** Requests remembered; beyond that one that did not come lately is forgotten. */
const REMEMBERED_MAX = 10_000

export class RedirectRepeats {
  private readonly seen = new BoundedCache<{ count: number; readonly since: Millis }>(REMEMBERED_MAX)

  /** Counts a request; true when it has come too often. */
  isLoop(now: Millis, message: SipMessage): boolean {
    const key = `${message.callId} ${message.cseq.number} ${message.method} ${message.requestUri}`
    const entry = this.seen.get(key)
    if (entry !== undefined && now - entry.since <= WINDOW_MS) return ++entry.count > REPEATS_MAX
    this.seen.set(key, { count: 1, since: now })
    return false
  }
}
