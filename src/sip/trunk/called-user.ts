/**
 * Whom a call of a trunk is for. The other side writes the number that was called into the Request-URI, or, where it rings a registered
 * line, the Contact of that; then the number stands in To.
 */
import {
  canonicalAor,
  parseUri,
  percentDecode,
  stripSeparators,
  type AorRules,
  type SipMessage,
} from '../message/index.ts'
import { isNumber } from '../proxy/index.ts'
import type { Trunk } from './trunk.ts'

export interface CalledUser {
  /** Canonical AOR; undefined when nothing names one. */
  readonly aor: string | undefined
  /** AOR that is called when nobody has that one. */
  readonly otherwise: string | undefined
}

export function calledUser(
  message: SipMessage,
  trunk: Trunk,
  rules: { readonly aorRules: AorRules; readonly domain: string; isHostedDomain(host: string): boolean },
): CalledUser {
  const { uri } = message
  const line = trunk.registration?.user
  const own = uri?.user !== undefined && percentDecode(uri.user) === line && !rules.isHostedDomain(uri.host)
  const named = own ? parseUri(message.to.uri) : uri
  const user = named?.user === undefined ? undefined : stripSeparators(percentDecode(named.user))
  const listed = user === undefined ? undefined : trunk.numbers.get(user)
  if (listed !== undefined) return { aor: listed, otherwise: undefined }
  if (named !== undefined && (named.scheme === 'tel' || rules.isHostedDomain(named.host))) {
    const aor = canonicalAor(named, rules.aorRules)
    if (aor.ok) return { aor: aor.value, otherwise: trunk.incoming }
  }
  if (user !== undefined && isNumber(user)) {
    const domain = rules.aorRules.telDomain ?? rules.domain
    return { aor: `${user}@${domain}`, otherwise: trunk.incoming }
  }
  return { aor: trunk.incoming, otherwise: undefined }
}
