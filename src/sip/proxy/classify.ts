/** What an incoming request wants of us: the table of adapter-mapping s.4.1 from row 3 on, as a pure function. */
import { canonicalAor, parseUri, type SipMessage, type SipUri } from '../message/index.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { RouteDecision } from './route.ts'
import type { Hop } from '../transaction/hop.ts'

export type Wish =
  /** A route of ours says where to (row 3). */
  | {
      readonly kind: 'token'
      readonly hop: Hop
      readonly dialled: string | undefined
      readonly line: string | undefined
      readonly fromThisRun: boolean
    }
  | { readonly kind: 'badRoute'; readonly reason: string }
  /** Another Route remains (row 4): a node of the overlay … */
  | { readonly kind: 'routeToPeer'; readonly address: string; readonly secure: boolean }
  /** … or a host. */
  | { readonly kind: 'routeToHost'; readonly uri: string }
  /** Our own address without a user (row 7). */
  | { readonly kind: 'self' }
  /** An overlay GRUU (row 8); `own` when it names this node, or none. */
  | {
      readonly kind: 'gruu'
      readonly gr: string
      readonly own: boolean
      readonly aor: string | undefined
      readonly uri: SipUri
      readonly secure: boolean
    }
  | {
      readonly kind: 'aor'
      readonly aor: string
      /** The Request-URI does not say so: nobody else would read it as this AOR. */
      readonly renamed?: boolean
      /** The Request-URI is the Contact of a phone of that user, in a call that is up. */
      readonly inCall?: boolean
      /** Who is called when nobody has that AOR. */
      readonly otherwise?: string | undefined
    }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'refuse'; readonly status: number; readonly reason: string }

const NOT_FOUND: Wish = { kind: 'refuse', status: 404, reason: 'Not Found' }

export function classify(message: SipMessage, route: RouteDecision, identity: OwnIdentity): Wish {
  const { token } = route
  if (token?.kind === 'forged') return { kind: 'badRoute', reason: 'Forged Route' }
  // Nobody is asked who he is with such a route (S-24): with it a call would go wherever the one has come from that it was made for.
  if (token?.ofCall === true && !message.to.params.has('tag'))
    return { kind: 'badRoute', reason: 'Route Of Another Call' }
  if (token !== undefined) {
    const { hop, dialled, line, fromThisRun } = token
    return { kind: 'token', hop, dialled, line, fromThisRun }
  }
  const next = route.routes[0]
  if (next !== undefined) return routed(next.uri, identity)
  const uri = route.requestUri === message.requestUri ? message.uri : parseUri(route.requestUri)
  if (uri === undefined) return { kind: 'refuse', status: 400, reason: 'Bad Request-URI' }
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') {
    // A number is an AOR of the domain for numbers (row 10); any other scheme has none.
    const aor = canonicalAor(uri, identity.aorRules)
    if (aor.ok) return { kind: 'aor', aor: aor.value, renamed: true }
    return aor.error === 404 ? NOT_FOUND : { kind: 'refuse', status: 416, reason: 'Unsupported URI Scheme' }
  }
  const hosted = identity.isHostedDomain(uri.host)
  if (uri.user === undefined) return hosted || identity.isOwn(uri) ? { kind: 'self' } : { kind: 'foreign' }
  const gr = uri.params.get('gr')
  if (gr !== undefined && (hosted || uri.host === identity.peer?.overlay)) {
    const aor = canonicalAor(uri)
    // Without a value it names no node (adapter-mapping s.4.5): only this one can know it.
    const own = gr === '' || identity.isOwnGr(gr)
    return { kind: 'gruu', gr, own, aor: aor.ok ? aor.value : undefined, uri, secure: uri.scheme === 'sips' }
  }
  if (hosted) {
    // S3261-16.4-02: with our own maddr the port is ours too, not the AOR's.
    const maddr = uri.params.get('maddr')
    const named = maddr !== undefined && identity.isOwnHost(maddr) ? { ...uri, port: undefined } : uri
    const aor = canonicalAor(named, identity.aorRules)
    return aor.ok
      ? { kind: 'aor', aor: aor.value }
      : { kind: 'refuse', status: aor.error, reason: 'Not Found' }
  }
  // A user at our bare address is nobody: an address is no hosted domain, and asking outside would come back.
  if (identity.isOwn(uri)) return NOT_FOUND
  return { kind: 'foreign' }
}

function routed(text: string, identity: OwnIdentity): Wish {
  const uri = parseUri(text)
  if (uri === undefined || (uri.scheme !== 'sip' && uri.scheme !== 'sips')) {
    return { kind: 'refuse', status: 400, reason: 'Bad Route' }
  }
  const secure = uri.scheme === 'sips'
  const overlay = identity.peer?.overlay
  const gr = uri.params.get('gr')
  if (overlay !== undefined && gr !== undefined && gr !== '' && uri.host === overlay) {
    return { kind: 'routeToPeer', address: `gr:${gr}`, secure }
  }
  if (overlay !== undefined && uri.host.endsWith(`.${overlay}`)) {
    const hex = uri.host.slice(0, -overlay.length - 1)
    if (/^[0-9a-f]{32,40}$/.test(hex)) return { kind: 'routeToPeer', address: `node:${hex}`, secure }
  }
  return { kind: 'routeToHost', uri: text }
}
