/** Who is calling, and whether they may (adapter-mapping s.4.1 row 6 and s.4.8 for the south side). */
import type { Now } from '../../common/time.ts'
import { canonicalAor, parseUri } from '../message/index.ts'
import type { OwnIdentity } from '../proxy/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
import type { Authenticator, ChallengeKind } from './authenticator.ts'
import type { Reply } from './replies.ts'

export type Caller =
  /** A phone of ours that has proven to be one of these AORs; with `auth: none` it need not, and is none for sure. */
  | { readonly kind: 'ownPhone'; readonly aors: readonly string[] }
  /** Anybody else: may call hosted users, nothing more. */
  | { readonly kind: 'stranger' }
  | { readonly kind: 'refused'; readonly reply: Reply }

/**
 * Who speaks in the name of a hosted domain must show credentials, whatever the method and whatever tags the request
 * has (S-22, S-23). A From of another domain makes a stranger, unless credentials of ours come along.
 */
export function identifyCaller(
  now: Now,
  incoming: IncomingRequest,
  kind: ChallengeKind,
  auth: 'digest' | 'none',
  identity: OwnIdentity,
  authenticator: Authenticator,
): Caller {
  const { message } = incoming
  const fromHost = parseUri(message.from.uri)?.host
  const claimsUs = fromHost !== undefined && identity.isHostedDomain(fromHost)
  if (auth === 'none') return claimsUs ? UNPROVEN_PHONE : STRANGER
  const header = kind === 'www' ? 'authorization' : 'proxy-authorization'
  if (!claimsUs && !message.has(header)) return STRANGER
  const outcome = authenticator.check(now, incoming, kind)
  if (outcome.kind === 'ok') {
    const from = canonicalAor(message.from.uri)
    const { aors } = outcome.account
    if (from.ok && aors.includes(from.value)) return { kind: 'ownPhone', aors }
    return { kind: 'refused', reply: { status: 403, reason: 'From Is Not Yours' } }
  }
  if (outcome.kind === 'blocked') {
    return { kind: 'refused', reply: { status: 403, reason: 'Too Many Failures' } }
  }
  // Credentials for somebody else's realm: a stranger after all.
  if (!claimsUs) return STRANGER
  const { headers } = outcome
  const reply: Reply =
    kind === 'www'
      ? { status: 401, reason: 'Unauthorized', headers }
      : { status: 407, reason: 'Proxy Authentication Required', headers }
  return { kind: 'refused', reply }
}

const UNPROVEN_PHONE: Caller = { kind: 'ownPhone', aors: [] }
const STRANGER: Caller = { kind: 'stranger' }
