import { isUnicastLiteral, isLoopback } from './unicast.ts'
import { isIpHost, parseUri, type SipUri } from './uri.ts'

/** What a registration or subscription has brought, as far as the way back is concerned. */
export interface RouteBack {
  /** Path, or Record-Route of a subscriber: Route values of what is sent there. */
  readonly path: readonly string[]
  /** It leads to where its request came from, whatever it says (docs/adr/0029-contacts-elsewhere.md). */
  readonly pinned: boolean
  /** Address of the sender. */
  readonly source: string
}

/**
 * Where a request goes first that has these as its Route (RFC 3327 s.5.4, RFC 3261 s.16.6 item 6). Undefined where it goes by the way that
 * they came: without any, to whoever may not send calls elsewhere, and where the first names no place that others may aim us at.
 */
export function pathUri({ path: [first], pinned, source }: RouteBack): SipUri | undefined {
  if (first === undefined || pinned) return undefined
  const open = first.indexOf('<')
  const uri = parseUri(open < 0 ? first : first.slice(open + 1, first.indexOf('>', open)))
  if (uri?.scheme !== 'sip' && uri?.scheme !== 'sips') return undefined
  // RFC 7118: a WebSocket is opened by the phone and by nobody else.
  const transport = uri.params.get('transport')?.toLowerCase() ?? 'udp'
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined
  const host = uri.params.get('maddr') ?? uri.host
  if (host.endsWith('.invalid')) return undefined
  return isIpHost(host) && !isUnicastLiteral(host, isLoopback(source)) ? undefined : uri
}
