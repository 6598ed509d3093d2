/** Contacts of a 302 that lead by way of a proxy, and how one on TLS is named in them. */
import type { SipMessage } from '../message/index.ts'
import type { KnownProxy } from './proxy-records.ts'
import { OVERLAY_EXPIRES_S, viaProxy, type RedirectContact, type TlsNaming } from './redirect-contacts.ts'
import type { RedirectProxy } from './redirect-proxies.ts'

/** `sip.tls.routes` (docs/adr/0012-routes-over-tls.md). */
export type TlsRoutes = 'mirror' | 'sips' | 'transport'

/** `secureOnly`: the callee has registered with sips. */
export function tlsNaming(routes: TlsRoutes, message: SipMessage, secureOnly: boolean): TlsNaming {
  if (secureOnly || message.uri?.scheme === 'sips') return 'sips'
  if (routes !== 'mirror') return routes === 'transport' ? 'transport' : 'none'
  return message.header('contact')?.toLowerCase().includes(';transport=tls') === true ? 'transport' : 'none'
}

/** Undefined ways are left out: who cannot be told of a proxy is told of the others. */
export function byProxies(
  aor: string,
  parameters: string,
  proxies: readonly RedirectProxy[],
  naming: TlsNaming,
): RedirectContact[] {
  const contacts: RedirectContact[] = []
  for (const proxy of proxies) {
    const uri = viaProxy(aor, parameters, proxy, naming)
    if (uri !== undefined) contacts.push({ uri, q: 1000, expiresS: OVERLAY_EXPIRES_S })
  }
  return contacts
}

/** Adapter-mapping s.6: the node that serves the user, when it is a proxy itself; any of them otherwise. */
export function ownFirst(
  proxies: readonly (RedirectProxy & Partial<KnownProxy>)[],
  node: string | undefined,
): readonly RedirectProxy[] {
  const own = node === undefined ? [] : proxies.filter((proxy) => proxy.node === node)
  return own.length > 0 ? own : proxies
}
