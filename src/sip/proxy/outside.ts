/**
 * The way out of the overlay (adapter-mapping s.4.6, s.1.1): static routes by domain, routes and the gateway for telephone numbers, and RFC
 * 3263 for whatever no route is for. Pure.
 */
import { bracketed, escapeUser, parseUri, type SipUri } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import { abroad } from './abroad.ts'
import { dialledWith } from './dialled.ts'
import { hostTarget } from './target-kinds.ts'
import type { Target, TargetPath } from './targets.ts'

/** One rule; the first that fits decides. */
export interface OutsideRoute {
  /** A domain, `*.example.net` for all below it, or `*`. */
  readonly domain?: string
  /** First characters of a number, its `+` included. */
  readonly prefix?: string
  /**
   * URI of the next hop, or `trunk:` and the name of a trunk. With `lr` it is put into Route, and the Request-URI of a number stays in the
   * own domain.
   */
  readonly to: string
}

export interface OutsideRules {
  readonly routes: readonly OutsideRoute[]
  /** Where numbers go for which there is no route. */
  readonly gateway: string | undefined
  /** phone-context of numbers without `+` (RFC 3966 s.5.1.5). */
  readonly telContext: string | undefined
  /** A hosted domain is looked for in DNS too when the overlay does not know the user. */
  readonly dnsAlso: boolean
  /** A user may have his calls forwarded to another domain. */
  readonly forwardToForeign: boolean
}

export const NO_OUTSIDE_RULES: OutsideRules = {
  routes: [],
  gateway: undefined,
  telContext: undefined,
  dnsAlso: false,
  forwardToForeign: true,
}

/** What is tried when nobody inside is found. */
export type Fallback =
  | {
      readonly kind: 'target'
      readonly target: Target
      /** Also when the overlay could not be asked: emergency calls must not depend on it. */
      readonly afterFailure: boolean
    }
  /** Somebody else inside. */
  | { readonly kind: 'aor'; readonly aor: string }

interface Place {
  readonly uri: SipUri
  readonly loose: boolean
  readonly line: string | undefined
}

/** Names a trunk where a next hop is asked for. */
export const TRUNK = 'trunk:'

export class Outside {
  private readonly rules: OutsideRules
  private readonly byDomain: readonly (readonly [string, Place])[]
  private readonly byPrefix: readonly (readonly [string, Place])[]

  /** `trunks`: URIs by name. Throws `RangeError` for a next hop that is no SIP URI; the configuration has been checked before. */
  constructor(rules: OutsideRules, trunks: ReadonlyMap<string, string> = NO_TRUNKS) {
    this.rules = rules
    const placeOf = (to: string): Place => placeNamed(to, trunks)
    const byDomain: (readonly [string, Place])[] = []
    const byPrefix: (readonly [string, Place])[] = []
    for (const { domain, prefix, to } of rules.routes) {
      if (domain !== undefined) byDomain.push([domain.toLowerCase(), placeOf(to)])
      if (prefix !== undefined) byPrefix.push([prefix, placeOf(to)])
    }
    if (rules.gateway !== undefined) byPrefix.push(['', placeOf(rules.gateway)])
    this.byDomain = byDomain
    this.byPrefix = byPrefix
  }

  /** A URI of another domain, for a request from `source`; undefined when its transport is none of ours. */
  toUri(requestUri: string, uri: SipUri, path: TargetPath, source: Hop): Target | undefined {
    const place = this.byDomain.find(([domain]) => fits(domain, uri.host))?.[1]
    if (place === undefined) return abroad(hostTarget(requestUri, uri, path), source)
    return throughPlace(place, requestUri, uri.scheme === 'sips', path)
  }

  /** The operator has said where calls to this domain go. */
  isRouted(uri: SipUri): boolean {
    return this.byDomain.some(([domain]) => fits(domain, uri.host))
  }

  /** Where a user has his calls forwarded to, a URI of another domain; undefined when it may not be followed. */
  forwarded(requestUri: string, uri: SipUri, source: Hop): Target | undefined {
    return this.rules.forwardToForeign ? this.toUri(requestUri, uri, 'dns', source) : undefined
  }

  /** A telephone number, such as `+4930123`, as `dialled`; undefined when no gateway is for it. */
  toNumber(number: string, domain: string, secure: boolean, dialled?: SipUri): Target | undefined {
    const place = this.byPrefix.find(([prefix]) => number.startsWith(prefix))?.[1]
    if (place === undefined) return undefined
    const { uri } = place
    const port = uri.port === undefined ? '' : `:${uri.port}`
    const host = place.loose ? domain : `${bracketed(uri.host)}${port}`
    const scheme = secure || uri.scheme === 'sips' ? 'sips' : 'sip'
    const { beforeContext, afterContext } = dialledWith(number, dialled)
    const subscriber = `${escapeUser(number)}${beforeContext}${this.context(number)}${afterContext}`
    const requestUri = `${scheme}:${subscriber}@${host}${this.mark(number)}`
    return throughPlace(place, requestUri, scheme === 'sips', 'dns')
  }

  /** For a hosted AOR that nobody inside has; `dialled` is what the caller has written, of which a gateway needs more than the AOR. */
  fallback(aor: string, secure: boolean, dialled?: SipUri): Fallback | undefined {
    const at = aor.lastIndexOf('@')
    const domain = aor.slice(at + 1)
    const user = aor.slice(0, at)
    const byNumber = isNumber(user) ? this.toNumber(user, domain, secure, dialled) : undefined
    if (byNumber !== undefined) return { kind: 'target', target: byNumber, afterFailure: true }
    if (!this.rules.dnsAlso) return undefined
    const requestUri = `${secure ? 'sips' : 'sip'}:${escapeUser(user)}@${domain}`
    const uri = parseUri(requestUri)
    const target = uri === undefined ? undefined : hostTarget(requestUri, uri, 'dns')
    if (target?.way.kind !== 'host') return undefined
    // RFC 7904 s.4.1 allows the look-up; what leads back to us would only come round again.
    const elsewhere = { ...target, way: { ...target.way, notUs: true } }
    return { kind: 'target', target: elsewhere, afterFailure: false }
  }

  /** A number of a hosted domain to which a user has his calls forwarded, and that nobody inside has. */
  forwardedNumber(aor: string, secure: boolean): Target | undefined {
    const out = this.rules.forwardToForeign ? this.fallback(aor, secure) : undefined
    return out?.kind === 'target' && out.afterFailure ? out.target : undefined
  }

  /** RFC 3261 s.19.1.6: the parameters of a tel URI go into the user part. */
  private context(number: string): string {
    const { telContext } = this.rules
    return number.startsWith('+') || telContext === undefined ? '' : `;phone-context=${telContext}`
  }

  private mark(number: string): string {
    return number.startsWith('+') || this.rules.telContext !== undefined ? ';user=phone' : ''
  }
}

/** Digits as they are dialled, with or without the `+` of a global number. */
export function isNumber(user: string): boolean {
  let digits = 0
  for (let at = user.startsWith('+') ? 1 : 0; at < user.length; at++) {
    const code = user.charCodeAt(at)
    const digit = code >= 0x30 && code <= 0x39
    if (!digit && code !== 0x2a && code !== 0x23) return false
    if (digit) digits++
  }
  return digits > 0
}

const NO_TRUNKS: ReadonlyMap<string, string> = new Map()

function placeNamed(to: string, trunks: ReadonlyMap<string, string>): Place {
  const line = to.startsWith(TRUNK) ? to.slice(TRUNK.length) : undefined
  const text = line === undefined ? to : (trunks.get(line) ?? '')
  const uri = parseUri(text)
  if (uri === undefined || (uri.scheme !== 'sip' && uri.scheme !== 'sips'))
    throw new RangeError(`not a SIP URI: ${to}`)
  return { uri, loose: uri.params.has('lr'), line }
}

function throughPlace(
  { uri, loose, line }: Place,
  requestUri: string,
  secure: boolean,
  path: TargetPath,
): Target | undefined {
  const gr = uri.params.get('gr')
  const target =
    gr === undefined || gr === ''
      ? hostTarget(requestUri, uri, path, secure)
      : peerPlace(requestUri, gr, secure || uri.scheme === 'sips', path)
  if (target === undefined) return undefined
  return { ...target, line, routes: loose ? [`<${uri.raw}>`] : target.routes }
}

/** A node of the overlay that lets calls out (`overlayExit` there), named by its overlay GRUU. */
function peerPlace(requestUri: string, gr: string, secure: boolean, path: TargetPath): Target {
  return {
    uri: requestUri,
    routes: [],
    way: { kind: 'peer', address: `gr:${gr}`, secure },
    q: 1000,
    key: `peer ${gr} ${requestUri}`,
    instance: undefined,
    regId: undefined,
    registeredAt: 0,
    path,
    line: undefined,
  }
}

function fits(pattern: string, host: string): boolean {
  if (pattern === '*') return true
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}
