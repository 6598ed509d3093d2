/** The request as it goes out on a branch (RFC 3261 s.16.6, adapter-mapping s.4.3). Everything else is copied through. */
import { Edit, parseDigest, parseUri, repairIpv6, type SipMessage } from '../message/index.ts'
import { isReliable, type Hop } from '../transaction/hop.ts'
import { writeIdentity, type CallerIdentity } from './caller-identity.ts'
import type { Credentials } from './lines.ts'
import type { OwnIdentity } from './own-identity.ts'
import { leaveOut } from './left-out.ts'
import type { RouteTokens } from './route-token.ts'
import { askFor, type SessionTimer } from './session-timer.ts'
import { isSips } from './sips.ts'

/** Methods that a target refresh or dialog never follows, and those that live inside a dialog (M-19). */
const NOT_RECORD_ROUTED: ReadonlySet<string> = new Set([
  'ACK',
  'BYE',
  'CANCEL',
  'INFO',
  'MESSAGE',
  'OPTIONS',
  'PRACK',
  'PUBLISH',
  'REGISTER',
  'UPDATE',
])

export interface Forwarding {
  readonly message: SipMessage
  readonly requestUri: string
  /** The Route header as it shall be; undefined leaves it as it came. */
  readonly routes: readonly string[] | undefined
  /** Where the request came from, for the Record-Route of that side; undefined means none. */
  readonly recordRouteTo: Hop | undefined
  /** Trunk that it came by. */
  readonly lineFrom?: string | undefined
  /** Trunk that it goes to. */
  readonly line?: string | undefined
  /** Path value to put on top (RFC 3327 s.5.2). */
  readonly path?: string | undefined
  /** Where requests inside the dialog go on the other side; the hop itself but for large requests. */
  readonly dialogHop: Hop
  /** Max-Breadth to write; undefined where it does not matter. */
  readonly breadth: number | undefined
  /** The top Via with `received` and `rport`; undefined leaves it as it came. */
  readonly topVia: string | undefined
  /** Realm whose credentials end here. */
  readonly realm: string
  readonly caller: CallerIdentity
  /** Marks of phones that the next node shall not ring. */
  readonly leftOut?: readonly string[] | undefined
  /** For the trunk that it goes to. */
  readonly credentials: Credentials | undefined
  /** What is asked of it as a session refresh request. */
  readonly timer?: SessionTimer | undefined
}

export function isRecordRouted(message: SipMessage): boolean {
  return !NOT_RECORD_ROUTED.has(message.method) && !message.to.params.has('tag')
}

/** The bytes for `hop`. */
export function forwardedBytes(
  forwarding: Forwarding,
  hop: Hop,
  branch: string,
  identity: OwnIdentity,
  tokens: RouteTokens,
): Uint8Array {
  const { message } = forwarding
  const edit = new Edit(message)
  let uri = forwarding.requestUri
  let routes = forwarding.routes
  const first = routes?.[0] ?? (routes === undefined ? message.header('route') : undefined)
  if (first !== undefined && !hasLooseRouting(first)) {
    // RFC 3261 s.16.6 item 6: the next hop is a strict router, it wants itself in the Request-URI.
    const all = routes ?? message.values('route')
    routes = [...all.slice(1), `<${uri}>`]
    uri = uriOf(first)
  }
  if (uri.indexOf(':::') >= 0) uri = withRepairedHost(uri)
  if (uri !== message.requestUri) edit.requestUri(uri)
  if (routes !== undefined) {
    edit.remove('route')
    for (let i = routes.length - 1; i >= 0; i--) edit.prepend('route', routes[i] as string)
  }
  // RFC 4475 s.3.1.2.15: a name that is taken as it is meant does not go on as it was written.
  if (message.from.quoted !== undefined) edit.set('from', message.from.quoted)
  if (message.to.quoted !== undefined) edit.set('to', message.to.quoted)
  edit.decrementMaxForwards()
  if (forwarding.breadth !== undefined) edit.set('max-breadth', String(forwarding.breadth))
  if (message.header('proxy-authorization') !== undefined) dropOwnCredentials(message, forwarding.realm, edit)
  if (forwarding.credentials !== undefined)
    edit.append(forwarding.credentials.header, forwarding.credentials.value)
  writeIdentity(edit, forwarding.caller)
  if (forwarding.timer?.kind === 'asked') askFor(forwarding.timer, edit)
  if (forwarding.leftOut !== undefined)
    for (const mark of forwarding.leftOut) edit.append('reject-contact', leaveOut(mark))
  if (isReliable(hop)) edit.ensureContentLength()
  if (forwarding.topVia !== undefined) edit.replaceTopVia(forwarding.topVia)
  if (forwarding.recordRouteTo !== undefined) {
    const { callId } = message
    const { recordRouteTo, dialogHop, lineFrom, line } = forwarding
    const sips = isSips(uri) || (first !== undefined && isSips(uriOf(first)))
    for (const [side, contact, trunk] of [
      [recordRouteTo, message.header('contact'), lineFrom],
      [dialogHop, uri, line],
    ] as const)
      edit.prepend(
        'record-route',
        identity.recordRoute(side, tokens.seal(side, callId, trunk), sips, contact),
      )
  }
  if (forwarding.path !== undefined) edit.prepend('path', forwarding.path)
  edit.prepend('via', identity.via(hop, branch))
  return edit.toBytes()
}

/** RFC 3261 s.22.3: credentials for our realm have done their work; others stay. */
function dropOwnCredentials(message: SipMessage, realm: string, edit: Edit): void {
  const all = message.headers('proxy-authorization')
  const others = all.filter((value) => parseDigest(value)?.get('realm') !== realm)
  if (others.length === all.length) return
  edit.remove('proxy-authorization')
  for (let i = others.length - 1; i >= 0; i--) edit.prepend('proxy-authorization', others[i] as string)
}

/** S5118-4-02: what is tolerated coming in does not go out. */
function withRepairedHost(uri: string): string {
  const host = uri.indexOf('[')
  return host < 0 ? uri : uri.slice(0, host) + repairIpv6(uri.slice(host))
}

/** The URI inside a Route value. */
export function uriOf(route: string): string {
  const open = route.indexOf('<')
  const close = route.indexOf('>', open)
  return open >= 0 && close > open ? route.slice(open + 1, close) : route
}

function hasLooseRouting(route: string): boolean {
  return parseUri(uriOf(route))?.params.has('lr') ?? true
}
