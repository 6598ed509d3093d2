/** What the caller is told of a branch that has brought no answer of its own. */
import { madeHere, type Candidate } from './best-response.ts'
import type { Branch } from './branch.ts'
import { TOO_LARGE } from './branch-sender.ts'
import type { ResolveOutcome } from './outcomes.ts'

/** E56: a fault of our own. */
export const BROKEN = madeHere(500, 'Server Internal Error')
/** The peer flow is gone again, or never came. */
export const FLOW_GONE = madeHere(480, 'Flow Gone')
/** RFC 5626 s.7: of a phone's connection, whose other flows are tried then. */
const FLOW_FAILED = madeHere(430, 'Flow Failed')
/** Of this node and of those that go through it, while another way may be found. */
export const AWAY = madeHere(480, 'Temporarily Unavailable')
/** It was sent, and nobody has said a word, or not the last one. */
export const SILENT = madeHere(408, 'Request Timeout')
const NOT_SENT = madeHere(503, 'Transport Error')

/** Of a client transaction that failed; `heard`: a provisional response came before. */
export function failureOf(
  { tooLarge, target, client }: Branch,
  cause: 'timeout' | 'transport',
  { heard, invite }: { readonly heard: boolean; readonly invite: boolean },
): Candidate {
  if (tooLarge) return TOO_LARGE
  const located = target.way.kind === 'host'
  // S3263-LO-01: nobody answers there, by whatever way.
  if (cause === 'timeout' || heard || (located && invite)) return SILENT
  if (located || client === undefined || client.hop.flow === 0) return NOT_SENT
  return client.hop.transport === 'peer' ? FLOW_GONE : FLOW_FAILED
}

/** S3263-LO-01: of a target without an address. */
export function notLocated(
  { target: { way } }: Branch,
  { status, reason }: Extract<ResolveOutcome, { ok: false }>,
): Candidate {
  if (status !== 404 || way.kind !== 'host') return madeHere(status, reason)
  return madeHere(status, 'Not Found', [['Warning', `399 ringbridge "No SIP service at ${way.host}"`]])
}
