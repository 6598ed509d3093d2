/**
 * Reads contact_prefs of any origin: the predicate notation of RFC 2533, or Contact header parameters (RFC 3840 s.9).
 * What cannot be read counts as "no preferences": a call must not fail for it.
 */
import { fromUtf8 } from '../../../common/bytes.ts'
import {
  NO_PREFERENCES,
  type ContactPreferences,
  type Feature,
  type FeatureFilter,
} from './contact-preferences.ts'

/** Longest contact_prefs looked at; ours have at most 512 bytes. */
const PREFERENCES_BYTES_MAX = 4096
/** Deepest nesting of a predicate: conjunction, disjunction, negation, filter, and room for redundant ones. */
const DEPTH_MAX = 8

/** Base tags of RFC 3840 s.5, which lose their `sip.` in a Contact header field. */
export const BASE_TAGS: ReadonlySet<string> = new Set([
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

export function decodeContactPreferences(bytes: Uint8Array): ContactPreferences {
  if (bytes.length === 0 || bytes.length > PREFERENCES_BYTES_MAX) return NO_PREFERENCES
  const text = fromUtf8(bytes).trim()
  const features = text.startsWith('(') ? parsePredicate(text) : parseParameters(text)
  return features ?? NO_PREFERENCES
}

/** A filter with its tag, or an operator over others. */
type Node =
  | { readonly kind: 'filter'; readonly tag: string; readonly filter: FeatureFilter }
  | { readonly kind: 'and' | 'or' | 'not'; readonly parts: readonly Node[] }

function parsePredicate(text: string): ContactPreferences | undefined {
  const cursor = { text, at: 0 }
  const root = parseNode(cursor, 0)
  if (root === undefined || text.slice(cursor.at).trim() !== '') return undefined
  const features = new Map<string, Feature[]>()
  for (const part of root.kind === 'and' ? flattened(root) : [root]) {
    const term = termOf(part)
    // RFC 3840 s.5: every term is about one tag. What is not, says nothing about any single one.
    if (term !== undefined) features.set(term.tag, [...(features.get(term.tag) ?? []), ...term.features])
  }
  return features
}

interface Cursor {
  readonly text: string
  at: number
}

function parseNode(cursor: Cursor, depth: number): Node | undefined {
  if (depth > DEPTH_MAX || !skip(cursor, '(')) return undefined
  for (const [sign, kind] of [
    ['&', 'and'],
    ['|', 'or'],
    ['!', 'not'],
  ] as const) {
    if (!skip(cursor, sign)) continue
    const parts: Node[] = []
    while (!skip(cursor, ')')) {
      const part = parseNode(cursor, depth + 1)
      if (part === undefined) return undefined
      parts.push(part)
    }
    return kind === 'not' && parts.length !== 1 ? undefined : { kind, parts }
  }
  return parseFilter(cursor)
}

/** Steps over white space and then `token`, when it is there. */
function skip(cursor: Cursor, token: string): boolean {
  while (' \t\r\n'.includes(cursor.text.charAt(cursor.at)) && cursor.at < cursor.text.length) cursor.at++
  if (!cursor.text.startsWith(token, cursor.at)) return false
  cursor.at += token.length
  return true
}

function parseFilter(cursor: Cursor): Node | undefined {
  const end = filterEnd(cursor)
  if (end === undefined) return undefined
  const body = cursor.text.slice(cursor.at, end)
  cursor.at = end + 1
  const operator = /<=|>=|=/.exec(body)
  if (operator === null) return undefined
  const tag = body.slice(0, operator.index).trim().toLowerCase()
  const filter = filterOf(
    operator[0] as '=' | '<=' | '>=',
    body.slice(operator.index + operator[0].length).trim(),
  )
  return tag === '' || filter === undefined ? undefined : { kind: 'filter', tag, filter }
}

/** Index of the parenthesis that ends a filter; those in a quoted string do not count. */
function filterEnd({ text, at }: Cursor): number | undefined {
  let quoted = false
  for (let i = at; i < text.length; i++) {
    const character = text.charAt(i)
    if (character === '"') quoted = !quoted
    else if (!quoted && character === ')') return i
    else if (!quoted && character === '(') return undefined
  }
  return undefined
}

function filterOf(comparator: '=' | '<=' | '>=', text: string): FeatureFilter | undefined {
  const value = numberOf(text)
  if (comparator !== '=') return value === undefined ? undefined : { kind: 'number', comparator, value }
  if (value !== undefined) return { kind: 'number', comparator, value }
  if (text.startsWith('"')) return { kind: 'string', value: text.replaceAll('"', '') }
  const [low, high, ...rest] = text.split('..').map(numberOf)
  if (low !== undefined && high !== undefined && rest.length === 0) return { kind: 'range', low, high }
  return tokenOf(text)
}

function tokenOf(text: string): FeatureFilter | undefined {
  if (text === '' || /[\s()"<>=]/.test(text)) return undefined
  const upper = text.toUpperCase()
  if (upper === 'TRUE' || upper === 'FALSE') return { kind: 'boolean', value: upper === 'TRUE' }
  return { kind: 'token', value: text }
}

/** An integer, a fraction or a decimal number. */
function numberOf(text: string): number | undefined {
  const match = /^([+-]?\d{1,9}(?:\.\d{1,9})?)(?:\s*\/\s*(\d{1,9}))?$/.exec(text.trim())
  if (match === null) return undefined
  const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]))
  return Number.isFinite(value) ? value : undefined
}

/** Conjunctions within conjunctions say nothing new. */
function flattened(node: Node): Node[] {
  return node.kind === 'and' ? node.parts.flatMap(flattened) : [node]
}

function termOf(node: Node): { readonly tag: string; readonly features: Feature[] } | undefined {
  if (node.kind === 'filter') return { tag: node.tag, features: [{ filter: node.filter, negated: false }] }
  if (node.kind === 'not') {
    const part = node.parts[0]
    if (part?.kind !== 'filter') return undefined
    return { tag: part.tag, features: [{ filter: part.filter, negated: true }] }
  }
  const terms = node.parts.map(termOf)
  const tag = terms[0]?.tag
  if (tag === undefined || node.kind === 'and') return undefined
  return terms.every((term) => term?.tag === tag)
    ? { tag, features: terms.flatMap((term) => term?.features ?? []) }
    : undefined
}

/** `audio;methods="INVITE,BYE";+sip.newparam` (RFC 3840 s.9). */
function parseParameters(text: string): ContactPreferences | undefined {
  const features = new Map<string, Feature[]>()
  for (const parameter of splitOutsideQuotes(text, ';')) {
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim()
    const list = parameterFeatures(equals < 0 ? '' : parameter.slice(equals + 1).trim())
    if (!/^\+?[\w.'!%-]+$/.test(name) || list === undefined) return undefined
    features.set(tagOf(name), list)
  }
  return features
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let quoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text.charAt(at) === '"') quoted = !quoted
    if (quoted || text.charAt(at) !== separator) continue
    parts.push(text.slice(start, at).trim())
    start = at + 1
  }
  parts.push(text.slice(start).trim())
  return parts
}

function tagOf(name: string): string {
  const lower = name.toLowerCase()
  if (lower.startsWith('+')) return lower.slice(1).replaceAll("'", '/').replaceAll('!', ':')
  return BASE_TAGS.has(lower) ? `sip.${lower}` : lower
}

function parameterFeatures(value: string | undefined): Feature[] | undefined {
  if (value === undefined || value === '')
    return [{ filter: { kind: 'boolean', value: true }, negated: false }]
  const text = value.startsWith('"') ? value.slice(1, -1) : value
  const features: Feature[] = []
  for (const part of text.startsWith('<') ? [text] : text.split(',')) {
    const trimmed = part.trim()
    const negated = trimmed.startsWith('!')
    const filter = parameterFilter(negated ? trimmed.slice(1) : trimmed)
    if (filter === undefined) return undefined
    features.push({ filter, negated })
  }
  return features
}

function parameterFilter(text: string): FeatureFilter | undefined {
  if (text.startsWith('<'))
    return { kind: 'string', value: text.slice(1, text.endsWith('>') ? -1 : undefined) }
  if (!text.startsWith('#')) return tokenOf(text)
  const [low, high] = text.slice(1).split(':').map(numberOf)
  if (low !== undefined && high !== undefined) return { kind: 'range', low, high }
  for (const comparator of ['<=', '>=', '='] as const) {
    if (text.startsWith(comparator, 1)) return filterOf(comparator, text.slice(1 + comparator.length))
  }
  return undefined
}
