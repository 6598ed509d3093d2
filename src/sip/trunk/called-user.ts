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

export interface CalledUserRules {
  readonly aorRules: AorRules
  readonly domain: string
  isHostedDomain(host: string): boolean
  /** An account of this node goes by that AOR. */
  hostsUser(aor: string): boolean
}

/**
 * The other side asks whether the line is up: OPTIONS to what has been registered (RFC 3261 s.11). That is for this node to say; were it for a phone, the
 * trunk would count as dead with all its numbers when somebody pulls that phone's plug.
 */
export function asksForLine(message: SipMessage, trunk: Trunk, rules: CalledUserRules): boolean {
  return message.method === 'OPTIONS' && !message.to.params.has('tag') && isLine(message, trunk, rules)
}

/**
 * Of several trunks whose calls come from one place, as those of a provider with an account for each number, the one that is called: the
 * line that its other side rings, or else the list that has the number.
 */
export function calledTrunk({ uri }: SipMessage, trunks: readonly Trunk[]): Trunk | undefined {
  const user = percentDecode(uri?.user ?? '')
  const number = stripSeparators(user)
  return (
    trunks.find(({ registration }) => registration?.user === user) ??
    trunks.find(({ numbers }) => numbers.has(number)) ??
    trunks[0]
  )
}

export function calledUser(message: SipMessage, trunk: Trunk, rules: CalledUserRules): CalledUser {
  const { uri } = message
  const named = isLine(message, trunk, rules) ? parseUri(message.to.uri) : uri
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

/** The Request-URI is the Contact of the line. Where this node goes by the name of its domain, that looks like an AOR. */
function isLine({ uri }: SipMessage, { registration }: Trunk, rules: CalledUserRules): boolean {
  if (registration === undefined || uri?.user === undefined) return false
  if (percentDecode(uri.user) !== registration.user) return false
  if (!rules.isHostedDomain(uri.host)) return true
  const aor = canonicalAor(uri, rules.aorRules)
  return !aor.ok || !rules.hostsUser(aor.value)
}
