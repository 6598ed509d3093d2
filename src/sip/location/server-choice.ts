/**
 * The choices of RFC 3263 s.4 as pure functions: which transports a domain offers in which order of preference, and which servers of
 * one transport are tried in which order.
 */
import type { Random } from '../../common/random.ts'
import { srvOrder, type SrvTarget } from '../../common/srv-order.ts'
import type { Transport } from '../transaction/index.ts'
import type { NaptrRecord } from './records.ts'

/** NAPTR services (RFC 3263 s.4.1, RFC 7118 s.9.3 for WebSockets) that lead to a transport over which we can send requests. */
const SERVICES: ReadonlyMap<string, Transport> = new Map<string, Transport>([
  ['SIP+D2U', 'udp'],
  ['SIP+D2T', 'tcp'],
  ['SIPS+D2T', 'tls'],
])

export interface OfferedTransport {
  readonly transport: Transport
  /** Name of the SRV records. */
  readonly service: string
}

/**
 * What NAPTR records offer, most preferred first (RFC 3263 s.4.1). For a SIPS URI only SIPS services count; `able` are the transports that
 * this node can open.
 */
export function naptrOffers(
  records: readonly NaptrRecord[],
  secure: boolean,
  able: readonly Transport[],
): OfferedTransport[] {
  const offers: OfferedTransport[] = []
  const ordered = records.toSorted((a, b) => a.order - b.order || a.preference - b.preference)
  for (const { flags, service, regexp, replacement } of ordered) {
    const transport = SERVICES.get(service.toUpperCase())
    if (transport === undefined || !able.includes(transport) || (secure && transport !== 'tls')) continue
    // RFC 3263 s.4.1: an empty regular expression, and the replacement names SRV records.
    if (flags.toUpperCase() !== 'S' || regexp !== '' || replacement === '') continue
    offers.push({ transport, service: replacement })
  }
  return offers
}

/** Name of the SRV records of a domain for one transport (RFC 3263 s.4.1): `_sips` wherever TLS is to be used. */
export function serviceName(transport: Transport, host: string): string {
  const service = transport === 'tls' || transport === 'wss' ? '_sips' : '_sip'
  switch (transport) {
    case 'udp':
      return `${service}._udp.${host}`
    case 'tcp':
    case 'tls':
      return `${service}._tcp.${host}`
    case 'ws':
    case 'wss':
      return `${service}._ws.${host}`
  }
}

/** RFC 3261 s.19.1.2, RFC 7118 s.5.2.3. */
export function defaultPort(transport: Transport): number {
  switch (transport) {
    case 'udp':
    case 'tcp':
      return 5060
    case 'tls':
      return 5061
    case 'ws':
      return 80
    case 'wss':
      return 443
  }
}

/**
 * Servers in the order of RFC 2782. `refused`: a single record whose target is the root says that the service is decidedly not there, so
 * nothing else may be tried in its place.
 */
export function orderedServers(
  records: readonly SrvTarget[],
  random: Random,
): { readonly servers: readonly SrvTarget[]; readonly refused: boolean } {
  const servers = records.filter(({ name, port }) => name !== '' && port > 0)
  return { servers: srvOrder(servers, random), refused: records.length > 0 && servers.length === 0 }
}
