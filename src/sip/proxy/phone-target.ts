/** A registered phone as a target. Most are where their REGISTER came from; some name a host that is looked up. Pure. */
import { isLoopback, isUnicastLiteral, parseUri } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import { isTooNear } from './abroad.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { LocalBinding } from './ports.ts'
import { bindingTarget } from './target-kinds.ts'
import type { Target, Way } from './targets.ts'

type HostWay = Extract<Way, { kind: 'host' }>

/**
 * RFC 3261 s.16.6 item 7, RFC 3263: the host of a Contact is looked up, as that of another domain is to which a user has his calls forwarded
 * (adapter-mapping s.4.2). Many phones write a name that nobody knows, or that of their own domain, and were reached all the same: what leads
 * nowhere, back to us or to silence goes where the REGISTER came from (docs/adr/0029-contacts-elsewhere.md).
 */
export function phoneTarget(
  binding: LocalBinding,
  depth: number,
  { outside, identity }: Pick<ProxyEnvironment, 'outside' | 'identity'>,
): Target | undefined {
  const target = bindingTarget(binding, depth)
  if (!binding.lookedUp || target?.way.kind !== 'hop') return target
  const uri = parseUri(binding.contact)
  if (uri === undefined || identity.isHostedDomain(uri.host)) return target
  const there = outside.forwarded(target.uri, uri, binding.reach)
  if (there === undefined) return target
  const { way, routes, line } = there
  // Where the operator has said the way, it is the only one.
  if (way.kind !== 'host' || outside.isRouted(uri)) return { ...target, way, routes, line }
  return { ...target, way: { ...way, notUs: true, otherwise: binding.reach } }
}

/** An address of our own, which would only come again; and of the name in a Contact what may not stand there as a number, either. */
export function isPassedOver(way: HostWay, host: string, port: number, identity: OwnIdentity): boolean {
  const { otherwise } = way
  if (isTooNear(way, host) || identity.isOwnAddress(host, port)) return true
  return otherwise !== undefined && !isUnicastLiteral(host, isLoopback(otherwise.host))
}

/** Behind the addresses that were found, unless it is one of them: nobody is to get a request twice for being slow. */
export function addOtherwise({ otherwise }: HostWay, found: Hop[]): void {
  if (otherwise !== undefined && !found.some((hop) => isSamePlace(hop, otherwise))) found.push(otherwise)
}

/** The same address by the same transport, whatever connection leads there. */
export function isSamePlace(a: Hop, b: Hop): boolean {
  return a.transport === b.transport && a.host === b.host && a.port === b.port
}
