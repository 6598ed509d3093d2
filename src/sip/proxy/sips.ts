/**
 * What sips asks of a target (RFC 3261 s.26.2.2, RFC 5630 s.5.3): a sips request goes to sips targets alone and over TLS alone; a sip
 * request never becomes a sips one, yet a phone that registered with sips gets it over TLS.
 */
import { isSecure } from '../transaction/hop.ts'
import { madeHere, type Candidate } from './best-response.ts'
import type { Target, Way } from './targets.ts'

/** What a sip request to a sips target does: go as sip over TLS, or get 480 with Warning 381. */
export type SipToSips = 'upgrade' | 'reject'

/** E47: a sips request, and nothing but sip targets. */
export const SIPS_NOT_ALLOWED: Candidate = madeHere(480, 'SIPS Not Possible', [
  ['Warning', '380 ringbridge "SIPS Not Allowed"'],
])
/** E48: a sip request where sips is wanted, or TLS is and cannot be had. */
export const SIPS_REQUIRED: Candidate = madeHere(480, 'SIPS Required', [
  ['Warning', '381 ringbridge "SIPS Required"'],
])

export type SchemeVerdict =
  { readonly ok: true; readonly target: Target } | { readonly ok: false; readonly refusal: Candidate }

/** The target as a request of this scheme may use it, or why it may not. */
export function obeyScheme(target: Target, sipsRequest: boolean, policy: SipToSips): SchemeVerdict {
  const sipsTarget = isSips(target.uri)
  if (!sipsRequest && !sipsTarget) return { ok: true, target }
  if (!sipsTarget) return { ok: false, refusal: SIPS_NOT_ALLOWED }
  // A gateway or another domain is the operator's or the user's own wish, whatever it says of phones.
  if (!sipsRequest && policy === 'reject' && target.way.kind !== 'host')
    return { ok: false, refusal: SIPS_REQUIRED }
  const way = secured(target.way)
  if (way === undefined) return { ok: false, refusal: sipsRequest ? SIPS_NOT_ALLOWED : SIPS_REQUIRED }
  const uri = sipsRequest ? target.uri : `sip:${target.uri.slice('sips:'.length)}`
  return { ok: true, target: { ...target, uri, way } }
}

export function isSips(uri: string): boolean {
  return uri.length > 5 && uri.slice(0, 5).toLowerCase() === 'sips:'
}

/** The same way with TLS; undefined when it has none. */
function secured(way: Way): Way | undefined {
  switch (way.kind) {
    case 'hop':
      // Of the flows to a peer the right one has been chosen by who knows them.
      return isSecure(way.hop) || way.hop.transport === 'peer' ? way : undefined
    case 'peer':
      return way.secure ? way : { ...way, secure: true }
    case 'host':
      if (way.transport === 'udp') return undefined
      return { ...way, secure: true, transport: way.transport === 'tcp' ? 'tls' : way.transport }
  }
}
