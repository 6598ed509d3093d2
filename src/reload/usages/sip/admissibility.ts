/** Which AORs may be registered in an overlay (RFC 7904 s.3.3 and s.3.4). */
import { domainAdmitted } from '../../config/domain-restriction.ts'
import type { DomainRestriction } from '../../config/types.ts'
import type { AdmissionRule } from '../../storage/admission.ts'

/** Longest AOR considered: an rfc822Name of 320 octets has room for more than SIP needs. */
const AOR_CHARACTERS_MAX = 512

/**
 * Whether an AOR, as `user@domain` without scheme, lies in the name spaces of an overlay: without a restriction element
 * any AOR does. The requester asks before it stores, the Storing Peer before it keeps.
 */
export function sipRegistrationAdmissible(
  aor: string,
  overlayName: string,
  restriction: DomainRestriction | undefined,
): boolean {
  const domain = domainOf(aor)
  return domain !== undefined && domainAdmitted(restriction, overlayName, domain)
}

/**
 * What storage asks before it keeps a SIP-REGISTRATION (RFC 7904 s.3.3): the user name of the signer is an AOR of the
 * overlay. That it hashes to the Resource-ID and that the key is the signer's Node-ID is USER-NODE-MATCH.
 */
export function sipRegistrationRule(
  overlayName: string,
  restriction: DomainRestriction | undefined,
): AdmissionRule {
  return {
    admits: ({ certificate }) => sipRegistrationAdmissible(certificate.userName, overlayName, restriction),
  }
}

/** The part behind the only `@`; undefined when the text is no AOR. */
function domainOf(aor: string): string | undefined {
  const at = aor.indexOf('@')
  if (at < 1 || at === aor.length - 1 || aor.indexOf('@', at + 1) >= 0 || aor.length > AOR_CHARACTERS_MAX) {
    return undefined
  }
  for (let i = 0; i < aor.length; i++) {
    const code = aor.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f || (i > at && code > 0x7f)) return undefined
  }
  return aor.slice(at + 1)
}
