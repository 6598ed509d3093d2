/** Which identity a request may carry on: that of an authenticated phone, or one that the overlay vouches for (s.4.8). */
import { canonicalAor, parseNameAddr, type SipMessage } from '../message/index.ts'
import { aorUri, NO_IDENTITY, wantsPrivacy, type CallerIdentity, type OwnIdentity } from '../proxy/index.ts'

/**
 * Of a phone that has proven itself: one of its own AORs where it asserts or prefers that itself, otherwise the AOR of From, which is its
 * own too by now (S-AU-02), or its first where From is anonymous. `aors` are empty when nobody had to prove anything: then nothing is
 * asserted either.
 */
export function phoneIdentity(
  message: SipMessage,
  aors: readonly string[],
  identity: Pick<OwnIdentity, 'aorOf'>,
): CallerIdentity {
  const [own] = aors
  if (own === undefined) return NO_IDENTITY
  const anonymous = isAnonymous(message)
  // Who hides behind From means to, also without saying so (docs/adr/0028-anonymous-callers.md).
  const withheld = anonymous || wantsPrivacy(message)
  for (const name of CLAIMS) {
    const claim = claimOf(message, name)
    if (claim !== undefined && aors.includes(claim.aor))
      return { kind: 'asserted', value: claim.value, withheld }
  }
  if (anonymous) return { kind: 'asserted', value: `<sip:${aorUri(own)}>`, withheld }
  const from = identity.aorOf(message.from)
  return from.ok ? { kind: 'asserted', value: `<sip:${aorUri(from.value)}>`, withheld } : NO_IDENTITY
}

/** RFC 3261 s.8.1.1.3, RFC 3323 s.4.1.1.3: From of a caller who does not want to be named. */
export function isAnonymous({ from }: SipMessage): boolean {
  const uri = from.parsedUri
  return uri?.host === 'anonymous.invalid' || uri?.user?.toLowerCase() === 'anonymous'
}

const CLAIMS = ['p-asserted-identity', 'p-preferred-identity'] as const

/** Of a source that is trusted: what it says about its callers. */
export function believedIdentity(message: SipMessage): CallerIdentity {
  return { kind: 'believed', withheld: wantsPrivacy(message) }
}

/** Of a peer that speaks for `aor`: what it asserts, when that is this AOR and no other. */
export function vouchedIdentity(message: SipMessage, aor: string): CallerIdentity {
  const claim = claimOf(message, 'p-asserted-identity')
  if (claim?.aor !== aor || wantsPrivacy(message)) return NO_IDENTITY
  return { kind: 'asserted', value: claim.value, withheld: false }
}

/** The only value of such a header of a request, when it is an AOR. Two of them, one a number, are more than can be answered for. */
function claimOf(
  message: SipMessage,
  name: (typeof CLAIMS)[number],
): { readonly value: string; readonly aor: string } | undefined {
  if (!message.has(name)) return undefined
  const [value, ...more] = message.values(name)
  const address = value === undefined || more.length > 0 ? undefined : parseNameAddr(value)
  const aor = address === undefined ? undefined : canonicalAor(address.uri)
  return value !== undefined && aor?.ok === true ? { value, aor: aor.value } : undefined
}
