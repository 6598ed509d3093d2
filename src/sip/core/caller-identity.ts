/** Which identity a request may carry on: that of an authenticated phone, or one that the overlay vouches for (s.4.8). */
import { canonicalAor, parseNameAddr, type SipMessage } from '../message/index.ts'
import { aorUri, NO_IDENTITY, type CallerIdentity } from '../proxy/index.ts'

/**
 * Of a phone that has proven itself: one of its own AORs where it asserts that itself, otherwise the AOR of From, which is its
 * own too by now (S-AU-02). `aors` are empty when nobody had to prove anything: then nothing is asserted either.
 */
export function phoneIdentity(message: SipMessage, aors: readonly string[]): CallerIdentity {
  if (aors.length === 0 || wantsPrivacy(message)) return NO_IDENTITY
  const claim = claimOf(message)
  if (claim !== undefined && aors.includes(claim.aor)) return { kind: 'asserted', value: claim.value }
  const from = canonicalAor(message.from.uri)
  return from.ok ? { kind: 'asserted', value: `<sip:${aorUri(from.value)}>` } : NO_IDENTITY
}

/** Of a peer that speaks for `aor`: what it asserts, when that is this AOR and no other. */
export function vouchedIdentity(message: SipMessage, aor: string): CallerIdentity {
  const claim = claimOf(message)
  return claim?.aor === aor && !wantsPrivacy(message) ? { kind: 'asserted', value: claim.value } : NO_IDENTITY
}

/** The only P-Asserted-Identity of a request, when it is an AOR. Two of them, one a number, are more than can be answered for. */
function claimOf(message: SipMessage): { readonly value: string; readonly aor: string } | undefined {
  if (!message.has('p-asserted-identity')) return undefined
  const [value, ...more] = message.values('p-asserted-identity')
  const name = value === undefined || more.length > 0 ? undefined : parseNameAddr(value)
  const aor = name === undefined ? undefined : canonicalAor(name.uri)
  return value !== undefined && aor?.ok === true ? { value, aor: aor.value } : undefined
}

/** RFC 3325 s.9.3: a caller who asks for `id` privacy is named to nobody whom we do not trust, and phones are that. */
function wantsPrivacy(message: SipMessage): boolean {
  const privacy = message.header('privacy')
  if (privacy === undefined) return false
  return privacy.split(';').some((each) => each.trim().toLowerCase() === 'id')
}
