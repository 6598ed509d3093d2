/** Contacts of a 302 that any phone can use (adapter-mapping s.6). */
import { bracketed, escapeUser } from '../message/index.ts'
import type { RedirectProxy } from './redirect-proxies.ts'

/** Validity of what the overlay said, which may change any moment. */
export const OVERLAY_EXPIRES_S = 60

/**
 * The same AOR by way of a proxy: `maddr` makes it differ from the Request-URI, as RFC 3261 s.8.3 demands, and the
 * proxy takes its own maddr off again (M-27). `parameters` are kept, such as `;gr=...`. A proxy on TLS is named by sips, which is
 * the only way to say it (RFC 5630 s.3.1.4).
 */
export function viaProxy(aor: string, parameters: string, proxy: RedirectProxy): string {
  const at = aor.lastIndexOf('@')
  const user = escapeUser(aor.slice(0, at))
  const maddr = `;maddr=${bracketed(proxy.host)}`
  if (proxy.transport === 'tls') {
    const port = proxy.port === 5061 ? '' : `:${proxy.port}`
    return `sips:${user}@${aor.slice(at + 1)}${port}${parameters}${maddr}`
  }
  const port = proxy.port === 5060 ? '' : `:${proxy.port}`
  return `sip:${user}@${aor.slice(at + 1)}${port}${parameters}${maddr};transport=${proxy.transport}`
}

/** The proxy itself, for a 305. */
export function proxyRoute({ host, port, transport }: RedirectProxy): string {
  return transport === 'tls'
    ? `<sips:${bracketed(host)}:${port};lr>`
    : `<sip:${bracketed(host)}:${port};transport=${transport};lr>`
}

export interface RedirectContact {
  readonly uri: string
  /** Thousandths. */
  readonly q: number
  readonly expiresS: number
}

/** Contact header values, the most wanted first, nothing twice, never the Request-URI itself (S3261-8.3-02). */
export function contactHeaders(contacts: readonly RedirectContact[], requestUri: string): string[] {
  const seen = new Set<string>([requestUri])
  const values: string[] = []
  for (const { uri, q, expiresS } of [...contacts].sort((a, b) => b.q - a.q)) {
    if (seen.has(uri)) continue
    seen.add(uri)
    values.push(`<${uri}>;q=${q === 1000 ? '1.0' : String(q / 1000)};expires=${expiresS}`)
  }
  return values
}
