/** Addresses as the configuration writes them: `udp://0.0.0.0:5060`, `[::1]:6084`, `peer1.example.com:6084`. */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
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

/** `host:port`, brackets around IPv6; the port may be left out when there is a default. */
export function parseHostPort(text: string, key: string, defaultPort?: number): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (host === undefined || port === undefined || port > 65535) {
    throw new ConfigError(`"${key}": "${text}" is not host:port`)
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
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
  const ipv4 = outside.find(({ family }) => family === 'IPv4')
  // A listener on :: takes IPv4 too. Link-local addresses mean nothing without their interface.
  const ipv6 =
    host === '::' ? outside.find(({ family, scopeid }) => family === 'IPv6' && scopeid === 0) : undefined
  return (ipv4 ?? ipv6)?.address ?? (host === '::' ? '::1' : '127.0.0.1')
}
