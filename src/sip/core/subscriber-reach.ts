/** How a subscriber is reached (RFC 6665 s.4.2, RFC 3261 s.12.2.1.1): the way that his SUBSCRIBE showed, and what has become of it since. */
import type { Millis } from '../../common/time.ts'
import { parseUri } from '../message/index.ts'
import { pathWay, type Way } from '../proxy/index.ts'
import { reachOf, reachWithoutFlow } from '../registrar/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'
import type { Flows } from './flows.ts'

/** How a subscriber is reached, and where else when that is a flow which is gone. */
export interface Reachable {
  readonly way: Way
  readonly otherwise: Hop | undefined
  /** Its Contact counts though the SUBSCRIBE came from another address. */
  readonly elsewhere: boolean
  /** AOR of the subscriber at the far end of the flow itself; undefined where a proxy is there, or nobody that can be told. */
  readonly phoneOf: string | undefined
}

/** Where things are now. */
export interface PresentState {
  readonly flows: Pick<Flows, 'isUp' | 'peerHop'>
  /** Where the phone of that user is now that was at the far end of a flow; undefined when it has not registered since. */
  successor(flow: number, user: string, now: Millis): Hop | undefined
  /** The same while the flow still seems to be there: the phone has said by its reg-id that it is not. */
  replacement(flow: number, user: string, now: Millis): Hop | undefined
}

/** The way back: the flow of a peer, the first proxy that has record-routed, or the phone as a registrar would find it. */
export function reachable(
  { message, source }: Pick<IncomingRequest, 'message' | 'source'>,
  target: string,
  routes: readonly string[],
  elsewhere: boolean,
  subscriber: string | undefined,
): Reachable {
  if (source.transport === 'peer' || routes.length > 0) {
    const direct: Way = { kind: 'hop', hop: source }
    const by = { path: routes, pinned: !elsewhere, reach: source }
    const way = source.transport === 'peer' ? direct : (pathWay(by) ?? direct)
    return { way, otherwise: undefined, elsewhere, phoneOf: undefined }
  }
  const { reach, direct } = reachOf(parseUri(target), source, message, elsewhere)
  const otherwise = direct && reach.flow !== 0 ? reachWithoutFlow(target, reach) : undefined
  return { way: { kind: 'hop', hop: reach }, otherwise, elsewhere, phoneOf: subscriber }
}

/** The way as it is now: a flow may be gone, a phone may have come back by another one, and a peer can be connected to again. */
export function presentWay(now: Millis, { way, otherwise, phoneOf }: Reachable, state: PresentState): Way {
  if (way.kind !== 'hop' || way.hop.flow === 0) return way
  const { flows } = state
  const { hop } = way
  if (hop.transport === 'peer') {
    const up = flows.isUp(hop.flow) ? hop : flows.peerHop(hop.host)
    return up === undefined
      ? { kind: 'peer', address: `node:${hop.host}`, secure: false }
      : { kind: 'hop', hop: up }
  }
  const replaced = phoneOf === undefined ? undefined : state.replacement(hop.flow, phoneOf, now)
  if (replaced !== undefined) return { kind: 'hop', hop: replaced }
  if (flows.isUp(hop.flow)) return way
  const back = (phoneOf === undefined ? undefined : state.successor(hop.flow, phoneOf, now)) ?? otherwise
  return back === undefined ? way : { kind: 'hop', hop: back }
}
