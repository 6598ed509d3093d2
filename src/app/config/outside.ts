/** Where calls leave the overlay: routes, gateway and numbers that no schema can judge. */
import { parseUri, TRUNK, type OutsideRules } from '../../sip/index.ts'
import { ConfigError } from './fault.ts'
import { hostedDomains } from './places.ts'
import type { Config } from './schema.ts'

/** Throws `ConfigError` for the first rule that cannot be used. */
export function checkOutside(config: Config): void {
  const { sip } = config
  checkNumbers(config)
  const leaves = sip.gateway !== undefined || sip.routes.length > 0 || sip.overlayExit || sip.dnsAlso
  if (leaves && !sip.roles.includes('proxy')) {
    const key = (['gateway', 'overlayExit', 'dnsAlso'] as const).find((each) => sip[each]) ?? 'routes'
    throw new ConfigError(`"sip.${key}": only a proxy lets calls out; add the role proxy or leave it out`)
  }
  for (const key of ['alwaysProxy', 'proxyRecord'] as const)
    if (sip[key] && !sip.roles.includes('proxy'))
      throw new ConfigError(`"sip.${key}": is for proxies; add the role proxy or leave it out`)
  if (sip.alwaysProxy && sip.overlayExit)
    throw new ConfigError('"sip.alwaysProxy": goes to the nodes with overlayExit, of which this is one')
  const trunks = sip.trunks.map(({ name }) => name)
  if (sip.gateway !== undefined) checkNextHop(sip.gateway, 'sip.gateway', trunks)
  for (const { domain, prefix, to } of sip.routes) {
    if ((domain === undefined) === (prefix === undefined))
      throw new ConfigError('"sip.routes": each entry has either a domain or a prefix')
    if (domain !== undefined && !isDomainPattern(domain))
      throw new ConfigError(
        `"sip.routes": "${domain}" is no domain; allowed: example.net, *.example.net or *`,
      )
    if (prefix !== undefined && !/^\+?[0-9*#]+$/.test(prefix))
      throw new ConfigError(`"sip.routes": "${prefix}" is not the beginning of a number, such as +49 or 0`)
    checkNextHop(to, 'sip.routes', trunks)
  }
}

export function outsideRules({ sip }: Config): OutsideRules {
  return {
    routes: sip.routes.map(({ domain, prefix, to }) => ({
      to,
      ...(domain === undefined ? {} : { domain }),
      ...(prefix === undefined ? {} : { prefix }),
    })),
    gateway: sip.gateway,
    telContext: sip.telContext,
    dnsAlso: sip.dnsAlso,
    forwardToForeign: sip.forwardToForeign,
  }
}

function checkNumbers(config: Config): void {
  const { telDomain, telContext } = config.sip
  const domains = hostedDomains(config)
  if (telDomain !== undefined && !domains.includes(telDomain.toLowerCase()))
    throw new ConfigError(
      `"sip.telDomain": "${telDomain}" is not hosted here; allowed: ${domains.join(', ')}`,
    )
  if (telContext === undefined) return
  // RFC 3966 s.5.1.5: the beginning of a global number, or a domain.
  if (!/^\+[0-9.()-]+$/.test(telContext) && !isDomainPattern(telContext))
    throw new ConfigError(`"sip.telContext": "${telContext}" is neither like +49 nor like example.com`)
}

function isDomainPattern(text: string): boolean {
  const name = text.startsWith('*.') ? text.slice(2) : text
  return text === '*' || (name.includes('.') && parseUri(`sip:${name}`)?.host === name.toLowerCase())
}

const TRANSPORTS: readonly (string | undefined)[] = [undefined, 'udp', 'tcp', 'tls']

/** `trunks`: names that may stand there instead. Throws `ConfigError`. */
export function checkNextHop(text: string, key: string, trunks: readonly string[]): void {
  if (text.startsWith(TRUNK)) {
    if (trunks.includes(text.slice(TRUNK.length))) return
    const known = trunks.length === 0 ? 'sip.trunks has none' : `sip.trunks has ${trunks.join(', ')}`
    throw new ConfigError(`"${key}": there is no ${text}; ${known}`)
  }
  const uri = parseUri(text)
  const expected = 'expected like sip:gateway.example.net:5060;transport=tcp'
  if (uri === undefined || (uri.scheme !== 'sip' && uri.scheme !== 'sips') || uri.headers !== undefined)
    throw new ConfigError(`"${key}": "${text}" is no SIP URI; ${expected}`)
  const transport = uri.params.get('transport')?.toLowerCase()
  if (!TRANSPORTS.includes(transport))
    throw new ConfigError(`"${key}": transport ${transport} in "${text}"; allowed: udp, tcp, tls`)
  if (uri.scheme === 'sips' && transport === 'udp')
    throw new ConfigError(`"${key}": "${text}": sips means TLS; ${expected}`)
}
