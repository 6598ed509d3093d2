/** The SIP identities of a certificate whose chain has been verified, and what they prove (RFC 5922 s.7). */
import { parseUri } from '../message/index.ts'

/** The part of a certificate that is looked at here. */
export interface CertificateNames {
  /**
   * The subjectAltName as Node writes it: `URI:sip:example.com, DNS:example.com, IP Address:192.0.2.1`, a value with special characters
   * as a JSON string. Undefined when the certificate has none.
   */
  readonly subjectAltName: string | undefined
  readonly commonName: string | undefined
}

/** Names read from one certificate; real ones have a handful, and who makes more is not to be waited for. */
const NAMES_MAX = 100

interface AltName {
  readonly type: string
  readonly value: string
}

/**
 * RFC 5922 s.7.1: the domains for which a certificate speaks. `sip:` URIs without a user; DNS names only where there is no such
 * URI; the common name only where there is no subjectAltName at all. Lower-case.
 */
export function sipDomains({ subjectAltName, commonName }: CertificateNames): string[] {
  if (subjectAltName === undefined)
    return commonName !== undefined && isDomain(commonName) ? [spelled(commonName)] : []
  const names = altNames(subjectAltName)
  const byUri = names.flatMap(({ type, value }) => {
    const uri = type === 'URI' && /^sip:/i.test(value) && !value.includes('@') ? parseUri(value) : undefined
    return uri === undefined ? [] : [spelled(uri.host)]
  })
  if (byUri.length > 0) return byUri
  return names.flatMap(({ type, value }) => (type === 'DNS' && isDomain(value) ? [spelled(value)] : []))
}

/** What the core is told about a client that has shown a certificate: its domains, and its users as `sip:` URIs. */
export function provenIdentities(certificate: CertificateNames): string[] {
  const users = altNames(certificate.subjectAltName ?? '').flatMap(({ type, value }) =>
    type === 'URI' && /^sip:[^@]+@/i.test(value) && namesAor(value) ? [value] : [],
  )
  return [...sipDomains(certificate), ...users]
}

/** With a port of its own it would be another address (M-02). */
function namesAor(text: string): boolean {
  const uri = parseUri(text)
  return uri !== undefined && (uri.port === undefined || uri.port === 5060 || uri.port === 5061)
}

/**
 * RFC 5922 s.7.2 and s.7.3: whether the certificate speaks for the domain that was asked for before any DNS. Whole names only, no
 * wildcard. An address that stood in the URI itself is proven by an iPAddress too, since it is no domain of anybody.
 */
export function speaksFor(certificate: CertificateNames, domain: string): boolean {
  const wanted = spelled(domain)
  if (sipDomains(certificate).includes(wanted)) return true
  return altNames(certificate.subjectAltName ?? '').some(
    ({ type, value }) => type === 'IP Address' && sameAddress(value, wanted),
  )
}

/** Entries of the text that Node makes of a subjectAltName. What a certificate writes into a value cannot make an entry of its own. */
function altNames(text: string): AltName[] {
  const names: AltName[] = []
  for (let at = 0; at < text.length && names.length < NAMES_MAX;) {
    const colon = text.indexOf(':', at)
    if (colon < 0) break
    const type = text.slice(at, colon)
    let end: number
    let value: string | undefined
    if (text[colon + 1] === '"') {
      end = closingQuote(text, colon + 2)
      value = unquoted(text.slice(colon + 1, end))
    } else {
      const comma = text.indexOf(', ', colon)
      end = comma < 0 ? text.length : comma
      value = text.slice(colon + 1, end)
    }
    if (value !== undefined) names.push({ type, value })
    at = end + ', '.length
  }
  return names
}

function closingQuote(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return Math.min(text.length, at + 1)
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    // Node quotes so that this cannot happen; a value that cannot be read proves nothing.
    return undefined
  }
}

function isDomain(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/.test(text) && text.length <= 254
}

function spelled(domain: string): string {
  const lower = domain.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** IPv6 is written in full in certificates and briefly elsewhere. */
function sameAddress(a: string, b: string): boolean {
  return a === b || (a.includes(':') && b.includes(':') && expanded(a) === expanded(b))
}

function expanded(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  return [...front, ...new Array<string>(gap).fill('0'), ...back]
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
