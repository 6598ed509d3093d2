/** How many calls that were answered through this node have not ended: the proxy itself keeps no dialog state. */
import type { Millis } from '../common/time.ts'
import type { Capture } from './capture.ts'

/** More at a time are not counted; each is a Call-ID and a number. */
const DIALOGS_MAX = 50_000
/** Judgement: a call without BYE, because a phone was switched off, counts for so long. */
const AGE_MAX_MS: Millis = 6 * 3_600_000

export class Dialogs {
  /** By Call-ID, in order of the last answer: since when. */
  private readonly answered = new Map<string, Millis>()

  /** An INVITE's final response, or anything of a BYE. */
  seen(
    now: Millis,
    { callId, method, status }: Pick<Capture, 'callId' | 'method' | 'status'>,
    direction: 'in' | 'out',
  ): void {
    if (method === 'BYE') {
      if (status === 0) this.answered.delete(callId)
      return
    }
    if (status >= 300 || direction === 'in') return
    this.answered.delete(callId)
    if (this.answered.size < DIALOGS_MAX) this.answered.set(callId, now)
  }

  count(now: Millis): number {
    for (const [callId, since] of this.answered) {
      if (now - since <= AGE_MAX_MS) break
      this.answered.delete(callId)
    }
    return this.answered.size
  }
}
