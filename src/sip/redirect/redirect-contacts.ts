/** Contacts of a 302 that any phone can use (adapter-mapping s.6). */
import { bracketed, escapeUser, urisEqual } from '../message/index.ts'
import type { RedirectProxy } from './redirect-proxies.ts'

/** Validity of what the overlay said, which may change any moment. */
export const OVERLAY_EXPIRES_S = 60

/**
 * How a caller is told to use TLS. `sips`: as RFC 5630 s.3.1.4 has it, for who has asked for sips and for callees with sips Contacts; others
 * could not be called so (s.5.4). `transport`: `transport=tls`, for callers that write it themselves (docs/adr/0012-routes-over-tls.md).
 */
export type TlsNaming = 'sips' | 'transport' | 'none'

/**
 * The same AOR by way of a proxy: `maddr` makes it differ from the Request-URI, as RFC 3261 s.8.3 demands, and the
 * proxy takes its own maddr off again (M-27). `parameters` are kept, such as `;gr=...`. Undefined: there is no way to say it.
 */
export function viaProxy(
  aor: string,
  parameters: string,
  proxy: RedirectProxy,
  naming: TlsNaming,
): string | undefined {
  const tls = proxy.transport === 'tls'
  if (tls && naming === 'none') return undefined
  const at = aor.lastIndexOf('@')
  const scheme = tls && naming === 'sips' ? 'sips' : 'sip'
  const port = proxy.port === (tls ? 5061 : 5060) ? '' : `:${proxy.port}`
  const transport = scheme === 'sips' ? '' : `;transport=${proxy.transport}`
  return `${scheme}:${escapeUser(aor.slice(0, at))}@${aor.slice(at + 1)}${port}${parameters};maddr=${bracketed(proxy.host)}${transport}`
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

/**
 * Contact header values, the most wanted first, nothing twice. Never what is equal to the Request-URI (S3261-8.3-02): phones write parameters in an
 * order of their own, and would come back with it again and again.
 */
export function contactHeaders(contacts: readonly RedirectContact[], requestUri: string): string[] {
  const seen = new Set<string>([requestUri])
  const values: string[] = []
  for (const { uri, q, expiresS } of [...contacts].sort((a, b) => b.q - a.q)) {
    if (seen.has(uri) || urisEqual(uri, requestUri)) continue
    seen.add(uri)
    values.push(`<${uri}>;q=${q === 1000 ? '1.0' : String(q / 1000)};expires=${expiresS}`)
  }
  return values
}
