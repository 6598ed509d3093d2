/**
 * What the configuration may ask for and this version does not do. Each is refused by name: a key that is silently ignored
 * would make an operator believe in something that does not happen.
 */
import { parseEndpoint, parseSipEndpoint } from './endpoint.ts'
import { ConfigError } from './fault.ts'
import type { Config } from './schema.ts'

/** Throws `ConfigError` for the first request that cannot be met. */
export function refuseUnbuilt(config: Config): void {
  const { overlay, sip } = config
  const refuse = (asked: boolean, key: string, value: string, instead: string): void => {
    if (asked) throw new ConfigError(`"${key}": ${value} is not built in this version; ${instead}`)
  }
  for (const listen of overlay.listen) schemeOf(listen, 'overlay.listen', ['tls'])
  if (overlay.applicationListen !== undefined)
    schemeOf(overlay.applicationListen, 'overlay.applicationListen', ['tls'])
  for (const listen of sip.listen)
    checkScheme(parseSipEndpoint(listen).scheme, 'sip.listen', ['udp', 'tcp', 'tls', 'ws', 'wss'])
  refuse(sip.publish === 'userNode', 'sip.publish', 'userNode', 'allowed: adapterNode')
  refuse(
    sip.appAttach.plainSip !== 'never',
    'sip.appAttach.plainSip',
    sip.appAttach.plainSip,
    'allowed: never',
  )
  refuse(sip.transitOverlays.length > 0, 'sip.transitOverlays', 'a list of overlays', 'leave it out')
}

function schemeOf(text: string, key: string, built: readonly string[]): void {
  checkScheme(parseEndpoint(text, key).scheme, key, built)
}

function checkScheme(scheme: string, key: string, built: readonly string[]): void {
  if (built.includes(scheme)) return
  throw new ConfigError(
    `"${key}": ${scheme}:// is not built in this version; allowed: ${built.map((each) => `${each}://`).join(', ')}`,
  )
}
