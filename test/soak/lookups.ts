/** Lookups, and what each answer is worth. */
import { DOMAIN } from '../interop/support/testbed.ts'
import type { Phone } from './crowd.ts'
import { ask, type Peer } from './fleet.ts'

/**
 * found: the peer that serves it is named. missing: it is not, though it has served it all the time. wrong: a peer is named
 * that was never asked to. absent: between two registrations, nobody is named; stale: then, or beside the right one, a peer is
 * named that served it before (killed since), or was asked to and answered too late. failed: no answer of the overlay. void: the asker or the home died meanwhile.
 */
export const VERDICTS = ['found', 'stale', 'absent', 'missing', 'wrong', 'failed', 'void'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Lookup {
  readonly verdict: Verdict
  readonly ms: number
  /** For the log, when something is wrong. */
  readonly what: string
}

export async function lookup(phone: Phone, asker: Peer): Promise<Lookup> {
  const { home } = phone
  const { life } = asker
  const answer = await ask(asker, `/api/v1/locate?aor=${phone.user}@${DOMAIN}`)
  const { ms, status } = answer
  const { entries = [] } = answer.body as { entries?: { target: string }[] }
  const targets = entries.map(({ target }) => target)
  const what = `${phone.user} at peer ${asker.plan.peer}: ${status} ${status === 200 ? targets.join(' ') : JSON.stringify(answer.body)}, home ${home?.peer.plan.nodeId ?? 'none'}`
  const done = (verdict: Verdict): Lookup => ({ verdict, ms, what })
  if (asker.life !== life || asker.state === 'dead') return done('void')
  if (home !== undefined && (phone.home !== home || home.peer.life !== home.life)) return done('void')
  if (status !== 200) return done('failed')
  if (targets.some((target) => !phone.former.has(target))) return done('wrong')
  if (home === undefined) return done(targets.length === 0 ? 'absent' : 'stale')
  if (!targets.includes(home.peer.plan.nodeId)) return done('missing')
  return done(targets.length === 1 ? 'found' : 'stale')
}
