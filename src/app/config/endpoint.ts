/** Addresses as the configuration writes them: `udp://0.0.0.0:5060`, `[::1]:6084`, `peer1.example.com:6084`. */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { withoutZone } from '../../sip/index.ts'
import { ConfigError } from './fault.ts'

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface Endpoint extends HostPort {
  readonly scheme: string
}

/** `scheme://address:port`, the address an IP literal or localhost. `key` stands in the message. */
export function parseEndpoint(text: string, key: string): Endpoint {
  const match = /^([a-z]+):\/\/(.+)$/.exec(text)
  if (match === null) throw new ConfigError(`"${key}": "${text}" is not scheme://address:port`)
  const { host, port } = parseHostPort(match[2] as string, key)
  return { scheme: match[1] as string, ...bindable({ host, port }, key) }
}

/** Ports of phones' listeners that name none (S-TR-01); those of WebSockets need no privileges. */
const SIP_PORTS: ReadonlyMap<string, number> = new Map([
  ['udp', 5060],
  ['tcp', 5060],
  ['tls', 5061],
  ['ws', 5066],
  ['wss', 7443],
])

/** A listener for phones: as above, and the port may be left out. */
export function parseSipEndpoint(text: string): Endpoint {
  const key = 'sip.listen'
  const match = /^([a-z]+):\/\/(.+)$/.exec(text)
  if (match === null) throw new ConfigError(`"${key}": "${text}" is not scheme://address:port`)
  const scheme = match[1] as string
  const { host, port } = parseHostPort(match[2] as string, key, SIP_PORTS.get(scheme) ?? 5060)
  return { scheme, ...bindable({ host, port }, key) }
}

/** `host:port`, brackets around IPv6; the port may be left out when there is a default. */
export function parseHostPort(text: string, key: string, defaultPort?: number): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (host === undefined || port === undefined || port > 65535) {
    const hint = isIP(text) === 6 ? '; an IPv6 address stands in brackets, as in [::1]:5060' : ''
    throw new ConfigError(`"${key}": "${text}" is not host:port${hint}`)
  }
  return { host, port }
}

/** Something a socket can be bound to without asking a name server. */
export function bindable({ host, port }: HostPort, key: string): HostPort {
  const address = host === 'localhost' ? '127.0.0.1' : host
  if (isIP(address) === 0) throw new ConfigError(`"${key}": "${host}" is not an IP address`)
  return { host: address, port }
}

/** `host:port` with brackets where they are needed. */
export function formatHostPort({ host, port }: HostPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The address by which others reach a listener bound to `host`. */
export function reachableAddress(host: string, advertised: string | undefined): string {
  if (advertised !== undefined) return advertised
  if (!isUnspecified(host)) return host
  // A listener on :: takes IPv4 too.
  return (
    outsideAddress('IPv4') ??
    (host === '::' ? outsideAddress('IPv6') : undefined) ??
    (host === '::' ? '::1' : '127.0.0.1')
  )
}

/** Where phones reach a listener: what they are told over IPv4, or over the one family that there is, and over IPv6. */
export interface PhoneAddresses {
  readonly advertisedHost: string
  readonly advertisedHost6?: string
}

/** A name goes to everybody; an address only to who can use it. */
export function phoneAddresses(host: string, advertised: string | undefined): PhoneAddresses {
  const family = advertised === undefined ? 0 : isIP(advertised)
  if (advertised !== undefined && family === 0) return { advertisedHost: advertised }
  const fitting = family !== 0 && (host === '::' || isIP(host) === family) ? advertised : undefined
  if (host !== '::') return { advertisedHost: withoutZone(reachableAddress(host, fitting)) }
  return {
    advertisedHost: (family === 4 ? fitting : undefined) ?? outsideAddress('IPv4') ?? '127.0.0.1',
    advertisedHost6: (family === 6 ? fitting : undefined) ?? outsideAddress('IPv6') ?? '::1',
  }
}

/** The first address of this machine that others can use. Link-local ones mean nothing without their interface. */
function outsideAddress(wanted: 'IPv4' | 'IPv6'): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(
      (each) => !each.internal && each.family === wanted && (each.family === 'IPv4' || each.scopeid === 0),
    )?.address
}
