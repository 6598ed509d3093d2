/**
 * Hosts that a caller or a user has named, and not the operator (S-24, docs/adr/0034): what only this machine reaches, a database on
 * loopback or the address that tells a virtual machine its secrets, is not for them, by whatever name.
 */
import { isIpHost, isUnicastLiteral } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { Target, Way } from './targets.ts'

type HostWay = Extract<Way, { kind: 'host' }>

/** The same, for who asks from elsewhere: one host beyond this machine and its link. Whoever is on them can get there without us. */
export function abroad(
  target: Target | undefined,
  source: Pick<Hop, 'transport' | 'host'>,
): Target | undefined {
  if (target?.way.kind !== 'host' || isFromHere(source)) return target
  return { ...target, way: { ...target.way, abroad: true } }
}

function isFromHere({ transport, host }: Pick<Hop, 'transport' | 'host'>): boolean {
  return transport !== 'peer' && !isUnicastLiteral(host, false)
}

/** An address that was found for it leads to where it may not go. */
export function isTooNear({ abroad: far }: HostWay, host: string): boolean {
  return far === true && isIpHost(host) && !isUnicastLiteral(host, false)
}
