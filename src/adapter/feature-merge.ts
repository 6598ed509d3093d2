import type { PublishedBinding } from '../sip/index.ts'

/**
 * RFC 3840 s.9 and the SIP tree: Contact parameters that are feature tags, and the name each has in a predicate.
 * Private tags (`+sip.*`, vendors' trees) stay here: they can single out a device.
 */
const BASE_TAGS: ReadonlySet<string> = new Set([
  'audio',
  'automata',
  'class',
  'duplex',
  'data',
  'control',
  'mobility',
  'events',
  'priority',
  'methods',
  'schemes',
  'application',
  'video',
  'language',
  'type',
  'isfocus',
  'actor',
  'text',
  'extensions',
])

/** Tags that would describe a person or a device rather than what it can do. */
const PRIVATE_TAGS: ReadonlySet<string> = new Set(['actor', 'description'])

/** Encoded predicate beyond which only the scheme is stated (M-13). */
export const CONTACT_PREFS_BYTES_MAX = 512

/** Values of one tag: `TRUE`, tokens, or a numeric range. */
export type FeatureSet = ReadonlyMap<string, readonly string[]>

/**
 * M-13: what all devices of a user can do together. A tag stays only when every binding states it; values are OR-ed;
 * negations are dropped; `sip.schemes=SIPS` is stated only when every Contact is a sips URI.
 */
export function mergedFeatures(bindings: readonly PublishedBinding[]): FeatureSet {
  const merged = new Map<string, readonly string[]>()
  const first = bindings[0]
  if (first === undefined) return merged
  for (const tag of first.parameters.keys()) {
    if (!BASE_TAGS.has(tag) || PRIVATE_TAGS.has(tag) || tag === 'schemes') continue
    const values = valuesOfAll(bindings, tag)
    if (values !== undefined) merged.set(`sip.${tag}`, values)
  }
  if (bindings.every((binding) => binding.secure)) merged.set('sip.schemes', ['SIPS'])
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function valuesOfAll(bindings: readonly PublishedBinding[], tag: string): readonly string[] | undefined {
  const union = new Set<string>()
  for (const binding of bindings) {
    const text = binding.parameters.get(tag)
    if (text === undefined) return undefined
    for (const value of positiveValues(text)) union.add(value)
  }
  return union.size === 0 ? undefined : [...union].sort()
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
  return true
}
