/**
 * RFC 3261 s.18.1.1: a request that may not fit into one datagram goes over TCP, and by UDP after all when nobody listens
 * there. Who has refused is remembered, so that only the first large request to such a phone pays for the attempt.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { Tally } from '../../common/instruments.ts'
import type { Millis } from '../../common/time.ts'
import { canonicalAddress, parseUri } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { Target } from './targets.ts'

type Destination = Pick<Target, 'way' | 'uri' | 'routes'>

/** Largest request that is sent by UDP; the path MTU is not known. */
export const DATAGRAM_BYTES_MAX = 1_300
/** A phone that did not take a connection is not asked again for this long. */
const REFUSED_FOR_MS: Millis = 600_000
/** Addresses remembered; beyond that one that was not looked for lately is forgotten. */
const REFUSED_MAX = 10_000

export class LargeRequests {
  /** p2psip_sip_mtu_switch_total by result. */
  readonly switched = new Tally(['ok', 'failed'])
  private readonly refused = new BoundedCache<Millis>(REFUSED_MAX)

  /** Whether a request of this size to a UDP hop is to be tried over TCP. */
  wantsStream(now: Millis, size: number, hop: Hop, target: Destination): boolean {
    if (size <= DATAGRAM_BYTES_MAX || hop.transport !== 'udp' || !takesStreams(hop, target)) return false
    const since = this.refused.get(addressOf(hop))
    return since === undefined || now - since > REFUSED_FOR_MS
  }

  taken(): void {
    this.switched.add('ok')
  }

  refusedBy(now: Millis, hop: Hop): void {
    this.switched.add('failed')
    this.refused.set(addressOf(hop), now)
  }
}

/**
 * A target that asks for UDP by name gets UDP, and a phone behind a NAT can only be reached by the way it came: its Contact
 * is not where the datagrams go.
 */
function takesStreams(hop: Hop, target: Destination): boolean {
  const { way } = target
  if (way.kind === 'host') return way.transport === undefined && !isAt(way.otherwise, hop)
  const uri = parseUri(target.uri)
  return (
    uri !== undefined &&
    target.routes.length === 0 &&
    !uri.params.has('transport') &&
    canonicalAddress(uri.host) === hop.host &&
    (uri.port ?? 5060) === hop.port
  )
}

function isAt(other: Hop | undefined, { host, port }: Hop): boolean {
  return other?.host === host && other.port === port
}

function addressOf(hop: Hop): string {
  return `${hop.host} ${hop.port}`
}
