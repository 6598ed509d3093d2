/** Route processing of RFC 3261 s.16.4: which of the routes are ours, what the token of the last one says, what is left. */
import { formatUri, parseUri, type NameAddr, type SipMessage, type SipUri } from '../message/index.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { OpenedToken, RouteTokens } from './route-token.ts'
import { requestUriOf, withoutHops } from './target-kinds.ts'

export interface RouteDecision {
  /** Request-URI after repair of what a strict router did to it, and without a `maddr` of ours and the port of ours behind a domain of ours. */
  readonly requestUri: string
  /** Routes that remain, in order. */
  readonly routes: readonly NameAddr[]
  /** Something of ours was taken away, so the Route header must be written anew. */
  readonly changed: boolean
  /** Token of the last own route; undefined when there was none. */
  readonly token: OpenedToken | undefined
}

/** The user part of an own URI that carries a token; a route by our plain address has none. */
function tokenUser(uri: string, identity: OwnIdentity): string | undefined {
  const parsed = parseUri(uri)
  if (parsed === undefined || parsed.user === undefined || parsed.user === '' || !parsed.params.has('lr')) {
    return undefined
  }
  return identity.isOwn(parsed) ? parsed.user : undefined
}

export function decideRoute(message: SipMessage, identity: OwnIdentity, tokens: RouteTokens): RouteDecision {
  let requestUri = message.requestUri
  if (message.header('route') === undefined) {
    requestUri = withoutOwnPort(allowedPart(requestUri, message.uri, identity), message, identity)
    return { requestUri, routes: NO_ROUTES, changed: false, token: undefined }
  }
  const routes = [...message.routes()]
  let changed = false
  let token: OpenedToken | undefined
  // A strict router put our Record-Route URI where the Request-URI was; the real one is the last Route. `lr` in a
  // Request-URI with an own token means just that.
  const repaired = tokenUser(requestUri, identity)
  const last = routes.at(-1)
  if (repaired !== undefined && last !== undefined && tokens.open(repaired, message.callId).kind === 'hop') {
    token = tokens.open(repaired, message.callId)
    requestUri = last.uri
    routes.pop()
    changed = true
  }
  requestUri = allowedPart(requestUri, uriOf(requestUri, message), identity)
  for (let first = routes[0]; first !== undefined; first = routes[0]) {
    const uri = parseUri(first.uri)
    if (uri === undefined || !identity.isOwn(uri)) break
    if (uri.user !== undefined && uri.user !== '') token = tokens.open(uri.user, message.callId)
    routes.shift()
    changed = true
    if (token?.kind === 'forged') break
  }
  // In a call the Request-URI is the other phone's own.
  if (routes.length === 0 && token === undefined) requestUri = withoutOwnPort(requestUri, message, identity)
  return { requestUri, routes, changed, token }
}

/**
 * S3261-16.6-02: what has no place in a Request-URI goes no further. S3261-16.4-02: nor does what has led the request here, or it would be sent
 * here once more.
 */
function allowedPart(requestUri: string, uri: SipUri | undefined, identity: OwnIdentity): string {
  if (uri === undefined) return requestUri
  return identity.isOwnMaddr(uri) ? withoutHops({ uri, requestUri }) : requestUriOf(uri)
}

/**
 * M-02: the AOR as every other peer reads it. NIST's stack for Java adds the port of its server to the Request-URI of what it sends again
 * with credentials.
 */
function withoutOwnPort(requestUri: string, message: SipMessage, identity: OwnIdentity): string {
  const uri = uriOf(requestUri, message)
  const plain = uri === undefined ? undefined : identity.withoutOwnPort(uri)
  return plain === undefined || plain === uri ? requestUri : formatUri(plain)
}

function uriOf(requestUri: string, message: SipMessage): SipUri | undefined {
  return requestUri === message.requestUri ? message.uri : parseUri(requestUri)
}

const NO_ROUTES: readonly NameAddr[] = []
