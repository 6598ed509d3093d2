/** Who we are in Via, Route and Record-Route, towards phones and towards peers (adapter-mapping s.4.3). */
import { canonicalAddress, bracketed } from '../message/ip.ts'
import { isGr, type SipUri, type Via } from '../message/index.ts'
import type { Hop, HopTransport } from '../transaction/hop.ts'

export interface OwnListener {
  readonly id: number
  readonly transport: Exclude<HopTransport, 'peer'>
  readonly host: string
  readonly port: number
  readonly advertisedHost: string
}

export interface PeerIdentity {
  readonly overlay: string
  readonly hex: string
  readonly gr: string
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])
const LOOPBACKS: readonly string[] = ['127.0.0.1', '::1', 'localhost']
const DEFAULT_LISTENER: OwnListener = {
  id: 0,
  transport: 'udp',
  host: '',
  port: 5060,
  advertisedHost: 'localhost',
}

export class OwnIdentity {
  readonly peer: PeerIdentity | undefined
  /** `host:port` of every listener, advertised and bound. */
  readonly addresses: ReadonlySet<string>
  private readonly listeners: readonly OwnListener[]
  private readonly domains: ReadonlySet<string>
  private readonly viaHosts: ReadonlyMap<string, string>
  private readonly peerHost: string | undefined

  constructor(init: {
    readonly listeners: readonly OwnListener[]
    readonly domains: readonly string[]
    readonly peer: PeerIdentity | undefined
  }) {
    this.listeners = init.listeners
    this.domains = new Set(init.domains)
    this.peer = init.peer
    this.peerHost =
      init.peer === undefined ? undefined : `${init.peer.hex}.${init.peer.overlay}`.toLowerCase()
    const addresses = new Set<string>()
    const viaHosts = new Map<string, string>()
    for (const { id, transport, host, port, advertisedHost } of init.listeners) {
      const advertised = canonicalAddress(advertisedHost).toLowerCase()
      addresses.add(`${advertised}:${port}`)
      if (!WILDCARDS.has(host)) addresses.add(`${canonicalAddress(host)}:${port}`)
      else for (const loopback of LOOPBACKS) addresses.add(`${loopback}:${port}`)
      viaHosts.set(`${transport}${id}`, `${bracketed(advertised)}:${port}`)
    }
    this.addresses = addresses
    this.viaHosts = viaHosts
  }

  /** Top Via for a request sent on `hop`. */
  via(hop: Hop, branch: string): string {
    if (hop.transport === 'peer') return `SIP/2.0/TLS ${this.peerHost ?? 'invalid'};branch=${branch}`
    // Answers come back by the connection; without a listener of its transport any address of ours will do as its name.
    const { sentBy } = this.southListener(hop)
    return `SIP/2.0/${hop.transport.toUpperCase()} ${sentBy};branch=${branch};rport`
  }

  /** Record-Route of the side that `hop` lies on; the token brings requests back to `hop`. */
  recordRoute(hop: Hop, token: string): string {
    if (hop.transport === 'peer') {
      return this.peer === undefined ? '' : `<sip:${token}@${this.peer.overlay};gr=${this.peer.gr};lr>`
    }
    return `<${this.southUri(hop, `${token}@`)};lr>`
  }

  /** RFC 3608: where phones send what they start. */
  serviceRoute(hop: Hop): string {
    return `<${this.southUri(hop, '')};lr>`
  }

  /** A URI that names this node: a listener's address, our overlay GRUU, our hex name, or a hosted domain as such. */
  isOwn(uri: SipUri): boolean {
    const gr = uri.params.get('gr')
    if (gr !== undefined && gr !== '') return this.isOwnGr(gr)
    const host = canonicalAddress(uri.host).toLowerCase()
    if (host === this.peerHost) return true
    if (this.domains.has(host)) return uri.port === undefined || uri.port === 5060 || uri.port === 5061
    return this.isOwnAddress(host, uri.port)
  }

  /** A `gr` value that names this node. */
  isOwnGr(gr: string): boolean {
    return this.peer !== undefined && isGr(gr, this.peer.gr)
  }

  /** `host:port` of a listener; no port means the default one. */
  isOwnAddress(host: string, port: number | undefined): boolean {
    return this.addresses.has(`${canonicalAddress(host).toLowerCase()}:${port ?? 5060}`)
  }

  /** The host of one of our listeners, whatever the port. */
  isOwnHost(host: string): boolean {
    const address = canonicalAddress(host).toLowerCase()
    return this.listeners.some(
      (l) => canonicalAddress(l.advertisedHost).toLowerCase() === address || l.host === address,
    )
  }

  isHostedDomain(host: string): boolean {
    return this.domains.has(host)
  }

  /** S3261-18.1-05: a Via that we wrote. */
  isOwnVia(via: Via): boolean {
    return via.host.toLowerCase() === this.peerHost || this.isOwnAddress(via.host, via.port)
  }

  /** Listener by which something is sent to an address that no flow leads to; of the same family where `host` is given. */
  listenerFor(transport: OwnListener['transport'], host?: string): OwnListener | undefined {
    return this.listeners.find(
      (listener) => listener.transport === transport && (host === undefined || canSend(listener, host)),
    )
  }

  private southUri(hop: Hop, user: string): string {
    const { listener, sentBy } = this.southListener(hop)
    switch (listener.transport) {
      case 'udp':
        return `sip:${user}${sentBy}`
      case 'tcp':
      case 'ws':
        return `sip:${user}${sentBy};transport=${listener.transport}`
      case 'tls':
        return `sips:${user}${sentBy}` // RFC 5630 s.3.1.4: no transport=tls
      case 'wss':
        return `sips:${user}${sentBy};transport=ws`
    }
  }

  private southListener(hop: Hop): { readonly listener: OwnListener; readonly sentBy: string } {
    const exact = this.listeners[hop.listener]
    const listener =
      exact?.transport === hop.transport && exact.id === hop.listener
        ? exact
        : (this.listeners.find((l) => l.transport === hop.transport) ?? this.listeners[0] ?? DEFAULT_LISTENER)
    return { listener, sentBy: this.viaHosts.get(`${listener.transport}${listener.id}`) ?? 'localhost:5060' }
  }
}

/** A socket bound to `::` takes IPv4 too. */
function canSend(listener: OwnListener, host: string): boolean {
  return host.includes(':')
    ? listener.host.includes(':')
    : listener.host === '::' || !listener.host.includes(':')
}
