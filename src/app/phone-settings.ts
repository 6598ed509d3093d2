/** What a person types into a phone, as `start` prints it. */
import type { SipListener } from '../sip/index.ts'
import { formatHostPort } from './config/endpoint.ts'
import type { FreshAccount } from './hosted-accounts.ts'

/** Passwords are only there on the first run. */
export function phoneSettings(
  domain: string,
  listeners: readonly SipListener[],
  fresh: readonly FreshAccount[],
): string {
  const servers = listeners.map(
    ({ advertisedHost, port, transport }) =>
      `${formatHostPort({ host: advertisedHost, port })} (${transport.toUpperCase()})`,
  )
  const lines = [
    '',
    'Settings for a SIP phone:',
    `  domain    ${domain}`,
    `  server    ${servers.join(', ')}`,
  ]
  for (const { username, password } of fresh) lines.push(`  user      ${username}   password ${password}`)
  if (fresh.length > 0)
    lines.push('  (passwords are shown this once; `ringbridge users add NAME` makes further accounts)')
  return `${lines.join('\n')}\n`
}
