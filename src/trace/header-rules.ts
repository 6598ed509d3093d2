/**
 * Which headers of a SIP message a trace shows, and how much of each. What is not listed is covered: a vendor's header may
 * hold a token that nobody here has heard of.
 */

/** Covered as a whole. */
export const COVERED = 0
/** Shown as it is. */
export const SHOWN = 1
/** Shown but for passwords, embedded headers and push tokens of its URIs. */
export const ADDRESS = 2
/** Shown but for the user part of its URIs, where proxies keep their tokens. */
export const ROUTE = 3
/** The scheme is shown and the rest covered: credentials and proofs. */
export const SCHEME = 4
export const CALL_ID = 5
export const CSEQ = 6
export const CONTENT_TYPE = 7

const NAMES: readonly (readonly [rule: number, names: string])[] = [
  [CALL_ID, 'call-id i'],
  [CSEQ, 'cseq'],
  [CONTENT_TYPE, 'content-type c'],
  [SCHEME, 'authorization proxy-authorization authentication-info proxy-authentication-info'],
  [ROUTE, 'route record-route path service-route'],
  [
    ADDRESS,
    'from f to t contact m refer-to r referred-by b reply-to p-asserted-identity p-preferred-identity remote-party-id ' +
      'p-associated-uri p-called-party-id diversion history-info request-disposition',
  ],
  [
    SHOWN,
    'via v max-forwards max-breadth supported k require proxy-require unsupported allow expires min-expires ' +
      'session-expires x min-se content-length l content-encoding e content-disposition content-language user-agent ' +
      'server warning reason retry-after event o allow-events u subscription-state replaces join privacy accept ' +
      'accept-encoding accept-language accept-contact a reject-contact j www-authenticate proxy-authenticate rseq rack ' +
      'date organization timestamp mime-version priority in-reply-to flow-timer target-dialog sip-etag sip-if-match ' +
      'p-early-media answer-mode geolocation-error error-info',
  ],
]

/** FNV-1a, of lower-case names. */
const HASH_START = 0x811c9dc5 | 0
const HASH_PRIME = 0x01000193

const RULES = new Map<number, number>()
for (const [rule, names] of NAMES) {
  for (const name of names.split(' ')) {
    let hash = HASH_START
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), HASH_PRIME)
    RULES.set(hash, rule)
  }
}

/** Rule of the header whose name stands at `from`..`to`. Two names of one hash would share a rule; none of the listed do. */
export function ruleOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = HASH_START
  for (let at = from; at < to; at++) {
    const code = bytes[at] as number
    hash = Math.imul(hash ^ (code >= 65 && code <= 90 ? code + 32 : code), HASH_PRIME)
  }
  return RULES.get(hash) ?? COVERED
}
