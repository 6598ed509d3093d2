/** The element `sip:domain-restriction` (RFC 7904 s.3.4). */
import { invalid, unsupported } from './fault.ts'
import { attribute } from './fields.ts'
import { SIP_NS } from './namespaces.ts'
import { Pattern } from './pattern.ts'
import type { DomainRestriction } from './types.ts'
import { booleanValue, token } from './values.ts'
import type { XmlElement } from './xml.ts'

/**
 * The restriction among the children of `parents`. The grammar of RFC 7904 puts it into a `<kind>`, its prose into
 * the configuration and in the plural; all of these are taken. A missing `enable` means false.
 */
export function domainRestrictionOf(parents: readonly XmlElement[]): DomainRestriction | undefined {
  const found = parents.flatMap((parent) => parent.children.filter(isRestriction))
  const element = found[0]
  if (element === undefined) return undefined
  if (found.length > 1) throw invalid('two domain restrictions')
  const enable = booleanValue(attribute(element, 'enable') ?? 'false', 'domain-restriction enable')
  // Without enable the patterns mean nothing and are not even read.
  const patterns = enable ? element.children.filter(isPattern).map((pattern) => token(pattern.text)) : []
  for (const pattern of patterns) {
    const compiled = Pattern.compile(pattern)
    if (!compiled.ok) throw unsupported(compiled.error)
  }
  return { enable, patterns }
}

function isRestriction(element: XmlElement): boolean {
  const { uri, local } = element
  return uri === SIP_NS && (local === 'domain-restriction' || local === 'domain-restrictions')
}

function isPattern(element: XmlElement): boolean {
  return element.uri === SIP_NS && element.local === 'pattern'
}
