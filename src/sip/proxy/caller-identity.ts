/**
 * The headers that tell a phone who is calling, beside From. Phones show them as the truth, so they leave this node only as far
 * as this node can answer for them (adapter-mapping s.4.8; S3325-01).
 */
import type { Edit, HeaderName, SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'

/** What a forwarded request says about its caller. */
export type CallerIdentity =
  /** Whoever sent the headers is believed: what it asserts goes out as it came. */
  | { readonly kind: 'believed'; readonly withheld: boolean }
  | { readonly kind: 'none' }
  /** `value` is the one P-Asserted-Identity. */
  | { readonly kind: 'asserted'; readonly value: string; readonly withheld: boolean }

export const NO_IDENTITY: CallerIdentity = { kind: 'none' }

const IDENTITY_HEADERS: readonly HeaderName[] = [
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
]

/** What one next hop may learn: a caller who asked for privacy is named to trusted ones only (RFC 3325 s.5, s.9.3). */
export function identityFor(
  identity: CallerIdentity,
  hop: Hop,
  trusts: (hop: Hop) => boolean,
): CallerIdentity {
  return identity.kind === 'none' || !identity.withheld || trusts(hop) ? identity : NO_IDENTITY
}

export function writeIdentity(edit: Edit, identity: CallerIdentity): void {
  if (identity.kind === 'believed') {
    // RFC 3325 s.9.2: a wish of the one who sent it, and at its end here.
    edit.remove('p-preferred-identity')
    return
  }
  for (const name of IDENTITY_HEADERS) edit.remove(name)
  if (identity.kind === 'asserted') edit.append('p-asserted-identity', identity.value)
}

/** RFC 3325 s.9.3: a caller who asks for `id` privacy is named to nobody whom we do not trust, and phones are that. */
export function wantsPrivacy(message: SipMessage): boolean {
  const privacy = message.header('privacy')
  if (privacy === undefined) return false
  return privacy.split(';').some((each) => each.trim().toLowerCase() === 'id')
}
