/** How a subscriber is reached: the flow of a peer, the first proxy that has record-routed, or the phone as a registrar would find it. */
import { parseUri } from '../message/index.ts'
import { pathWay, type Way } from '../proxy/index.ts'
import { reachOf, reachWithoutFlow } from '../registrar/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'
import type { Flows } from './flows.ts'

export interface SubscriberWay {
  readonly way: Way
  /** Where else when that is a flow which is gone. */
  readonly otherwise: Hop | undefined
  /** Its Contact counts though the SUBSCRIBE came from another address. */
  readonly elsewhere: boolean
}

/** `target` is its Contact, `routes` the Record-Route of its SUBSCRIBE. */
export function subscriberWay(
  { message, source }: IncomingRequest,
  target: string,
  routes: readonly string[],
  elsewhere: boolean,
): SubscriberWay {
  if (source.transport === 'peer' || routes.length > 0) {
    const direct: Way = { kind: 'hop', hop: source }
    const by = { path: routes, pinned: !elsewhere, reach: source }
    const way = source.transport === 'peer' ? direct : (pathWay(by) ?? direct)
    return { way, otherwise: undefined, elsewhere }
  }
  const { reach, direct } = reachOf(parseUri(target), source, message, elsewhere)
  const otherwise = direct && reach.flow !== 0 ? reachWithoutFlow(target, reach) : undefined
  return { way: { kind: 'hop', hop: reach }, otherwise, elsewhere }
}

/** As it is now: a flow may be gone, and a peer can be connected to again. */
export function presentWay({ way, otherwise }: SubscriberWay, flows: Flows): Way {
  if (way.kind !== 'hop' || way.hop.flow === 0 || flows.isUp(way.hop.flow)) return way
  const { hop } = way
  if (hop.transport !== 'peer') return otherwise === undefined ? way : { kind: 'hop', hop: otherwise }
  const up = flows.peerHop(hop.host)
  return up === undefined
    ? { kind: 'peer', address: `node:${hop.host}`, secure: false }
    : { kind: 'hop', hop: up }
}
