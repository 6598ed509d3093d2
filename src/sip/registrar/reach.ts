/** Where requests for a new binding will go: the Contact's own address or the way the REGISTER came. */
import { addressBytes, isIpv4, parseUri, uriPort, type SipMessage, type SipUri } from '../message/index.ts'
import type { Reach } from './binding.ts'

export interface ReachDecision {
  readonly reach: Reach
  /** The Contact's own address works for others too. */
  readonly direct: boolean
}

/**
 * A phone behind a NAT shows another address in its Via than the one it came from; then, and on streams, only the way
 * back works (RFC 5626 s.7, RFC 3581). Otherwise the Contact is taken at its word, unless no unicast address stands there:
 * a registration must not aim us at a multicast group, at link-local services or at what listens on this machine for itself.
 * `elsewhere` false: only the address that the REGISTER came from is.
 */
export function reachOf(
  uri: SipUri | undefined,
  source: Reach,
  message: SipMessage,
  elsewhere = true,
): ReachDecision {
  const plain =
    uri !== undefined &&
    bare(message.topVia.host) === bare(source.host) &&
    (elsewhere || bare(uri.host) === bare(source.host)) &&
    isUnicastLiteral(uri.host, isLoopback(source.host)) &&
    isIpv6(uri.host) === isIpv6(source.host) &&
    message.header('path') === undefined
  if (!plain || (source.transport !== 'udp' && source.transport !== 'tcp'))
    return { reach: source, direct: false }
  // RFC 5630 s.5.3: however it was registered, a sips Contact is only good for TLS.
  if (uri.scheme === 'sips') return { reach: addressOf(uri, 'tls', source.listener), direct: true }
  const transport = uri.params.get('transport')?.toLowerCase() ?? 'udp'
  if (source.transport === 'tcp') return { reach: source, direct: transport === 'tcp' }
  if (transport !== 'udp' && transport !== 'tcp') return { reach: source, direct: false }
  return { reach: addressOf(uri, transport, source.listener), direct: true }
}

/**
 * Where a phone that is reachable directly is found once the connection of its REGISTER is gone: at its Contact, by a new
 * connection, as RFC 3261 has it. Only phones that cannot be connected to lose their bindings with their flow.
 */
export function reachWithoutFlow(contact: string, lost: Reach): Reach | undefined {
  const uri = parseUri(contact)
  return uri === undefined ? undefined : addressOf(uri, 'tcp', lost.listener)
}

function addressOf(uri: SipUri, transport: 'udp' | 'tcp' | 'tls', listener: number): Reach {
  return { transport, flow: 0, listener, host: bare(uri.host), port: uriPort(uri) }
}

function isIpv6(host: string): boolean {
  return host.includes(':')
}

const BRACKET = 0x5b

/** IPv6 literals without brackets. */
export function bare(host: string): string {
  return host.charCodeAt(0) === BRACKET && host.endsWith(']') ? host.slice(1, -1) : host
}

/** An IP literal that names one host beyond the local link; this machine itself only where `loopback` says so. */
function isUnicastLiteral(host: string, loopback: boolean): boolean {
  const address = bare(host)
  if (address.includes(':')) return isUnicastIpv6(address, loopback)
  if (!isIpv4(address)) return false
  const dot = address.indexOf('.')
  const first = Number(address.slice(0, dot))
  if (first === 127) return loopback
  return first !== 0 && first < 224 && !(first === 169 && address.startsWith('254.', dot + 1))
}

/** Any spelling: `::ffff:7f00:1` is loopback, too. */
function isUnicastIpv6(address: string, loopback: boolean): boolean {
  const bytes = addressBytes(address)
  if (bytes === undefined) return false
  if (bytes.length === 4) return isUnicastLiteral(bytes.join('.'), loopback)
  const [first = 0, second = 0] = bytes
  const last = bytes[15]
  if (bytes.every((byte, at) => byte === 0 || at === 15)) return last === 1 ? loopback : last !== 0
  return first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80)
}

function isLoopback(source: string): boolean {
  return source.startsWith('127.') || source === '::1'
}
