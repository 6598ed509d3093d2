/**
 * Why a phone no longer rings (RFC 3326): it shows a call that somebody else has answered as none that was missed. What the caller's CANCEL
 * says is passed on, so that it holds for phones at other peers, too.
 */
import { detached } from '../../common/detached.ts'
import { type SipMessage } from '../message/index.ts'

export const NO_REASONS: readonly string[] = []
/** The text is that of RFC 3326 s.3.1. */
export const ANSWERED_ELSEWHERE: readonly string[] = ['SIP;cause=200;text="Call completed elsewhere"']

/** Judgement: a CANCEL goes by the way of its INVITE, also in a datagram, and is repeated; the reasons that are in use have 50. */
const REASON_CHARS_MAX = 512

/** Another phone of the user wants this call nowhere. */
export function declinedFor(status: number): readonly string[] {
  return [`SIP;cause=${status}`]
}

/** What a CANCEL says, copied: it stays as long as a phone that has not said a word is waited for. */
export function reasonsOf(cancel: SipMessage): readonly string[] {
  const reasons = cancel.headers('reason')
  const length = reasons.reduce((sum, reason) => sum + reason.length, 0)
  return length === 0 || length > REASON_CHARS_MAX ? NO_REASONS : reasons.map(detached)
}
