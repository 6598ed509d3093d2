/** What a person types into a phone, as `start` prints it. */
import { formatHostPort } from './config/endpoint.ts'
import type { FreshAccount } from './hosted-accounts.ts'

/**
 * Passwords are only there on the first run; `accounts` counts all that there are. `root`: file of the authority that has issued the
 * certificate phones see on TLS, when no phone knows it by itself.
 */
export function phoneSettings(
  domain: string,
  listeners: readonly {
    readonly advertisedHost: string
    readonly port: number
    readonly transport: string
  }[],
  fresh: readonly FreshAccount[],
  accounts: number,
  root?: string,
): string {
  const lines = ['', 'Settings to type into a SIP phone:', `  domain (or realm)   ${domain}`]
  const servers = new Map<string, string[]>()
  const sockets: string[] = []
  for (const { advertisedHost, port, transport } of listeners) {
    if (transport === 'ws' || transport === 'wss') {
      sockets.push(`${transport}://${formatHostPort({ host: advertisedHost, port })}`)
      continue
    }
    const address = formatHostPort({ host: advertisedHost, port })
    servers.set(address, [...(servers.get(address) ?? []), transport.toUpperCase()])
  }
  for (const [address, transports] of servers)
    lines.push(`  server (or proxy)   ${address}, transport ${transports.join(' or ')}`)
  if (sockets.length > 0) lines.push(`  in a browser        ${sockets.join(' or ')}`)
  if (root !== undefined) lines.push(`  to trust for TLS    ${root}`)
  for (const { username, password } of fresh)
    lines.push(`  user name           ${username.padEnd(10)} password  ${password}`)
  const [first, second] = fresh
  if (accounts === 0) {
    lines.push('  user and password   none here yet; `ringbridge users add NAME` makes one, then SIGHUP')
  } else if (first === undefined) {
    lines.push('  user and password   as they were made; `ringbridge users list` shows the users')
  } else {
    lines.push('', 'Passwords are shown this once. `ringbridge users add NAME` makes further accounts.')
    if (second !== undefined)
      lines.push(`With two phones set up, dial "${second.username}" on the one of "${first.username}".`)
  }
  return `${lines.join('\n')}\n`
}
