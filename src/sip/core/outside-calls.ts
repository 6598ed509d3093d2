/** Where requests inside a call go that has left the overlay (docs/adr/0034-calls-outside-go-on.md). */
import {
  isIpHost,
  isLoopback,
  isPrivate,
  isPublicName,
  isUnicastLiteral,
  parseUri,
  uriPort,
} from '../message/index.ts'
import type { OpenedToken, OwnIdentity, RouteDecision } from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'

/**
 * RFC 3261 s.16.6 item 7: with no Route left it is the Request-URI that leads on, when a proxy outside has not stayed on the way, or the far end has
 * another address by now. Only for the side that may call there, and not where a NAT must lie between: undefined, and the request goes to
 * `far`, where the call went when it was made.
 */
export function furtherUri(
  { entry, routes, requestUri }: RouteDecision,
  far: Hop,
  source: Hop,
  identity: Pick<OwnIdentity, 'isOwn'>,
): string | undefined {
  if (routes.length > 0 || entry?.kind !== 'hop' || !isSame(entry, source)) return undefined
  const uri = parseUri(requestUri)
  if (uri === undefined || uri.host === '' || identity.isOwn(uri)) return undefined
  const host = uri.params.get('maddr') ?? uri.host
  if (host === far.host && uriPort(uri) === far.port) return undefined
  if (!isIpHost(host)) return isPublicName(host) ? requestUri : undefined
  const behindNat = isPrivate(host) && !isPrivate(far.host)
  return isUnicastLiteral(host, isLoopback(far.host)) && !behindNat ? requestUri : undefined
}

/** The request comes from where its first route leads: over the same flow, or from the same address. */
function isSame({ hop, fromThisRun }: Extract<OpenedToken, { kind: 'hop' }>, source: Hop): boolean {
  if (hop.transport !== source.transport) return false
  if (source.flow === 0) return hop.host === source.host && hop.port === source.port
  return fromThisRun && hop.flow === source.flow >>> 0
}
