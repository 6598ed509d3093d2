/**
 * The contact predicate in a route's contact_prefs (RFC 7904 s.3.2): what the callee's devices can do, in the notation
 * of RFC 2533 that RFC 3840 s.5 describes. One entry a feature tag, whose filters are alternatives.
 */
import { utf8 } from '../../../common/bytes.ts'

export type FeatureFilter =
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'token'; readonly value: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly comparator: '=' | '<=' | '>='; readonly value: number }
  | { readonly kind: 'range'; readonly low: number; readonly high: number }

/** An alternative that holds, or with `negated` one that does not. */
export interface Feature {
  readonly filter: FeatureFilter
  readonly negated: boolean
}

/** By feature tag in its full form in lower case, such as `sip.audio` or `language`. */
export type ContactPreferences = ReadonlyMap<string, readonly Feature[]>

/** No preferences, which is what an empty contact_prefs says. */
export const NO_PREFERENCES: ContactPreferences = new Map()

/** `(& ...)` with its terms sorted by tag; no bytes when there is nothing to say. */
export function encodeContactPreferences(preferences: ContactPreferences): Uint8Array {
  const tags = [...preferences.keys()].filter((tag) => preferences.get(tag)?.length !== 0).sort()
  if (tags.length === 0) return new Uint8Array(0)
  return utf8(`(& ${tags.map((tag) => term(tag, preferences.get(tag) ?? [])).join(' ')})`)
}

function term(tag: string, features: readonly Feature[]): string {
  const filters = features.map((feature) => negatable(tag, feature))
  return filters.length === 1 ? filters.join('') : `(| ${filters.join(' ')})`
}

function negatable(tag: string, { filter, negated }: Feature): string {
  const text = simpleFilter(tag, filter)
  return negated ? `(! ${text})` : text
}

function simpleFilter(tag: string, filter: FeatureFilter): string {
  switch (filter.kind) {
    case 'boolean':
      return `(${tag}=${filter.value ? 'TRUE' : 'FALSE'})`
    case 'token':
      return `(${tag}=${filter.value})`
    case 'string':
      return `(${tag}="${filter.value}")`
    case 'number':
      return `(${tag}${filter.comparator}${rational(filter.value)})`
    case 'range':
      return `(${tag}=${rational(filter.low)}..${rational(filter.high)})`
  }
}

/** RFC 2533 s.4.1 has integers and fractions, no decimal point: three places are kept, as RFC 3840 s.9 writes them. */
function rational(value: number): string {
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}/1000`
}
