/** Which AORs may be registered in an overlay (RFC 7904 s.3.3 and s.3.4). */
import type { DomainRestriction } from '../../config/types.ts'
import type { AdmissionRule } from '../../storage/admission.ts'
import { domainPattern } from './domain-pattern.ts'

/** Tells whether an AOR, as `user@domain` without scheme, lies in the name spaces of an overlay. */
export type AorTest = (aor: string) => boolean

/** Longest AOR considered: an rfc822Name of 320 octets has room for more than SIP needs. */
const AOR_CHARACTERS_MAX = 512

/**
 * The test that a Configuration Document asks for: no restriction element means any AOR, one that is not enabled means
 * the overlay's own domain, an enabled one the domains that match a pattern. Patterns are read once, here.
 */
export function aorTest(overlayName: string, restriction: DomainRestriction | undefined): AorTest {
  const inNameSpace = domainTest(overlayName, restriction)
  return (aor) => {
    const domain = domainOf(aor)
    return domain !== undefined && inNameSpace(domain)
  }
}

function domainTest(
  overlayName: string,
  restriction: DomainRestriction | undefined,
): (domain: string) => boolean {
  if (restriction === undefined) return () => true
  if (!restriction.enable) return (domain) => domain.toLowerCase() === overlayName.toLowerCase()
  const patterns = restriction.patterns.map(domainPattern)
  return (domain) => patterns.some((matches) => matches(domain))
}

/** As `aorTest`, for a single question. */
export function sipRegistrationAdmissible(
  aor: string,
  overlayName: string,
  restriction: DomainRestriction | undefined,
): boolean {
  return aorTest(overlayName, restriction)(aor)
}

/**
 * What storage asks before it keeps a SIP-REGISTRATION (RFC 7904 s.3.3): the user name of the signer is an AOR of the
 * overlay. That it hashes to the Resource-ID and that the key is the signer's Node-ID is USER-NODE-MATCH.
 */
export function sipRegistrationRule(
  overlayName: string,
  restriction: DomainRestriction | undefined,
): AdmissionRule {
  const admissible = aorTest(overlayName, restriction)
  return { admits: ({ certificate }) => admissible(certificate.userName) }
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
