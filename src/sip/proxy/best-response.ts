/** Which final response goes upstream (RFC 3261 s.16.7 item 6). */
import type { SipMessage } from '../message/index.ts'

/** A final answer of a branch: one that came, or one made here in its place. */
export interface Candidate {
  readonly status: number
  readonly reason: string
  /** The response as it came; undefined when it was made here. */
  readonly message: SipMessage | undefined
  readonly headers: readonly (readonly [string, string])[]
}

export function madeHere(
  status: number,
  reason: string,
  headers: readonly (readonly [string, string])[] = [],
): Candidate {
  return { status, reason, message: undefined, headers }
}

/** Smaller is better. */
function rank(status: number): number {
  if (status >= 600) return 0
  const hundreds = Math.floor(status / 100)
  if (hundreds !== 4) return hundreds * 10
  // Those that tell the caller how to do better.
  if (status === 401 || status === 407 || status === 415 || status === 420 || status === 484) return 40
  // Silence and what was caused by us says least.
  if (status === 408 || status === 430 || status === 487) return 43
  // A node that has no phone of the user any more, though an entry still leads there, knows less than a phone that says that it is busy.
  if (status === 404 || status === 480) return 42
  return 41
}

/** True when `candidate` is to be preferred; the earlier one wins a tie. */
export function isBetter(candidate: Candidate, than: Candidate | undefined): boolean {
  return than === undefined || rank(candidate.status) < rank(than.status)
}

/**
 * The challenges of every 401 and 407 but the chosen one (RFC 3261 s.16.7 item 7), each downstream's in its order.
 */
export function otherChallenges(
  chosen: Candidate,
  candidates: readonly Candidate[],
): readonly (readonly [string, string])[] {
  if (chosen.status !== 401 && chosen.status !== 407) return []
  const challenges: (readonly [string, string])[] = []
  for (const { status, message } of candidates) {
    if (message === undefined || message === chosen.message || (status !== 401 && status !== 407)) continue
    for (const value of message.headers('www-authenticate')) challenges.push(['WWW-Authenticate', value])
    for (const value of message.headers('proxy-authenticate')) challenges.push(['Proxy-Authenticate', value])
  }
  return challenges
}
