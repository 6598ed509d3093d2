/** Binds every socket of a node before anything else is begun, so that a taken port is the first and only complaint. */
import type { TransportAddress } from '../reload/index.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import type { SipListener } from '../sip/index.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import type { UdpShell } from '../sip/io/udp.ts'
import { ConfigError } from './config/fault.ts'
import {
  formatHostPort,
  parseEndpoint,
  parseHostPort,
  parseSipEndpoint,
  phoneAddresses,
  reachableAddress,
  type Endpoint,
  type PhoneAddresses,
} from './config/endpoint.ts'
import type { Config } from './config/schema.ts'
import type { OwnPlace } from './own-places.ts'
import { sharedPort } from './shared-port.ts'
import { namedByCertificate, type PhoneCertificate } from './sip-certificate.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another process',
  EACCES: 'not permitted to use this port',
  EADDRNOTAVAIL: 'this machine does not have the address',
}

/** The result of binding, or a `ConfigError` that names address and key. */
export async function bound<T>(binding: Promise<T>, what: string, key: string): Promise<T> {
  try {
    return await binding
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new ConfigError(`${what}: ${REASONS[code] ?? `cannot be opened (${code})`}; see ${key}`, {
      cause: error,
    })
  }
}

/** Opens the SIP listeners of the configuration; port 0 becomes the port in use. `certificate`: what TLS listeners show. */
export async function bindSip(
  config: Config,
  udp: UdpShell,
  streams: StreamShells,
  certificate: PhoneCertificate | undefined,
): Promise<SipListener[]> {
  const listeners: SipListener[] = []
  if (config.sip.roles.length === 0) return listeners
  const places = config.sip.listen.map(parseSipEndpoint)
  const chosen = new Map<string, number>()
  for (const { host } of places.filter(leavesPortOpen)) {
    // udp://…:0 and tcp://…:0 of one address get one port, as phones expect it.
    if (!chosen.has(host)) chosen.set(host, await bound(sharedPort(host), host, 'sip.listen'))
  }
  for (const [id, text] of config.sip.listen.entries()) {
    const place = places[id] as Endpoint
    const { host } = place
    const wanted = leavesPortOpen(place) ? chosen.get(host) : undefined
    const transport = place.scheme as SipListener['transport']
    const init = { id, host, port: wanted ?? place.port }
    const shell = transport === 'udp' ? udp.open(init) : streams.listen(transport, init)
    const address = await bound(shell, text, 'sip.listen')
    const addresses = phoneAddresses(host, config.sip.advertise)
    const told =
      isSecure(transport) && certificate !== undefined ? asCertified(addresses, certificate) : addresses
    listeners.push({ id, transport, host, port: address.port, ...told })
  }
  return listeners
}

function leavesPortOpen({ scheme, port }: Endpoint): boolean {
  return port === 0 && (scheme === 'udp' || scheme === 'tcp')
}

function isSecure(transport: SipListener['transport']): boolean {
  return transport === 'tls' || transport === 'wss'
}

function asCertified(
  { advertisedHost, advertisedHost6 }: PhoneAddresses,
  certificate: PhoneCertificate,
): PhoneAddresses {
  return {
    advertisedHost: namedByCertificate(advertisedHost, certificate),
    ...(advertisedHost6 === undefined
      ? {}
      : { advertisedHost6: namedByCertificate(advertisedHost6, certificate) }),
  }
}

/** Addresses that other peers are told. */
export interface AdvertisedOverlay {
  readonly overlay: OwnPlace
  readonly application: TransportAddress
}

/** Opens both RELOAD listeners: overlay links, and SIP flows of other peers on the port after it. */
export async function bindOverlay(config: Config, links: TlsLinks): Promise<AdvertisedOverlay> {
  const { overlay } = config
  const text = overlay.listen[0] as string
  const { host, port } = parseEndpoint(text, 'overlay.listen')
  const own = await bound(links.listen('overlay', host, port), text, 'overlay.listen')
  const application =
    overlay.applicationListen === undefined
      ? { scheme: 'tls', host, port: port === 0 ? 0 : port + 1 }
      : parseEndpoint(overlay.applicationListen, 'overlay.applicationListen')
  const applicationText = `tls://${formatHostPort(application)}`
  const second = await bound(
    links.listen('application', application.host, application.port),
    applicationText,
    overlay.applicationListen === undefined
      ? 'overlay.listen: SIP flows of other peers take the port after it, or that of overlay.applicationListen'
      : 'overlay.applicationListen',
  )
  const advertise =
    overlay.advertise === undefined
      ? undefined
      : parseHostPort(overlay.advertise, 'overlay.advertise', own.port)
  return {
    overlay: {
      address: reachableAddress(host, advertise?.host),
      port: advertise?.port ?? own.port,
      listener: { address: host, port: own.port },
    },
    application: { address: reachableAddress(application.host, advertise?.host), port: second.port },
  }
}
