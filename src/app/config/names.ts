/** Host names, domains and folders that no schema can judge: what would fail once the node runs is refused here. */
import { statSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { isOverlayName } from '../../reload/codec/index.ts'
import { parseNameServer } from '../../sip/io/name-servers.ts'
import { parseRedirectProxy } from '../../sip/redirect/redirect-proxies.ts'
import { parseHostPort } from './endpoint.ts'
import { ConfigError } from './fault.ts'
import { DEFAULT_OVERLAY_NAME } from './places.ts'
import type { Config } from './schema.ts'

/** Throws `ConfigError` for the first value that cannot be used. */
export function checkNames({ overlay, sip }: Config): void {
  if (overlay.name !== undefined && !isOverlayName(overlay.name)) {
    throw new ConfigError(`"overlay.name": "${overlay.name}" is no DNS name, such as dht.example.com`)
  }
  checkRelays(overlay, sip)
  for (const domain of sip.domains) {
    if (!isHost(domain))
      throw new ConfigError(`"sip.domains": "${domain}" is neither a domain nor an address`)
  }
  if (sip.advertise !== undefined && !isHost(sip.advertise)) {
    throw new ConfigError(
      `"sip.advertise": "${sip.advertise}" is neither a host name nor an IP address (no port, no brackets)`,
    )
  }
  if (overlay.advertise !== undefined) checkAdvertised(overlay.advertise)
  for (const each of overlay.bootstrap) {
    const { host } = parseHostPort(each, 'overlay.bootstrap', 6084)
    if (!isHost(host))
      throw new ConfigError(`"overlay.bootstrap": "${host}" is neither a host name nor an address`)
  }
  for (const name of overlay.enrollment.names) {
    if (!isHost(name))
      throw new ConfigError(`"overlay.enrollment.names": "${name}" is neither a host name nor an address`)
  }
  for (const each of sip.redirect.proxies) checkProxy(each)
  for (const each of sip.dns.servers) {
    if (parseNameServer(each) === undefined)
      throw new ConfigError(
        `"sip.dns.servers": "${each}" is no address, such as 192.0.2.53 or [2001:db8::53]:53`,
      )
  }
  if (sip.users !== undefined) checkFolderOf(sip.users, 'sip.users')
}

/** A domain is either served here or passed on. */
function checkRelays(overlay: Config['overlay'], sip: Config['sip']): void {
  if (sip.relayRegister.length > 0 && !sip.roles.includes('proxy'))
    throw new ConfigError('"sip.relayRegister": needs the role proxy')
  const hosted = [...sip.domains, overlay.name ?? DEFAULT_OVERLAY_NAME].map((domain) => domain.toLowerCase())
  for (const domain of sip.relayRegister) {
    if (!isHost(domain)) throw new ConfigError(`"sip.relayRegister": "${domain}" is no domain`)
    if (hosted.includes(domain.toLowerCase()))
      throw new ConfigError(`"sip.relayRegister": "${domain}" is served here; leave it out`)
  }
}

/** A DNS name or an IP address. A name that ends in digits only is a mistyped address. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (isOverlayName(text) && !/(?:^|\.)\d+$/.test(text))
}

/** RELOAD carries addresses, not names (RFC 6940 s.6.5.1.1). */
function checkAdvertised(text: string): void {
  const { host } = parseHostPort(text, 'overlay.advertise', 6084)
  if (isIP(host) === 0) throw new ConfigError(`"overlay.advertise": "${host}" is not an IP address`)
}

/** Phones are sent there: a name of one label means something to this machine at best. */
function checkProxy(entry: string): void {
  const proxy = parseRedirectProxy(entry)
  const host = proxy?.host.replace(/^\[(.*)\]$/, '$1') ?? ''
  if (isHost(host) && (isIP(host) !== 0 || host.includes('.'))) return
  throw new ConfigError(
    `"sip.redirect.proxies": "${entry}" is no address that phones can reach; expected like 198.51.100.7:5060;transport=tcp`,
  )
}

function checkFolderOf(file: string, key: string): void {
  const folder = dirname(file)
  try {
    if (statSync(folder).isDirectory()) return
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`"${key}": the folder ${folder} cannot be used (${code ?? 'unknown'})`, {
      cause: error,
    })
  }
  throw new ConfigError(`"${key}": ${folder} is not a folder`)
}
