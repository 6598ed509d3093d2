/** Where SIP is found when nobody names a port (RFC 3261 s.19.1.2, RFC 7118 s.5.5). */
import type { SipUri } from './uri.ts'

/** Of a transport as URIs and Vias name it, in any case; the one of UDP and TCP for names that are not known. */
export function transportPort(transport: string): number {
  switch (transport.toLowerCase()) {
    case 'tls':
      return 5061
    case 'ws':
      return 80
    case 'wss':
      return 443
    default:
      return 5060
  }
}

/** The port of a sip or sips URI, written or not. */
export function uriPort({ port, scheme, params }: SipUri): number {
  if (port !== undefined) return port
  const transport = params.get('transport')?.toLowerCase()
  if (transport === 'ws') return transportPort(scheme === 'sips' ? 'wss' : 'ws')
  return transportPort(scheme === 'sips' ? 'tls' : (transport ?? 'udp'))
}
