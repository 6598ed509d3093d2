/** A request with what its transport knows of it: received and rport filled in, where responses go. */
import type { Millis } from '../../common/time.ts'
import { bracketed, canonicalAddress, withoutZone, type SipMessage, type Via } from '../message/index.ts'
import type { Hop } from './hop.ts'

export interface IncomingRequest {
  readonly message: SipMessage
  /** Where it came from. */
  readonly source: Hop
  /** Where responses go (RFC 3261 s.18.2.2, RFC 3581 s.4). */
  readonly replyTo: Hop
  /** Top Via with `received` and `rport`; undefined when it may stay as it is. */
  readonly topVia: string | undefined
  readonly arrivedAt: Millis
  /** Set when an engine in front of this node asks what to do: the answer goes to the engine, which has the transaction. */
  readonly question?: number
}

/** A request that the engine in front has received from `source`. Via, received and rport are the engine's business. */
export function askedRequest(
  message: SipMessage,
  source: Hop,
  question: number,
  now: Millis,
): IncomingRequest {
  return { message, source, replyTo: source, topVia: undefined, arrivedAt: now, question }
}

export function incomingRequest(message: SipMessage, source: Hop, now: Millis): IncomingRequest {
  const via = message.topVia
  if (source.transport === 'peer')
    return { message, source, replyTo: source, topVia: undefined, arrivedAt: now }
  return { message, source, replyTo: replyHop(via, source), topVia: receivedVia(via, source), arrivedAt: now }
}

/**
 * DEVIATION RFC 3261 s.18.2.2: maddr is not followed. It is for multicast, which no listener here takes part in, and it would let anybody have answers,
 * repeated for half a minute, sent to whom he likes, at any port, from inside (docs/adr/0027-what-strangers-cannot-do.md).
 */
function replyHop(via: Via, source: Hop): Hop {
  if (source.transport !== 'udp' || via.rport !== undefined) return source
  const port = via.port ?? 5060
  return port === source.port ? source : { ...source, port }
}

/**
 * RFC 3261 s.18.2.1: `received` when sent-by does not show the source; RFC 3581 s.4: always, when `rport` is asked for. RFC 7118 s.5.3:
 * never on WebSockets, where it would show what stands between.
 */
function receivedVia(via: Via, source: Hop): string | undefined {
  if (source.transport === 'ws' || source.transport === 'wss') return undefined
  const address = withoutZone(canonicalAddress(source.host))
  const asked = via.rport !== undefined
  if (!asked && (via.host === address || isMapped(via.host, address))) return undefined
  if (via.emptyRportEnd > 0 && via.received === undefined) {
    const { raw, emptyRportEnd } = via
    return `${raw.slice(0, emptyRportEnd)}=${source.port}${raw.slice(emptyRportEnd)};received=${address}`
  }
  // RFC 3261 s.8.2.6.2: what the sender has written is the same in the answer, however odd it is.
  if (!asked && via.received === undefined) return `${via.raw};received=${address}`
  const port = via.port === undefined ? '' : `:${via.port}`
  let text = `SIP/2.0/${via.transport} ${bracketed(via.host)}${port}`
  for (const [name, value] of via.params) {
    if (name === 'received' || name === 'rport') continue
    text += value === '' ? `;${name}` : `;${name}=${value}`
  }
  return `${text};received=${address}${asked ? `;rport=${source.port}` : ''}`
}

/** RFC 5118 s.4.9: an IPv4-mapped IPv6 address is the IPv4 address. */
function isMapped(host: string, address: string): boolean {
  return host.indexOf(':') >= 0 && canonicalAddress(host) === address
}
