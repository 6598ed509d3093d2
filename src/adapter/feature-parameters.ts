import { BASE_TAGS, type ContactPreferences, type Feature } from '../reload/index.ts'

/** RFC 3840 s.9: the two whose feature tags are written as they are. */
const PLAIN_TAGS: ReadonlySet<string> = new Set(['language', 'type'])

/**
 * contact_prefs as parameters of a Contact header field (RFC 3840 s.9), which is how callers' preferences are matched with them: the other
 * direction of `mergedFeatures`. Undefined when nothing is said. What cannot be written so is left out.
 */
export function featureParameters(preferences: ContactPreferences): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>()
  for (const [tag, features] of preferences) {
    const values = features.map(valueOf).filter((value) => value !== undefined)
    const name = nameOf(tag)
    // One alternative that cannot be said would make the others look like all there are.
    if (name === undefined || values.length === 0 || values.length < features.length) continue
    parameters.set(name, values.length === 1 && values[0] === 'TRUE' ? '' : `"${values.join(',')}"`)
  }
  return parameters.size === 0 ? undefined : parameters
}

function nameOf(tag: string): string | undefined {
  if (PLAIN_TAGS.has(tag)) return tag
  const bare = tag.startsWith('sip.') ? tag.slice('sip.'.length) : tag
  if (tag.startsWith('sip.') && BASE_TAGS.has(bare)) return bare
  const encoded = `+${tag.replaceAll('/', "'").replaceAll(':', '!')}`
  return isToken(encoded) ? encoded : undefined
}

function valueOf({ filter, negated }: Feature): string | undefined {
  const sign = negated ? '!' : ''
  switch (filter.kind) {
    case 'boolean':
      return `${sign}${filter.value ? 'TRUE' : 'FALSE'}`
    case 'token':
      return isToken(filter.value) ? sign + filter.value : undefined
    case 'string':
      // A string is a value of its own and no member of a list.
      return undefined
    case 'number':
      return `${sign}#${filter.comparator}${filter.value}`
    case 'range':
      return `${sign}#${filter.low}:${filter.high}`
  }
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f || '"(),/:;<=>?@[\\]{}'.includes(text.charAt(i))) return false
  }
  return text !== ''
}
