/** What a person types into a phone, as `start` prints it. */
import { formatHostPort } from './config/endpoint.ts'
import type { FreshAccount } from './hosted-accounts.ts'

/** Passwords are only there on the first run; `accounts` counts all that there are. */
export function phoneSettings(
  domain: string,
  listeners: readonly {
    readonly advertisedHost: string
    readonly port: number
    readonly transport: string
  }[],
  fresh: readonly FreshAccount[],
  accounts: number,
): string {
  const lines = ['', 'Settings to type into a SIP phone:', `  domain (or realm)   ${domain}`]
  const servers = new Map<string, string[]>()
  for (const { advertisedHost, port, transport } of listeners) {
    const address = formatHostPort({ host: advertisedHost, port })
    servers.set(address, [...(servers.get(address) ?? []), transport.toUpperCase()])
  }
  for (const [address, transports] of servers)
    lines.push(`  server (or proxy)   ${address}, transport ${transports.join(' or ')}`)
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
