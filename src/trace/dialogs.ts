/** How many calls that were answered through this node have not ended: the proxy itself keeps no dialog state. */
import { Deadlines, type Deadline } from '../common/deadlines.ts'
import type { Millis } from '../common/time.ts'
import type { Capture } from './capture.ts'

/** More at a time are not counted; each is a Call-ID and a deadline. */
const DIALOGS_MAX = 50_000
/** Judgement: a call without BYE and without a session timer, because a phone was switched off, counts for so long. */
const AGE_MAX_MS: Millis = 6 * 3_600_000

export class Dialogs {
  /** By Call-ID: when it is taken for over. */
  private readonly answered = new Map<string, Deadline<string>>()
  private readonly ends = new Deadlines<string>()

  /** The final response of an INVITE or UPDATE with the session interval that it says (RFC 4028 s.10), or anything of a BYE. */
  seen(
    now: Millis,
    { callId, method, status }: Pick<Capture, 'callId' | 'method' | 'status'>,
    direction: 'in' | 'out',
    intervalMs: Millis = AGE_MAX_MS,
  ): void {
    if (method === 'BYE') {
      if (status === 0) this.over(callId)
      return
    }
    if (status >= 300 || direction === 'in') return
    // Before the call is answered it is nobody's session.
    if (method === 'UPDATE' && !this.answered.has(callId)) return
    this.over(callId)
    if (this.answered.size >= DIALOGS_MAX && this.count(now) >= DIALOGS_MAX) return
    this.answered.set(callId, this.ends.set(now + Math.min(intervalMs, AGE_MAX_MS), callId))
  }

  count(now: Millis): number {
    for (let callId = this.ends.pop(now); callId !== undefined; callId = this.ends.pop(now))
      this.answered.delete(callId)
    return this.answered.size
  }

  private over(callId: string): void {
    this.ends.cancel(this.answered.get(callId))
    this.answered.delete(callId)
  }
}
