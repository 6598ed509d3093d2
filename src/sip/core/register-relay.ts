/**
 * REGISTERs for registrars elsewhere (RFC 3261 s.10.3 item 1): passed on to the domains that the operator names. This node is the edge
 * proxy of RFC 5626 s.5.1 then: a token in Path leads requests for the phone back over its flow.
 */
import type { Now } from '../../common/time.ts'
import { parseUri, type SipMessage } from '../message/index.ts'
import {
  decideRoute,
  NO_IDENTITY,
  type ClientUser,
  type ForkContext,
  type OwnIdentity,
  type Proxy,
  type RouteTokens,
} from '../proxy/index.ts'
import { listsOption, reachOf } from '../registrar/index.ts'
import type { IncomingRequest, Transactions } from '../transaction/index.ts'
import type { Replies, Reply } from './replies.ts'
import type { SourceLimit } from './source-limit.ts'
import { unsupported } from './uas.ts'

export interface RelayComponents {
  readonly identity: OwnIdentity
  readonly proxy: Proxy
  readonly replies: Replies
  readonly sources: SourceLimit
  readonly tokens: RouteTokens
  readonly transactions: Transactions<ForkContext, ClientUser>
  overloaded(reason: string): Reply
}

/** E25. */
const PATH_NEEDED: Reply = { status: 421, reason: 'Extension Required', headers: [['Require', 'path']] }
const EXTENSIONS: readonly string[] = ['path', 'outbound']

export class RegisterRelay {
  private readonly components: RelayComponents
  private readonly domains: ReadonlySet<string>

  /** `domains` in lower case. */
  constructor(components: RelayComponents, domains: readonly string[]) {
    this.components = components
    this.domains = new Set(domains)
  }

  /** A REGISTER of a phone for one of these domains. */
  takes({ message, source }: IncomingRequest): boolean {
    return source.transport !== 'peer' && message.uri !== undefined && this.domains.has(message.uri.host)
  }

  request(now: Now, key: string, incoming: IncomingRequest): void {
    const { message, source } = incoming
    const { identity, proxy, replies, sources, tokens, transactions, overloaded } = this.components
    const judgement = sources.stranger(now.ms, source)
    if (judgement === 'ignored') return
    const route = decideRoute(message, identity, tokens)
    const path = this.path(incoming)
    const refusal =
      (judgement === 'refused' ? overloaded('Too Many Requests') : undefined) ??
      (message.maxForwards === 0 ? { status: 483, reason: 'Too Many Hops' } : undefined) ??
      unsupported(message, 'proxy-require', EXTENSIONS) ??
      (route.routes.length > 0 || route.token !== undefined
        ? { status: 403, reason: 'No Relay' }
        : undefined) ??
      (path === 'needed' ? PATH_NEEDED : undefined)
    if (refusal !== undefined) {
      replies.stateless(incoming, refusal)
      return
    }
    const server = transactions.accept(key, 'REGISTER', incoming.replyTo)
    const goal = { kind: 'host', uri: message.requestUri } as const
    const request = { incoming, side: 'south', route, goal, caller: NO_IDENTITY } as const
    proxy.forward(now.ms, path === undefined || path === 'needed' ? request : { ...request, path }, server)
  }

  /**
   * The Path value to add; undefined where none is needed. RFC 5626 s.5.1: the first hop of a flow has to add one, and says `ob`. Without
   * `Supported: path` it must not (RFC 3327 s.5.2), so that such a phone can only be served when others reach it as well as we do.
   */
  private path(incoming: IncomingRequest): string | 'needed' | undefined {
    const { message, source } = incoming
    if (message.viaCount !== 1) return undefined
    if (listsOption(message, 'supported', 'path')) {
      const { identity, tokens } = this.components
      const uri = identity.recordRoute(source, tokens.sealFlow(source), message.uri?.scheme === 'sips')
      return uri.replace(/>$/, ';ob>')
    }
    return this.reachedOnlyHere(message, incoming) ? 'needed' : undefined
  }

  private reachedOnlyHere(message: SipMessage, { source }: IncomingRequest): boolean {
    const contacts = message.contacts()
    if (!contacts.ok || contacts.value === '*') return false
    return contacts.value.some(
      ({ uri, params }) => params.has('reg-id') || !reachOf(parseUri(uri), source, message).direct,
    )
  }
}
