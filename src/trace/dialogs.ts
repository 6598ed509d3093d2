/** How many calls that were answered through this node have not ended: the proxy itself keeps no dialog state. */
import { RecentMap } from '../common/recent-map.ts'
import type { Millis } from '../common/time.ts'
import type { Capture } from './capture.ts'

/** More at a time are not counted; each is a Call-ID and a number. */
const DIALOGS_MAX = 50_000
/** Judgement: a call without BYE, because a phone was switched off, counts for so long. */
const AGE_MAX_MS: Millis = 6 * 3_600_000

interface Answered {
  readonly callId: string
  readonly since: Millis
}

export class Dialogs {
  /** By Call-ID, in order of the last answer. */
  private readonly answered = new RecentMap<string, Answered>()

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
    if (this.answered.size < DIALOGS_MAX) this.answered.set(callId, { callId, since: now })
  }

  count(now: Millis): number {
    for (let oldest = this.answered.oldest(); oldest !== undefined; oldest = this.answered.oldest()) {
      if (now - oldest.since <= AGE_MAX_MS) break
      this.answered.delete(oldest.callId)
    }
    return this.answered.size
  }
}
