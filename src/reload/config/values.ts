/** Simple values of the Configuration Document: XML Schema types after whitespace processing (RFC 6940 s.11.1). */
import { fromHex } from '../../common/bytes.ts'
import { wallOfCivil } from '../../common/calendar.ts'
import type { WallTime } from '../../common/time.ts'
import { asNodeId, isWildcard, isZero, type NodeId } from '../codec/index.ts'
import { invalid } from './fault.ts'

/** Text without the white space around it. */
export function token(text: string): string {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
}

/** xsd:boolean: true, 1, false, 0. */
export function booleanValue(text: string, what: string): boolean {
  const value = token(text)
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw invalid(`${what}: "${shown(value)}" is no boolean`)
}

/** xsd:int and its kin within `min` and `max`. */
export function integerValue(text: string, what: string, min: number, max: number): number {
  const value = token(text)
  const number = /^[+-]?[0-9]{1,12}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max))
    throw invalid(`${what}: "${shown(value)}" is not within ${min}..${max}`)
  return number
}

/** xsd:base64Binary; white space may stand anywhere in it. */
export function base64Value(text: string, what: string): Uint8Array {
  const value = text.replace(/[ \t\r\n]+/g, '')
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw invalid(`${what}: not base64`)
  return new Uint8Array(Buffer.from(value, 'base64'))
}

/** One hex Node-ID of `length` bytes. */
export function nodeIdValue(text: string, what: string, length: number): NodeId {
  const bytes = fromHex(token(text))
  if (bytes === undefined || bytes.length !== length || isZero(bytes) || isWildcard(bytes)) {
    throw invalid(`${what}: not a Node-ID of ${length} bytes in hex`)
  }
  return asNodeId(bytes)
}

/** RFC 3339 in UTC. */
export function timeValue(text: string, what: string): WallTime {
  const match = TIME.exec(token(text))
  const wall =
    match === null
      ? undefined
      : wallOfCivil({
          year: Number(match[1]),
          month: Number(match[2]),
          day: Number(match[3]),
          hour: Number(match[4]),
          minute: Number(match[5]),
          second: Number(match[6]),
          millisecond: Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000),
        })
  if (wall === undefined) throw invalid(`${what}: not an RFC 3339 time in UTC`)
  return wall
}

const TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|[+-]00:00)$/

/** An https URL. */
export function httpsValue(text: string, what: string): string {
  const value = token(text)
  if (!/^https:\/\//i.test(value) || !URL.canParse(value)) throw invalid(`${what}: not an https URL`)
  return value
}

/** A dotted IPv4 or an RFC 5952 IPv6 literal, without brackets or zone. */
export function ipLiteralValue(text: string, what: string): string {
  const value = token(text)
  if (!isIpv4(value) && !isIpv6(value)) throw invalid(`${what}: "${shown(value)}" is no IP address`)
  return value
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [i, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [j, part] of parts.entries()) {
      const last = i === halves.length - 1 && j === parts.length - 1
      if (last && part.includes('.')) {
        if (!isIpv4(part)) return false
        groups += 2
      } else {
        if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return false
        groups += 1
      }
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}

/** Outside text in a reason stays short and printable. */
export function shown(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
}
