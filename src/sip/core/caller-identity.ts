/** Which identity a request may carry on: that of an authenticated phone, or one that the overlay vouches for (s.4.8). */
import { canonicalAor, parseNameAddr, type SipMessage } from '../message/index.ts'
import { aorUri, NO_IDENTITY, wantsPrivacy, type CallerIdentity } from '../proxy/index.ts'

/**
 * Of a phone that has proven itself: one of its own AORs where it asserts that itself, otherwise the AOR of From, which is its
 * own too by now (S-AU-02). `aors` are empty when nobody had to prove anything: then nothing is asserted either.
 */
export function phoneIdentity(message: SipMessage, aors: readonly string[]): CallerIdentity {
  if (aors.length === 0) return NO_IDENTITY
  const withheld = wantsPrivacy(message)
  const claim = claimOf(message)
  if (claim !== undefined && aors.includes(claim.aor))
    return { kind: 'asserted', value: claim.value, withheld }
  const from = canonicalAor(message.from.parsedUri ?? message.from.uri)
  return from.ok ? { kind: 'asserted', value: `<sip:${aorUri(from.value)}>`, withheld } : NO_IDENTITY
}

/** Of a source that is trusted: what it says about its callers. */
export function believedIdentity(message: SipMessage): CallerIdentity {
  return { kind: 'believed', withheld: wantsPrivacy(message) }
}

/** Of a peer that speaks for `aor`: what it asserts, when that is this AOR and no other. */
export function vouchedIdentity(message: SipMessage, aor: string): CallerIdentity {
  const claim = claimOf(message)
  if (claim?.aor !== aor || wantsPrivacy(message)) return NO_IDENTITY
  return { kind: 'asserted', value: claim.value, withheld: false }
}

/** The only P-Asserted-Identity of a request, when it is an AOR. Two of them, one a number, are more than can be answered for. */
function claimOf(message: SipMessage): { readonly value: string; readonly aor: string } | undefined {
  if (!message.has('p-asserted-identity')) return undefined
  const [value, ...more] = message.values('p-asserted-identity')
  const name = value === undefined || more.length > 0 ? undefined : parseNameAddr(value)
  const aor = name === undefined ? undefined : canonicalAor(name.uri)
  return value !== undefined && aor?.ok === true ? { value, aor: aor.value } : undefined
}
