/**
 * Feature sets (RFC 3840) as the Contact, Accept-Contact and Reject-Contact headers write them, and whether two of them can both hold
 * (the matching of RFC 2533 as RFC 3841 s.7.2.4 uses it).
 */

/** One alternative of a feature tag. Numbers are ranges; a token is kept in upper case, since case does not count there. */
export type FeatureValue =
  | { readonly kind: 'token' | 'string'; readonly value: string; readonly negated: boolean }
  | { readonly kind: 'number'; readonly low: number; readonly high: number; readonly negated: boolean }

/** Alternatives by feature tag in full, such as `sip.audio`. */
export type FeatureSet = ReadonlyMap<string, readonly FeatureValue[]>

/** Alternatives of one set that are read; more than any phone states. What is beyond them counts as not stated. */
const VALUES_MAX = 100

/** RFC 3840 s.5: tags that lose their `sip.` in a header. */
const BASE_TAGS: ReadonlySet<string> = new Set([
  ...[
    'audio',
    'automata',
    'class',
    'duplex',
    'data',
    'control',
    'mobility',
    'description',
    'events',
    'priority',
  ],
  ...['methods', 'extensions', 'schemes', 'application', 'video', 'isfocus', 'actor', 'text'],
])
/** And the two that never had it. */
const PLAIN_TAGS: ReadonlySet<string> = new Set(['language', 'type'])

/** The features among the parameters of a header value (lower-case names); undefined when there are none (RFC 3841 s.7.2.3). */
export function featureSet(parameters: ReadonlyMap<string, string>): FeatureSet | undefined {
  let features: Map<string, readonly FeatureValue[]> | undefined
  let room = VALUES_MAX
  for (const [name, text] of parameters) {
    const tag = tagOf(name)
    if (tag === undefined || features?.has(tag) === true) continue
    // `+audio` is an odd way to say `audio`, which counts where both stand.
    if (name.startsWith('+') && parameters.has(name.slice(1)) && tagOf(name.slice(1)) !== undefined) continue
    const values = valuesOf(text, room)
    room -= values.length
    if (values.length === 0) continue
    features ??= new Map<string, readonly FeatureValue[]>()
    features.set(tag, values)
  }
  return features
}

function tagOf(name: string): string | undefined {
  if (BASE_TAGS.has(name)) return `sip.${name}`
  if (PLAIN_TAGS.has(name)) return name
  if (!name.startsWith('+') || name.length === 1) return undefined
  const bare = name.slice(1)
  if (BASE_TAGS.has(bare)) return `sip.${bare}`
  return bare.includes("'") || bare.includes('!') ? bare.replaceAll("'", '/').replaceAll('!', ':') : bare
}

/** RFC 3840 s.9: nothing means TRUE; a string in angle brackets is one value; else a list. */
function valuesOf(text: string, room: number): FeatureValue[] {
  const bare = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  if (bare === '') return room > 0 ? [{ kind: 'token', value: 'TRUE', negated: false }] : []
  if (bare.startsWith('<')) return room > 0 ? [valueOf(bare, false)] : []
  const values: FeatureValue[] = []
  for (let from = 0; from <= bare.length && values.length < room;) {
    const comma = bare.indexOf(',', from)
    const part = bare.slice(from, comma < 0 ? bare.length : comma).trim()
    from = comma < 0 ? bare.length + 1 : comma + 1
    if (part === '' || part === '!') continue
    const negated = part.startsWith('!')
    values.push(valueOf(negated ? part.slice(1) : part, negated))
  }
  return values
}

function valueOf(text: string, negated: boolean): FeatureValue {
  if (text.startsWith('<')) return { kind: 'string', value: text, negated }
  const range = text.startsWith('#') ? rangeOf(text.slice(1)) : undefined
  if (range !== undefined) return { kind: 'number', ...range, negated }
  const upper = text.toUpperCase()
  // There is nothing between TRUE and FALSE.
  if (negated && (upper === 'TRUE' || upper === 'FALSE'))
    return { kind: 'token', value: upper === 'TRUE' ? 'FALSE' : 'TRUE', negated: false }
  return { kind: 'token', value: upper, negated }
}

/** `=n`, `<=n`, `>=n`, `a:b`. */
function rangeOf(text: string): { readonly low: number; readonly high: number } | undefined {
  const [low, high] = text.startsWith('<=')
    ? [Number.NEGATIVE_INFINITY, numberOf(text.slice(2))]
    : text.startsWith('>=')
      ? [numberOf(text.slice(2)), Number.POSITIVE_INFINITY]
      : text.startsWith('=')
        ? [numberOf(text.slice(1)), numberOf(text.slice(1))]
        : [numberOf(text.slice(0, text.indexOf(':'))), numberOf(text.slice(text.indexOf(':') + 1))]
  return Number.isNaN(low) || Number.isNaN(high) ? undefined : { low, high }
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/** Whether both can hold at once. A tag that only one of them has is no hindrance. */
export function areCompatible(a: FeatureSet, b: FeatureSet): boolean {
  for (const [tag, values] of a) {
    const others = b.get(tag)
    if (others !== undefined && !values.some((value) => others.some((other) => meet(value, other))))
      return false
  }
  return true
}

/** Whether `wanted` holds for each of several phones of which `stated` is all that they have among them, tag by tag. */
export function holdsForAll(wanted: FeatureSet, stated: FeatureSet): boolean {
  for (const [tag, values] of wanted) {
    const others = stated.get(tag) ?? []
    if (!others.every((other) => values.some((value) => covers(value, other)))) return false
  }
  return true
}

/** A range that several phones are in is held by all of them only as a whole. */
function covers(value: FeatureValue, other: FeatureValue): boolean {
  if (value.kind === 'number' && other.kind === 'number' && !value.negated) return isWithin(other, value)
  return meet(value, other)
}

/** Whether there is a value that satisfies both. */
function meet(a: FeatureValue, b: FeatureValue): boolean {
  if (a.negated && b.negated) return true
  if (a.kind === 'number' && b.kind === 'number') {
    if (a.negated) return !isWithin(b, a)
    if (b.negated) return !isWithin(a, b)
    return a.low <= b.high && b.low <= a.high
  }
  const same = a.kind === b.kind && a.kind !== 'number' && b.kind !== 'number' && a.value === b.value
  return a.negated !== b.negated ? !same : same
}

function isWithin(
  inner: { readonly low: number; readonly high: number },
  outer: { readonly low: number; readonly high: number },
): boolean {
  return inner.low >= outer.low && inner.high <= outer.high
}
