import { Pattern } from './pattern.ts'
import type { DomainRestriction } from './types.ts'

/** Compiled once per configuration; gone with it. */
const COMPILED = new WeakMap<DomainRestriction, readonly Pattern[]>()

/**
 * Whether AORs of `domain` may be registered in the overlay (RFC 7904 s.3.4): any without a restriction, those of the
 * overlay's own name when it is not enabled, otherwise those whose whole domain matches a pattern. Case is ignored.
 */
export function domainAdmitted(
  restriction: DomainRestriction | undefined,
  overlayName: string,
  domain: string,
): boolean {
  if (restriction === undefined) return true
  if (!restriction.enable) return domain.toLowerCase() === overlayName.toLowerCase()
  return compiled(restriction).some((pattern) => pattern.matches(domain))
}

function compiled(restriction: DomainRestriction): readonly Pattern[] {
  let patterns = COMPILED.get(restriction)
  if (patterns === undefined) {
    // A pattern that cannot be compiled was refused with its document; one made otherwise admits nothing.
    patterns = restriction.patterns
      .map(Pattern.compile)
      .flatMap((result) => (result.ok ? [result.value] : []))
    COMPILED.set(restriction, patterns)
  }
  return patterns
}
