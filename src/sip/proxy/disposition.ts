/** Request-Disposition: how a caller would like its request to be treated (RFC 3841 s.9.1). */
import type { SipMessage } from '../message/index.ts'

export interface Disposition {
  /** To one address only, the best. */
  readonly noFork: boolean
  /** One after the other. */
  readonly sequential: boolean
  /** What rings goes on ringing after a 2xx. */
  readonly noCancel: boolean
  /** 3xx are for the caller. */
  readonly noRecurse: boolean
}

/** What is done anyway. */
export const USUAL_DISPOSITION: Disposition = {
  noFork: false,
  sequential: false,
  noCancel: false,
  noRecurse: false,
}

/**
 * Local policy (RFC 3841 s.7.1): `redirect` is not followed, since phones behind a NAT or on a connection are reached through this node alone;
 * there are no queues. Of two directives of one kind the first counts.
 */
export function dispositionOf(message: SipMessage): Disposition {
  if (!message.has('request-disposition')) return USUAL_DISPOSITION
  const said = message.values('request-disposition').map((each) => each.toLowerCase())
  const wants = (wish: string, usual: string): boolean => {
    const at = said.indexOf(wish)
    const other = said.indexOf(usual)
    return at >= 0 && (other < 0 || at < other)
  }
  return {
    noFork: wants('no-fork', 'fork'),
    sequential: wants('sequential', 'parallel'),
    noCancel: wants('no-cancel', 'cancel'),
    noRecurse: wants('no-recurse', 'recurse'),
  }
}
