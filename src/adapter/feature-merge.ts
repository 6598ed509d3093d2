import { BASE_TAGS, type ContactPreferences, type Feature, type FeatureFilter } from '../reload/index.ts'
import type { PublishedBinding } from '../sip/index.ts'

/** RFC 3840 s.9: the two Contact parameters whose feature tags are not in the SIP tree. */
const PLAIN_TAGS: ReadonlySet<string> = new Set(['language', 'type'])

/** Tags that would describe a person or a device rather than what it can do. */
const PRIVATE_TAGS: ReadonlySet<string> = new Set(['actor', 'description'])

/** The feature tag behind a Contact parameter; undefined for private tags (`+sip.*`, vendors' trees), which stay here. */
function featureTag(parameter: string): string | undefined {
  if (PLAIN_TAGS.has(parameter)) return parameter
  return BASE_TAGS.has(parameter) && !PRIVATE_TAGS.has(parameter) ? `sip.${parameter}` : undefined
}

/** Private tag with the marks of the phones (docs/adr/0019); others ignore it. */
export const SIBLINGS_TAG = 'sip-adapter.siblings'

/** Encoded predicate beyond which only the scheme is stated (M-13). */
export const CONTACT_PREFS_BYTES_MAX = 512

/**
 * M-13: what all devices of a user can do together. A tag stays only when every binding states it; values are OR-ed, numbers
 * become their widest range; negations are dropped; `sip.schemes=SIPS` is stated only when every Contact is a sips URI.
 */
export function mergedFeatures(bindings: readonly PublishedBinding[], marks = ''): ContactPreferences {
  const merged = new Map<string, readonly Feature[]>()
  if (marks !== '') merged.set(SIBLINGS_TAG, [stated({ kind: 'string', value: marks })])
  const first = bindings[0]
  if (first === undefined) return merged
  for (const tag of first.parameters.keys()) {
    const name = tag === 'schemes' ? undefined : featureTag(tag)
    if (name === undefined) continue
    const features = featuresOfAll(bindings, tag)
    if (features.length > 0) merged.set(name, features)
  }
  if (bindings.every((binding) => binding.secure))
    merged.set('sip.schemes', [stated({ kind: 'token', value: 'SIPS' })])
  return merged
}

function featuresOfAll(bindings: readonly PublishedBinding[], tag: string): readonly Feature[] {
  const tokens = new Set<string>()
  const numbers: Range[] = []
  for (const binding of bindings) {
    const text = binding.parameters.get(tag)
    if (text === undefined) return []
    for (const value of positiveValues(text)) {
      const range = value.startsWith('#') ? rangeOf(value) : undefined
      if (range !== undefined) numbers.push(range)
      else if (!value.startsWith('#')) tokens.add(value)
    }
  }
  const features = [...tokens].sort().map((value) => stated(tokenFilter(value)))
  const widest = numbers.length === 0 ? undefined : rangeFilter(numbers)
  return widest === undefined ? features : [...features, stated(widest)]
}

function stated(filter: FeatureFilter): Feature {
  return { filter, negated: false }
}

function tokenFilter(value: string): FeatureFilter {
  if (value.startsWith('<')) return { kind: 'string', value: value.slice(1, -1) }
  if (value === 'TRUE' || value === 'FALSE') return { kind: 'boolean', value: value === 'TRUE' }
  return { kind: 'token', value }
}

interface Range {
  readonly low: number
  readonly high: number
}

/** RFC 3840 s.9: `#=n`, `#<=n`, `#>=n`, `#a:b`. */
function rangeOf(value: string): Range | undefined {
  const comparator =
    value.startsWith('#<=') || value.startsWith('#>=') ? value.slice(1, 3) : value.slice(1, 2)
  const colon = value.indexOf(':')
  const low = Number(colon > 0 ? value.slice(1, colon) : value.slice(1 + comparator.length))
  const high = colon > 0 ? Number(value.slice(colon + 1)) : low
  if (!Number.isFinite(low) || !Number.isFinite(high)) return undefined
  if (comparator === '<=') return { low: Number.NEGATIVE_INFINITY, high: low }
  if (comparator === '>=') return { low, high: Number.POSITIVE_INFINITY }
  return { low, high }
}

function rangeFilter(ranges: readonly Range[]): FeatureFilter | undefined {
  const low = Math.min(...ranges.map((range) => range.low))
  const high = Math.max(...ranges.map((range) => range.high))
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return undefined
  if (low === Number.NEGATIVE_INFINITY) return { kind: 'number', comparator: '<=', value: high }
  if (high === Number.POSITIVE_INFINITY) return { kind: 'number', comparator: '>=', value: low }
  return low === high ? { kind: 'number', comparator: '=', value: low } : { kind: 'range', low, high }
}

/** Values of a Contact parameter (RFC 3840 s.9): `audio`, `class="business,personal"`, without negated ones. */
function positiveValues(text: string): readonly string[] {
  const bare = text.startsWith('"') && text.endsWith('"') && text.length >= 2 ? text.slice(1, -1) : text
  if (bare === '') return ['TRUE']
  const values: string[] = []
  for (const part of bare.split(',')) {
    const value = part.trim()
    if (value === '' || value.startsWith('!') || !isPlain(value)) continue
    values.push(value)
  }
  return values
}

/** Tokens, strings in <>, and numbers; nothing that could break out of the predicate's parentheses. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x21 || code > 0x7e || code === 0x28 || code === 0x29 || code === 0x22) return false
  }
  return value.startsWith('<') === value.endsWith('>')
}

/** The marks of the phones behind an entry, as `SiblingMarks.text` made them; '' without any. */
export function siblingMarks(preferences: ContactPreferences): string {
  const [mark] = preferences.get(SIBLINGS_TAG) ?? []
  return mark?.filter.kind === 'string' && !mark.negated ? mark.filter.value : ''
}

/** RFC 7904 s.5.1: the callee wants SIPS and nothing else. */
export function wantsSecureOnly(preferences: ContactPreferences): boolean {
  const schemes = preferences.get('sip.schemes') ?? []
  const named = schemes.flatMap(({ filter, negated }) =>
    filter.kind === 'token' && !negated ? [filter.value.toUpperCase()] : [],
  )
  return named.length > 0 && named.every((scheme) => scheme === 'SIPS')
}
