/** Where requests for a new binding will go: the Contact's own address or the way the REGISTER came. */
import {
  bare,
  isLoopback,
  isPublicName,
  isUnicastLiteral,
  parseUri,
  pathUri,
  uriPort,
  type SipMessage,
  type SipUri,
} from '../message/index.ts'
import type { Binding, Reach } from './binding.ts'

export interface ReachDecision {
  readonly reach: Reach
  /** The Contact's own address works for others too. */
  readonly direct: boolean
}

/**
 * A phone behind a NAT shows another address in its Via than the one it came from; then, and on streams, only the way
 * back works (RFC 5626 s.7, RFC 3581). Otherwise the Contact is taken at its word, unless no unicast address stands there:
 * a registration must not aim us at a multicast group, at link-local services or at what listens on this machine for itself. Nobody listens
 * on port 0, which phones write that do not know theirs.
 * `elsewhere` false: only the address that the REGISTER came from is.
 */
export function reachOf(
  uri: SipUri | undefined,
  source: Reach,
  message: SipMessage,
  elsewhere = true,
): ReachDecision {
  const host = uri === undefined ? '' : hostOf(uri)
  const plain =
    uri !== undefined &&
    uri.port !== 0 &&
    isInSight(source, message) &&
    (elsewhere || host === bare(source.host)) &&
    isUnicastLiteral(host, isLoopback(source.host)) &&
    isIpv6(host) === isIpv6(source.host) &&
    message.header('path') === undefined
  if (!plain || (source.transport !== 'udp' && source.transport !== 'tcp'))
    return { reach: source, direct: false }
  // RFC 5630 s.5.3: however it was registered, a sips Contact is only good for TLS.
  if (uri.scheme === 'sips') return { reach: addressOf(uri, 'tls', source.listener), direct: true }
  const transport = uri.params.get('transport')?.toLowerCase() ?? 'udp'
  if (source.transport === 'tcp')
    return { reach: source, direct: transport === 'tcp' && listens(uri, source) }
  if (transport !== 'udp' && transport !== 'tcp') return { reach: source, direct: false }
  return { reach: addressOf(uri, transport, source.listener), direct: true }
}

/**
 * The Contact names a host that DNS may know, so that requests go there (RFC 3261 s.16.6 item 7, RFC 3263). Not behind a NAT nor where a
 * connection or a Path is the way; and not the names that phones make up or that only their own network knows.
 */
export function isLookedUp(
  uri: SipUri | undefined,
  source: Reach,
  message: SipMessage,
  elsewhere = true,
): boolean {
  return (
    uri?.scheme === 'sip' &&
    uri.port !== 0 &&
    elsewhere &&
    source.transport === 'udp' &&
    isPublicName(hostOf(uri).toLowerCase()) &&
    isInSight(source, message) &&
    message.header('path') === undefined
  )
}

/** Phones that write the port of their own connection into the Contact take none there; some do connect from the port that they listen on. */
function listens(uri: SipUri, source: Reach): boolean {
  const port = uriPort(uri)
  return port !== source.port || port === SIP_PORT
}

const SIP_PORT = 5060

/** No NAT has changed the address that it shows. */
function isInSight(source: Reach, message: SipMessage): boolean {
  return bare(message.topVia.host) === bare(source.host)
}

/**
 * Where a phone that is reachable directly is found once the connection of its REGISTER is gone: at its Contact, by a new
 * connection, as RFC 3261 has it. Only phones that cannot be connected to lose their bindings with their flow.
 */
export function reachWithoutFlow(contact: string, lost: Reach): Reach | undefined {
  const uri = parseUri(contact)
  return uri === undefined ? undefined : addressOf(uri, 'tcp', lost.listener)
}

/** How a phone is reached without the connection of its REGISTER; undefined when that is the only way. */
export function withoutFlow(binding: Binding): Reach | undefined {
  const { direct, contact, reach, path, pinned } = binding
  if (direct) return reachWithoutFlow(contact, reach)
  // Its Path leads there, and says how.
  return pathUri({ path, pinned, source: reach.host }) === undefined ? undefined : { ...reach, flow: 0 }
}

/** RFC 3261 s.19.1.1: `maddr` says where, whatever the host is. */
function hostOf(uri: SipUri): string {
  return bare(uri.params.get('maddr') ?? uri.host)
}

function addressOf(uri: SipUri, transport: 'udp' | 'tcp' | 'tls', listener: number): Reach {
  return { transport, flow: 0, listener, host: hostOf(uri), port: uriPort(uri) }
}

function isIpv6(host: string): boolean {
  return host.includes(':')
}
