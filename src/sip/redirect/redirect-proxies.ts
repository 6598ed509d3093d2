/** Proxies that a redirect server sends phones to: entries like `198.51.100.7:5060;transport=udp` (M-27). */
import { parseUri } from '../message/index.ts'

export interface RedirectProxy {
  readonly host: string
  readonly port: number
  readonly transport: string
}

/** Undefined for an entry that is no address; the default transport is UDP. */
export function parseRedirectProxy(entry: string): RedirectProxy | undefined {
  const uri = parseUri(`sip:${entry}`)
  if (uri === undefined || uri.user !== undefined || uri.host === '') return undefined
  const transport = (uri.params.get('transport') ?? 'udp').toLowerCase()
  return { host: uri.host, port: uri.port ?? (transport === 'tls' ? 5061 : 5060), transport }
}
