/** What `sip.engine` cannot carry out, said before anything is started. docs/engines.md has the whole table. */
import { DRACHTIO_CAPABILITIES } from '../../sip/index.ts'
import { bindable, isUnspecified, parseHostPort, parseSipEndpoint } from './endpoint.ts'
import { ConfigError } from './fault.ts'
import type { Config } from './schema.ts'

/** Throws `ConfigError` for the first combination that the engine cannot serve. */
export function checkEngine({ sip }: Config): void {
  const { engine, drachtio, roles, listen, digestAlgorithms } = sip
  const control = parseHostPort(drachtio.address, 'sip.drachtio.address')
  const front = bindable(
    parseHostPort(drachtio.sipAddress, 'sip.drachtio.sipAddress'),
    'sip.drachtio.sipAddress',
  )
  if (engine !== 'drachtio') {
    if (drachtio.secret === undefined) return
    throw new ConfigError('"sip.drachtio.secret": goes with sip.engine: drachtio')
  }
  if (roles.length === 0)
    throw new ConfigError('"sip.engine": drachtio serves phones; a plain peer (sip.roles: []) has none')
  if (drachtio.secret === undefined)
    throw new ConfigError('"sip.drachtio.secret": needed with sip.engine: drachtio')
  // The protocol separates its fields with |.
  if (/[|\r\n]/.test(drachtio.secret))
    throw new ConfigError('"sip.drachtio.secret": has to be without | and line ends')
  if (control.port === 0 || front.port === 0 || isUnspecified(front.host))
    throw new ConfigError(
      '"sip.drachtio.sipAddress": has to be an address and port that something can be sent to',
    )
  if (!DRACHTIO_CAPABILITIES.severalChallenges && digestAlgorithms.length > 1)
    throw new ConfigError(
      `"sip.digestAlgorithms": one at a time with sip.engine: drachtio, which joins several challenges in one line; allowed: [MD5], [SHA-256], not [${digestAlgorithms.join(', ')}]`,
    )
  if (!listen.some((text) => parseSipEndpoint(text).scheme === 'udp'))
    throw new ConfigError(
      '"sip.listen": the drachtio server hands calls to other peers over by UDP; add udp://127.0.0.1:5070 and tcp://127.0.0.1:5070',
    )
  for (const text of listen) {
    const { host, port } = parseSipEndpoint(text)
    if (port !== front.port || (host !== front.host && !isUnspecified(host))) continue
    throw new ConfigError(
      `"sip.listen": ${text} takes the place of the drachtio server (sip.drachtio.sipAddress: ${drachtio.sipAddress}); phones connect to that one, this node only needs an address that it can reach, such as udp://127.0.0.1:5070 and tcp://127.0.0.1:5070`,
    )
  }
}
