/** Phones on connections that have registered by another one since a request went to them (RFC 5626), which is heard there as the same request. */
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { ProxyEnvironment } from './environment.ts'

/** How the phone is reached now that was at the far end of a connection which is gone; undefined when it has not come back. */
export function returnedPhone(
  environment: ProxyEnvironment,
  now: Millis,
  { to }: SipMessage,
  lost: Hop,
): Hop | undefined {
  if (lost.flow === 0) return undefined
  const { ports, identity } = environment
  const there = ports.successor(now, lost.flow, identity.userOf(to))
  return there !== undefined && isSameSender(environment, there, lost) ? there : undefined
}

/** By which other flow a phone hears what belongs to a request that went by `hop`, though that flow still looks alive; undefined when it has not moved. */
export function movedPhone(
  environment: ProxyEnvironment,
  now: Millis,
  { to }: SipMessage,
  hop: Hop,
): Hop | undefined {
  if (hop.flow === 0 || hop.transport === 'peer') return undefined
  const { ports, identity } = environment
  const there = ports.replacement(now, hop.flow, identity.userOf(to))
  return there !== undefined && isSameSender(environment, there, hop) ? there : undefined
}

/** RFC 3261 s.17.2.3: to a phone it is the same transaction where it comes from the same sent-by. */
function isSameSender({ identity }: ProxyEnvironment, a: Hop, b: Hop): boolean {
  return identity.via(a, '') === identity.via(b, '')
}
