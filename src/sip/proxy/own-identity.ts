/** Who we are in Via, Route and Record-Route, towards phones and towards peers (adapter-mapping s.4.3). */
import type { Result } from '../../common/errors.ts'
import { canonicalAddress, bracketed } from '../message/ip.ts'
import {
  canonicalAor,
  isGr,
  transportPort,
  uriPort,
  type AorRules,
  type NameAddr,
  type SipUri,
  type Via,
} from '../message/index.ts'
import { isSecure, type Hop, type Transport } from '../transaction/hop.ts'

export interface OwnListener {
  readonly id: number
  readonly transport: Transport
  readonly host: string
  readonly port: number
  readonly advertisedHost: string
  /** Towards phones on IPv6; `advertisedHost` when absent. */
  readonly advertisedHost6?: string
}

/**
 * How a route of ours tells a phone to come over TLS when the request itself is sip (docs/adr/0012-routes-over-tls.md): by sips, by
 * `transport=tls`, or by the latter to phones that write it themselves.
 */
export type TlsRoutes = 'mirror' | 'sips' | 'transport'

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

export interface OwnIdentityInit {
  readonly listeners: readonly OwnListener[]
  readonly domains: readonly string[]
  readonly peer: PeerIdentity | undefined
  readonly tlsRoutes?: TlsRoutes
  readonly aorRules?: AorRules
}

export class OwnIdentity {
  readonly peer: PeerIdentity | undefined
  /** What telephone numbers mean here (M-04). */
  readonly aorRules: AorRules
  /** `host:port` of every listener, advertised and bound. */
  readonly addresses: ReadonlySet<string>
  private readonly init: OwnIdentityInit
  private readonly listeners: readonly OwnListener[]
  private readonly domains: ReadonlySet<string>
  private readonly tlsRoutes: TlsRoutes
  /** Listener id and address family to sent-by. */
  private readonly viaHosts: ReadonlyMap<string, string>
  private readonly peerHost: string | undefined
  /** How routes of calls name us, with everything escaped that base64 has beside letters and digits: Twinkle makes `?` of a slash. */
  private readonly peerRoute: string

  constructor(init: OwnIdentityInit) {
    this.init = init
    this.listeners = init.listeners
    this.domains = new Set(init.domains)
    this.tlsRoutes = init.tlsRoutes ?? 'mirror'
    this.peer = init.peer
    this.aorRules = init.aorRules ?? {}
    this.peerRoute =
      init.peer === undefined ? '' : `${init.peer.overlay};gr=${encodeURIComponent(init.peer.gr)}`
    this.peerHost =
      init.peer === undefined ? undefined : `${init.peer.hex}.${init.peer.overlay}`.toLowerCase()
    const addresses = new Set<string>()
    const viaHosts = new Map<string, string>()
    for (const { id, host, port, advertisedHost, advertisedHost6 } of init.listeners) {
      for (const [family, text] of [
        [4, advertisedHost],
        [6, advertisedHost6 ?? advertisedHost],
      ] as const) {
        const advertised = canonicalAddress(text).toLowerCase()
        addresses.add(`${advertised}:${port}`)
        viaHosts.set(`${id}|${family}`, `${bracketed(advertised)}:${port}`)
      }
      if (!WILDCARDS.has(host)) addresses.add(`${canonicalAddress(host)}:${port}`)
      else for (const loopback of LOOPBACKS) addresses.add(`${loopback}:${port}`)
    }
    this.addresses = addresses
    this.viaHosts = viaHosts
  }

  /** The same with further addresses that are ours. */
  besides(more: readonly OwnListener[]): OwnIdentity {
    return new OwnIdentity({ ...this.init, listeners: [...this.init.listeners, ...more] })
  }

  /** Top Via for a request sent on `hop`. */
  via(hop: Hop, branch: string): string {
    if (hop.transport === 'peer') return `SIP/2.0/TLS ${this.peerHost ?? 'invalid'};branch=${branch}`
    const sentBy = this.sentBy(this.listenerOf(hop), hop.host)
    return `SIP/2.0/${hop.transport.toUpperCase()} ${sentBy};branch=${branch};rport`
  }

  /**
   * Record-Route of the side that `hop` lies on; the token brings requests back to `hop`. `sips` for requests whose URI is one:
   * then whatever follows has to come over TLS (RFC 3261 s.16.6 item 4). `contact`: how that side names itself.
   */
  recordRoute(hop: Hop, token: string, sips: boolean, contact = ''): string {
    if (hop.transport === 'peer') {
      if (this.peer === undefined) return ''
      return `<${sips ? 'sips' : 'sip'}:${token}@${this.peerRoute};lr>`
    }
    return `<${this.southUri(hop, `${token}@`, sips, contact)};lr>`
  }

  /**
   * RFC 3608: where phones send what they start. Undefined where only a sips route would do, which would bind the phone to sips (RFC
   * 5630 s.5.2): it goes on using the connection that it has.
   */
  serviceRoute(hop: Hop, contact: string): string | undefined {
    if (hop.transport === 'tls' && !this.writesTransport(contact)) return undefined
    return `<${this.southUri(hop, '', false, contact)};lr>`
  }

  /** Our Contact towards phones; `theirs` is the Contact of the phone. */
  contact(hop: Hop, sips: boolean, theirs: string): string {
    return `<${this.southUri(hop, '', sips, theirs)}>`
  }

  /** `host:port` of a listener with its transport, as it stands in a sip URI: where requests shall come that answer one sent on `hop`. */
  addressFor(hop: Hop): string {
    const { transport } = this.listenerOf(hop)
    const sentBy = this.sentBy(this.listenerOf(hop), hop.host)
    return transport === 'udp' ? sentBy : `${sentBy};transport=${transport === 'wss' ? 'ws' : transport}`
  }

  /** The AOR that stands in a From or To. */
  userOf(name: NameAddr): string | undefined {
    const aor = canonicalAor(this.named(name), this.aorRules)
    return aor.ok ? aor.value : undefined
  }

  /** The same without numbers, or the status that says why there is none (see `canonicalAor`). */
  aorOf(name: NameAddr): Result<string, number> {
    return canonicalAor(this.named(name))
  }

  /** Our own port behind our domain is no part of an AOR (docs/adr/0037): the same object where there is none. */
  withoutOwnPort(uri: SipUri): SipUri {
    return this.isOwnPortOfDomain(uri) ? { ...uri, port: undefined } : uri
  }

  private named({ parsedUri, uri }: NameAddr): SipUri | string {
    return parsedUri === undefined ? uri : this.withoutOwnPort(parsedUri)
  }

  /** A URI that names this node: a listener's address, our overlay GRUU, our hex name, or a hosted domain as such. */
  isOwn(uri: SipUri): boolean {
    const gr = uri.params.get('gr')
    if (gr !== undefined && gr !== '') return this.isOwnGr(gr)
    const host = canonicalAddress(uri.host).toLowerCase()
    if (host === this.peerHost) return true
    if (this.domains.has(host) && (uri.port === undefined || uri.port === 5060 || uri.port === 5061))
      return true
    return this.isOwnPortOfDomain(uri) || this.isOwnAddress(host, uriPort(uri))
  }

  /** A `gr` value that names this node. */
  isOwnGr(gr: string): boolean {
    return this.peer !== undefined && isGr(gr, this.peer.gr)
  }

  /** `host:port` of a listener; no port means 5060. */
  isOwnAddress(host: string, port: number | undefined): boolean {
    return this.addresses.has(`${canonicalAddress(host).toLowerCase()}:${port ?? 5060}`)
  }

  /** The host of one of our listeners, whatever the port. */
  isOwnHost(host: string): boolean {
    const address = canonicalAddress(host).toLowerCase()
    return this.listeners.some((listener) => isAt(listener, address))
  }

  /**
   * S3261-16.4-02: the `maddr` of this URI leads to a listener of ours or to a domain that we serve. A port or transport that stands
   * there has to be that listener's, or somebody else on this machine is meant.
   */
  isOwnMaddr({ scheme, port, params }: SipUri): boolean {
    const maddr = params.get('maddr')
    if (maddr === undefined) return false
    const address = canonicalAddress(maddr).toLowerCase()
    const hosted = this.isHostedDomain(address)
    const transport = params.get('transport')?.toLowerCase()
    return this.listeners.some(
      (listener) =>
        (hosted || isAt(listener, address)) &&
        (port === undefined || listener.port === port) &&
        (transport === undefined || isMeant(transport, scheme === 'sips', listener.transport)),
    )
  }

  isHostedDomain(host: string): boolean {
    return this.domains.has(host)
  }

  /**
   * A hosted domain with the port of a listener of ours: that is how whoever found us at that port writes the domain. In a Request-URI the
   * port is then where the request went, and no part of the AOR (M-02, docs/adr/0037).
   */
  private isOwnPortOfDomain({ host, port }: SipUri): boolean {
    return (
      port !== undefined &&
      this.isHostedDomain(host) &&
      this.listeners.some((listener) => listener.port === port)
    )
  }

  /** S3261-18.1-05: a Via that we wrote. */
  isOwnVia(via: Via): boolean {
    return (
      via.host.toLowerCase() === this.peerHost ||
      this.isOwnAddress(via.host, via.port ?? transportPort(via.transport))
    )
  }

  /** Listener by which something is sent to an address that no flow leads to: of its transport, and able to reach its family. */
  listenerFor(transport: Transport, host: string): OwnListener | undefined {
    const family = familyOf(host)
    return this.listeners.find((listener) => listener.transport === transport && takes(listener, family))
  }

  private southUri(hop: Hop, user: string, sips: boolean, contact: string): string {
    const listener = sips && !isSecure(hop) ? this.secureListener(hop) : this.listenerOf(hop)
    const sentBy = this.sentBy(listener, hop.host)
    switch (listener.transport) {
      case 'udp':
        return `sip:${user}${sentBy}`
      case 'tcp':
      case 'ws':
        return `sip:${user}${sentBy};transport=${listener.transport}`
      case 'wss':
        return `${sips ? 'sips' : 'sip'}:${user}${sentBy};transport=ws`
      case 'tls':
        // DEVIATION RFC 3261 s.16.6 item 4: sips for a sip request, too. DEVIATION RFC 5630 s.3.1.4: transport=tls to phones that
        // write it. Neither can be helped: nothing else says "this hop over TLS" (docs/adr/0012-routes-over-tls.md).
        return sips || !this.writesTransport(contact)
          ? `sips:${user}${sentBy}`
          : `sip:${user}${sentBy};transport=tls`
    }
  }

  private writesTransport(contact: string): boolean {
    if (this.tlsRoutes !== 'mirror') return this.tlsRoutes === 'transport'
    return contact.toLowerCase().includes(';transport=tls')
  }

  private sentBy(listener: OwnListener, towards: string): string {
    return this.viaHosts.get(`${listener.id}|${familyOf(towards)}`) ?? 'localhost:5060'
  }

  /** The listener of a hop, or where none is of its transport (TLS may be opened without a listener) any that reaches there. */
  private listenerOf(hop: Hop): OwnListener {
    const exact = this.listeners[hop.listener]
    if (exact?.transport === hop.transport && exact.id === hop.listener) return exact
    const transport = hop.transport === 'peer' ? 'udp' : hop.transport
    return (
      this.listenerFor(transport, hop.host) ??
      this.listeners.find((l) => l.transport === transport) ??
      this.listeners.find((l) => takes(l, familyOf(hop.host))) ??
      this.listeners[0] ??
      DEFAULT_LISTENER
    )
  }

  /** Where a phone that sent a sips request without TLS can come with TLS from now on; as it came when there is no such place. */
  private secureListener(hop: Hop): OwnListener {
    return this.listenerFor('tls', hop.host) ?? this.listenerFor('wss', hop.host) ?? this.listenerOf(hop)
  }
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4
}

/** One of the names and addresses of a listener. */
function isAt({ host, advertisedHost, advertisedHost6 }: OwnListener, address: string): boolean {
  return (
    canonicalAddress(advertisedHost).toLowerCase() === address ||
    host === address ||
    (advertisedHost6 !== undefined && canonicalAddress(advertisedHost6).toLowerCase() === address) ||
    (WILDCARDS.has(host) && LOOPBACKS.includes(address))
  )
}

/** `transport` of a URI as that of a listener: `ws` is said of secure WebSockets, too, and `tcp` of TLS where the scheme says the rest. */
function isMeant(transport: string, sips: boolean, own: Transport): boolean {
  if (transport === own) return true
  return transport === 'ws' ? own === 'wss' : sips && transport === 'tcp' && own === 'tls'
}

/** A listener on :: takes both families. */
function takes({ host }: OwnListener, family: 4 | 6): boolean {
  return host === '::' || familyOf(host) === family
}
