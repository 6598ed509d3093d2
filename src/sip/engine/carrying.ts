/** Whether an engine can carry a request to its targets by itself, or only the embedded stack can. */
import { parseUri, type SipMessage } from '../message/index.ts'
import { isTooNear, type CallerIdentity, type OwnIdentity, type Target } from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'
import type { EngineCapabilities } from './capabilities.ts'
import type { Headers } from './decision.ts'

export interface Carrier {
  readonly capabilities: EngineCapabilities
  /** What names the engine. */
  readonly identity: OwnIdentity
  /** The way to phones behind it. */
  readonly hop: Hop
}

/** Headers that say who is calling; the embedded stack takes them out and writes its own (RFC 3325). */
const IDENTITY_HEADERS = ['p-asserted-identity', 'p-preferred-identity', 'remote-party-id'] as const

/** `groups` are targets of equal q, the most wanted first. */
export function canCarry(
  { capabilities, identity, hop }: Carrier,
  message: SipMessage,
  caller: CallerIdentity,
  groups: readonly (readonly Target[])[],
): boolean {
  if (!capabilities.headerRemoval && identityToRemove(message, caller)) return false
  const mixed = groups.length > 1 && groups.some((group) => group.length > 1)
  if (mixed && !capabilities.mixedForking) return false
  const replaced = isReplaced(message, identity)
  return groups.flat().every(({ way, routes, uri, line }) => {
    if (line !== undefined && !capabilities.trunks) return false
    if (routes.length > 0 && !capabilities.routes) return false
    if (/^sips:/i.test(uri) && !capabilities.sips) return false
    if (/[|\s]/.test(uri)) return false // would be two targets in the engine's protocol
    if (uri !== message.requestUri && !replaced) return false
    return way.kind === 'hop' ? way.hop === hop : isNamedBy(way, uri)
  })
}

/** Phones are not trusted: who wants privacy is not named to them (RFC 3325 s.9.3). */
export function callerHeaders(caller: CallerIdentity): Headers {
  return caller.kind === 'asserted' && !caller.withheld ? [['P-Asserted-Identity', caller.value]] : []
}

/** The engine writes the target into the Request-URI only where that names the engine, as hosted domains do. */
function isReplaced({ uri }: SipMessage, identity: OwnIdentity): boolean {
  if (uri?.scheme !== 'sip') return false
  return identity.isHostedDomain(uri.host) || identity.isOwnAddress(uri.host, uri.port)
}

/** The URI says by itself where it goes and how; a route of ours (a gateway, say) would be lost. */
function isNamedBy(way: Target['way'], text: string): boolean {
  if (way.kind !== 'host' || way.notUs || isTooNear(way, way.host)) return false
  const uri = parseUri(text)
  if (uri === undefined || uri.host !== way.host || uri.port !== way.port || uri.params.has('maddr'))
    return false
  const transport = uri.params.get('transport')?.toLowerCase()
  const secure = uri.scheme === 'sips' || transport === 'tls'
  return transport === way.transport && secure === way.secure
}

/** Something in the request must not go on to a phone. */
function identityToRemove(message: SipMessage, caller: CallerIdentity): boolean {
  if (caller.kind === 'believed' && !caller.withheld) return message.has('p-preferred-identity')
  return IDENTITY_HEADERS.some((name) => message.has(name))
}
