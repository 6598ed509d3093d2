/** Where a request that may be forwarded goes: what it wants, and what this node knows, make a goal for the proxy. */
import type { Millis } from '../../common/time.ts'
import { canonicalAddress, canonicalAor, parseUri, uriPort, type SipUri } from '../message/index.ts'
import {
  isSips,
  type Goal,
  type LocalBinding,
  type Outside,
  type OwnIdentity,
  type Proxy,
  type ProxyRequest,
  type RouteDecision,
  type Wish,
} from '../proxy/index.ts'
import type { GruuMeaning, Gruus } from '../registrar/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'
import type { Front } from '../engine/index.ts'
import type { Flows } from './flows.ts'
import type { Reply } from './replies.ts'

/** A request that has nowhere to go is answered instead. */
export type Errand = Goal | { readonly kind: 'answer'; readonly reply: Reply }

export interface ErrandComponents {
  readonly front: Front | undefined
  readonly identity: OwnIdentity
  readonly flows: Flows
  readonly outside: Outside
  readonly proxy: Proxy
  /** Where the users are now whom the operator has moved. */
  readonly moved: ReadonlyMap<string, string>
  /** Undefined where no phone registers. */
  readonly gruus: Gruus | undefined
  /** Where the phone of that user is now that was at the far end of a flow; undefined when it has not registered since. */
  successor(flow: number, user: string | undefined, now: Millis): Hop | undefined
  /** The same while the flow still seems to be there: the phone has said by its reg-id that it is not. */
  replacement(flow: number, user: string | undefined, now: Millis): Hop | undefined
  /** Where the phone of that user is now which has given this Contact in a call that began before this node was started. */
  returned(contact: string, user: string, now: Millis): Hop | undefined
}

type Side = ProxyRequest['side']

const UNKNOWN: Errand = { kind: 'answer', reply: { status: 404, reason: 'Not Found' } }
const UNREGISTERED: Errand = { kind: 'answer', reply: { status: 480, reason: 'Temporarily Unavailable' } }

export class Errands {
  private readonly components: ErrandComponents

  constructor(components: ErrandComponents) {
    this.components = components
  }

  /** Undefined when the flow is gone that the request was to go by. */
  of(
    now: Millis,
    incoming: IncomingRequest,
    side: Side,
    route: RouteDecision,
    wish: Wish,
    mayLeave: boolean,
  ): Errand | undefined {
    switch (wish.kind) {
      case 'token':
        return this.byToken(incoming, wish, route)
      case 'routeToPeer':
        return { kind: 'peer', address: wish.address, secure: wish.secure }
      case 'routeToHost':
        return { kind: 'host', uri: wish.uri }
      case 'aor': {
        const { aor, otherwise, renamed = false, inCall = false } = wish
        if (inCall) {
          const targets = this.components.proxy.phoneHere(now, aor, route.requestUri)
          return targets.length === 0 ? UNREGISTERED : { kind: 'targets', targets, path: 'local' }
        }
        const moved = this.movedTo(aor, incoming.message.to.params.has('tag'))
        if (moved !== undefined) return { kind: 'answer', reply: moved }
        const { outside } = this.components
        const { uri } = incoming.message
        const out = mayLeave ? outside.fallback(aor, uri?.scheme === 'sips', uri) : undefined
        const fallback = otherwise === undefined ? out : ({ kind: 'aor', aor: otherwise } as const)
        return {
          kind: 'aor',
          aor,
          renamed,
          askOverlay: side === 'south',
          path: this.aorPath(now, side, aor),
          fallback,
          mayLeave,
        }
      }
      case 'gruu':
        if (!wish.own) return { kind: 'peer', address: `gr:${wish.gr}`, secure: wish.secure }
        return this.byGruu(now, wish.uri, wish.aor, true)
      case 'foreign':
        return { kind: 'outside' }
      case 'self':
      case 'refuse':
      case 'badRoute':
        return undefined
    }
  }

  /** Where a token leads now; undefined when its flow is gone. Peers, and whoever this node has connected to, can be connected to again. */
  byToken(
    incoming: IncomingRequest,
    wish: Extract<Wish, { kind: 'token' }>,
    route: RouteDecision,
  ): Errand | undefined {
    const { hop, dialled, line, fromThisRun } = wish
    const { flows } = this.components
    // RFC 5627 s.6.1: inside a dialog too the GRUU of a phone here is replaced by where that phone is now.
    const uri = route.requestUri.includes(';gr=') ? this.ownGruu(route.requestUri) : undefined
    if (uri !== undefined) {
      const aor = canonicalAor(uri)
      const goal = this.byGruu(
        incoming.arrivedAt,
        uri,
        aor.ok ? aor.value : undefined,
        route.routes.length === 0,
      )
      if (goal.kind !== 'aor') return goal
    }
    // S3261-26-01: inside a dialog of sips, too, no hop is without TLS.
    const sips = isSips(route.requestUri)
    if (hop.transport === 'peer') {
      const known = fromThisRun ? flows.get(hop.flow) : undefined
      const usable = known !== undefined && (known.secure || !sips) ? known.hop : undefined
      const up = usable ?? flows.peerHop(hop.host, sips)
      if (up?.transport === 'peer' && up.host === hop.host) return { kind: 'hop', hop: up }
      return { kind: 'peer', address: `node:${hop.host}`, secure: sips }
    }
    if (hop.transport === 'udp')
      return { kind: 'hop', hop: this.movedPhone(incoming, route, hop) ?? hop, line }
    const up = fromThisRun ? this.streamHop(hop.flow, incoming, route) : this.returnedHop(incoming, route)
    // RFC 3261 s.18: servers close connections on which nothing was said for a while. Who was reached at an address is reached there again.
    const there = up ?? (dialled === undefined ? undefined : { ...hop, flow: 0 })
    return there === undefined ? undefined : { kind: 'hop', hop: there, domain: dialled, line }
  }

  private streamHop(
    flow: number,
    { message, arrivedAt }: IncomingRequest,
    { routes }: RouteDecision,
  ): Hop | undefined {
    const { flows, replacement, successor, identity } = this.components
    const user = identity.userOf(message.to)
    // RFC 3261 s.16.12: where a proxy of the phone's follows in the Route, the flow is that proxy's, and it knows of the phone's.
    const replaced = routes.length === 0 ? replacement(flow, user, arrivedAt) : undefined
    return replaced ?? flows.get(flow)?.hop ?? successor(flow, user, arrivedAt)
  }

  /**
   * A phone that has registered again since this node was started anew, or after the node that the call began by had gone (docs/adr/0024). The
   * token is good for this call alone, and the phone is one of the very user whom the call is with.
   */
  private returnedHop(
    { message, arrivedAt }: IncomingRequest,
    { routes, requestUri }: RouteDecision,
  ): Hop | undefined {
    const { returned, identity } = this.components
    const user = routes.length > 0 ? undefined : identity.userOf(message.to)
    return user === undefined ? undefined : returned(requestUri, user, arrivedAt)
  }

  /**
   * Where the phone is now that has another address than when its call began, has registered from there, and has told the other side of its
   * new Contact (RFC 3261 s.12.2.2). Nobody but a phone that is registered here is found that way.
   */
  private movedPhone(
    { message, arrivedAt }: IncomingRequest,
    route: RouteDecision,
    hop: Hop,
  ): Hop | undefined {
    if (route.routes.length > 0) return undefined
    const uri = parseUri(route.requestUri)
    if (uri === undefined || (canonicalAddress(uri.host) === hop.host && uriPort(uri) === hop.port))
      return undefined
    const aor = this.components.identity.userOf(message.to)
    if (aor === undefined) return undefined
    const phones = this.components.proxy.phonesInCall(arrivedAt, aor, route.requestUri)
    const [phone] = phones
    if (phones.length !== 1 || phone?.reach.transport !== 'udp' || phone.lookedUp || phone.path.length > 0)
      return undefined
    // Behind a NAT a Contact names many places, and the hop of the call may be fresher than the registration.
    const { reach } = phone
    return reach.host === canonicalAddress(uri.host) && reach.port === uriPort(uri) ? reach : undefined
  }

  /** Adapter-mapping s.6: 301 for users whom the operator has moved for good. A call that is up is not moved. */
  movedTo(aor: string, inCall: boolean): Reply | undefined {
    const uri = inCall ? undefined : this.components.moved.get(aor)
    if (uri === undefined) return undefined
    return { status: 301, reason: 'Moved Permanently', headers: [['Contact', `<${uri}>`]] }
  }

  /** Under which path the call is counted: local when the callee has a binding here, wherever else it rings. */
  aorPath(now: Millis, side: Side, aor: string): 'local' | 'overlay' {
    if (side === 'north') return 'local'
    return this.components.proxy.hasBindings(now, aor) ? 'local' : 'overlay'
  }

  /** Whether a call to this AOR may have to leave the overlay, if somebody lets it. */
  leadsOut(now: Millis, aor: string): boolean {
    const { outside, proxy } = this.components
    if (proxy.hostsUser(aor) || proxy.hasBindings(now, aor)) return false
    return outside.fallback(aor, false) !== undefined
  }

  /** What a GRUU that names this node, or none, stands for. */
  meaning(now: Millis, uri: SipUri, aor: string | undefined): GruuMeaning {
    return this.components.gruus?.meaning(now, uri, aor) ?? NOBODY
  }

  /** RFC 5627 s.6.2: the user whose phone is named by the GRUU of this node in a Contact. */
  userOfContact(now: Millis, contact: string): string | undefined {
    const uri = contact.includes(';gr=') ? this.ownGruu(contact) : undefined
    const aor = uri === undefined ? undefined : canonicalAor(uri)
    if (uri === undefined || aor === undefined) return undefined
    const meaning = this.meaning(now, uri, aor.ok ? aor.value : undefined)
    return meaning.kind === 'instance' ? meaning.aor : undefined
  }

  /** Adapter-mapping s.4.5. */
  private byGruu(now: Millis, uri: SipUri, aor: string | undefined, withPath: boolean): Errand {
    const meaning = this.meaning(now, uri, aor)
    if (meaning.kind === 'unknown') return UNKNOWN
    if (meaning.kind === 'aor')
      return {
        kind: 'aor',
        aor: meaning.aor,
        renamed: false,
        askOverlay: false,
        path: 'gruu',
        fallback: undefined,
        mayLeave: false,
      }
    const held: readonly LocalBinding[] = meaning.bindings
    const bindings = this.components.front?.reachable(held) ?? held
    return bindings.length === 0 ? UNREGISTERED : { kind: 'instance', bindings, withPath }
  }

  private ownGruu(text: string): SipUri | undefined {
    const { identity } = this.components
    const uri = parseUri(text)
    if (uri === undefined || !identity.isHostedDomain(uri.host)) return undefined
    return identity.isOwnGr(uri.params.get('gr') ?? '') ? uri : undefined
  }
}

const NOBODY: GruuMeaning = { kind: 'unknown' }
