/** IP literals as text. Only their form is looked at; nothing is resolved. */
import { COLON, DIGIT, HEX } from './chars.ts'

/** Four decimal numbers of at most 255. */
export function isIpv4(text: string): boolean {
  return ipv4In(text, 0)
}

/** RFC 4291 s.2.2 without brackets and zone. */
export function isIpv6(text: string): boolean {
  let groups = 0
  let gap = false
  let at = 0
  const end = text.length
  if (end < 2) return false
  if (text.charCodeAt(0) === COLON && text.charCodeAt(1) !== COLON) return false
  while (at < end) {
    if (text.charCodeAt(at) === COLON) {
      if (text.charCodeAt(at + 1) === COLON) {
        if (gap) return false
        gap = true
        at += 2
        if (text.charCodeAt(at) === COLON) return false
        continue
      }
      at++
      if (at === end) return false
    }
    const start = at
    while (at < end && HEX[text.charCodeAt(at)] === 1) at++
    if (text[at] === '.') {
      if (!ipv4In(text, start)) return false
      groups += 2
      at = end
      break
    }
    if (at === start || at - start > 4) return false
    if (at < end && text.charCodeAt(at) !== COLON) return false
    groups++
  }
  return gap ? groups <= 7 : groups === 8
}

function ipv4In(text: string, start: number): boolean {
  let parts = 0
  let at = start
  while (at <= text.length) {
    const from = at
    let value = 0
    while (at < text.length && DIGIT[text.charCodeAt(at)] === 1)
      value = value * 10 + text.charCodeAt(at++) - 48
    if (at === from || at - from > 3 || value > 255) return false
    parts++
    if (at === text.length) return parts === 4
    if (text[at] !== '.') return false
    at++
  }
  return false
}

/** RFC 5118 s.4.10: `:::` before an embedded IPv4 address comes from a grammar error and means `::`. */
export function repairIpv6(text: string): string {
  const at = text.indexOf(':::')
  return at < 0 ? text : text.slice(0, at) + text.slice(at + 1)
}

/** A host as it stands in a URI or Via: IPv6 in brackets, everything else as it is. */
export function bracketed(host: string): string {
  return host.indexOf(':') < 0 ? host : `[${host}]`
}

/** No single receiver: broadcast, unspecified or multicast. Replies must not be sent there (E58). */
export function isUnanswerable(host: string): boolean {
  if (host.indexOf(':') >= 0) {
    const lower = host.toLowerCase()
    return lower.startsWith('ff') || lower === '::'
  }
  if (!isIpv4(host)) return false
  const first = Number.parseInt(host, 10)
  return host === '255.255.255.255' || host === '0.0.0.0' || (first >= 224 && first <= 239)
}

/** Without the zone of a link-local address: it means something on this host only and stays here (RFC 4007 s.6). */
export function withoutZone(address: string): string {
  const percent = address.indexOf('%')
  return percent < 0 ? address : address.slice(0, percent)
}

/**
 * One text for one address: as RFC 5952 writes it, and IPv4-mapped IPv6 as plain IPv4, so that both count as the same source
 * (RFC 5118 s.4.9). Brackets go, a zone stays. What is no IPv6 address comes back in lower case.
 */
export function canonicalAddress(host: string): string {
  let text = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (text.indexOf(':') < 0) return text
  text = repairIpv6(text)
  const address = withoutZone(text)
  if (!isIpv6(address)) return text.toLowerCase()
  const groups = ipv6Groups(address)
  if (isMapped(groups)) {
    const [high = 0, low = 0] = groups.slice(6)
    return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
  }
  return spelled(groups) + text.slice(address.length)
}

/** The eight numbers of an address that `isIpv6` takes. */
export function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = groupsOf(head)
  if (tail === undefined) return front
  const back = groupsOf(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function groupsOf(text: string): number[] {
  const groups: number[] = []
  if (text === '') return groups
  for (const group of text.split(':')) {
    if (group.includes('.')) {
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
      groups.push((a << 8) | b, (c << 8) | d)
    } else groups.push(Number.parseInt(group, 16))
  }
  return groups
}

/** `::ffff:0:0/96`. */
function isMapped(groups: readonly number[]): boolean {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return false
  return groups[5] === 0xffff
}

/** RFC 5952 s.4: no leading zeros, lower case, `::` for the first of the longest runs of zeros. */
function spelled(groups: readonly number[]): string {
  let start = -1
  let length = 1
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === 0) end++
    if (end - at > length) {
      start = at
      length = end - at
    }
    if (end > at) at = end
  }
  let text = ''
  for (let at = 0; at < 8; at++) {
    if (at === start) {
      text += '::'
      at += length - 1
    } else text += (text === '' || text.endsWith(':') ? '' : ':') + (groups[at] as number).toString(16)
  }
  return text
}
