/** What becomes of a new request that is not REGISTER, ACK or CANCEL: adapter-mapping s.4.1 in its order, s.4.4, s.6. */
import type { Now } from '../../common/time.ts'
import {
  classify,
  decideRoute,
  NO_IDENTITY,
  type CallMeter,
  type ClientUser,
  type ForkContext,
  type Goal,
  type OwnIdentity,
  type Proxy,
  type ProxyRequest,
  type RouteDecision,
  type RouteTokens,
  type Wish,
} from '../proxy/index.ts'
import { buildResponse, type SipMessage } from '../message/index.ts'
import { withoutClaim, type Front, type Handover } from '../engine/index.ts'
import type { Redirector } from '../redirect/index.ts'
import {
  isUnanswered,
  type IncomingRequest,
  type ServerTransaction,
  type Transactions,
} from '../transaction/index.ts'
import { Admission, type Admitted } from './admission.ts'
import type { Callers } from './caller.ts'
import type { CallerChecks, CallerWord } from './caller-checks.ts'
import type { SipSettings } from './contract.ts'
import type { Errands } from './errands.ts'
import { keepAnswered } from './keep-alives.ts'
import type { MergedRequests } from './merged-requests.ts'
import type { RegEvents } from './reg-events.ts'
import type { HeldRequest, HeldRequests } from './held-requests.ts'
import type { PeerAdmission } from './peer-admission.ts'
import { Redirections, type RedirectTicket } from './redirections.ts'
import type { Replies, Reply } from './replies.ts'
import type { SourceLimit } from './source-limit.ts'
import { asksForLine, calledUser } from '../trunk/index.ts'
import { answerAsTarget, extensionsOf, MERGED, NO_EVENTS } from './uas.ts'

export interface RouterComponents {
  readonly front: Front | undefined
  readonly identity: OwnIdentity
  readonly tokens: RouteTokens
  readonly callers: Callers
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly replies: Replies
  readonly proxy: Proxy
  readonly redirector: Redirector<RedirectTicket>
  readonly meter: CallMeter
  readonly callerChecks: CallerChecks<HeldRequest>
  readonly peerAdmission: PeerAdmission
  readonly held: HeldRequests
  readonly merged: MergedRequests
  readonly errands: Errands
  /** Undefined where no phone registers. */
  readonly regEvents: RegEvents | undefined
  readonly sources: SourceLimit
  /** 503 with Retry-After. */
  overloaded(reason: string): Reply
}

const SELF: Wish = { kind: 'self' }
const NOBODY_CALLED: Wish = { kind: 'refuse', status: 404, reason: 'Not Found' }

const NOT_FOUND: Reply = { status: 404, reason: 'Not Found' }
const FLOW_FAILED: Reply = { status: 430, reason: 'Flow Failed' }
const FLOW_GONE: Reply = { status: 480, reason: 'Flow Gone' }

const DIALOG_FORMING: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export class Router {
  private readonly components: RouterComponents
  private readonly settings: SipSettings
  private readonly extensions: readonly string[]
  private readonly admission: Admission
  private readonly redirections: Redirections

  constructor(components: RouterComponents, settings: SipSettings) {
    this.components = components
    this.settings = settings
    this.extensions = extensionsOf(settings.roles)
    this.admission = new Admission(components)
    const { admission } = this
    this.redirections = new Redirections({
      ...components,
      admission,
      ignore: (incoming) => this.ignore(incoming),
    })
  }

  /** Requests that begin something, which a node that is leaving does not take. */
  beginsDialog(incoming: IncomingRequest): boolean {
    const { message } = incoming
    return DIALOG_FORMING.has(message.method) && !message.to.params.has('tag')
  }

  request(now: Now, key: string, incoming: IncomingRequest): void {
    const { message, source } = incoming
    const { tokens, replies, front } = this.components
    const side = source.transport === 'peer' ? 'north' : 'south'
    const handover = side === 'south' && !isAsked(incoming) ? front?.take(message) : undefined
    if (handover !== undefined) {
      this.handedOver(now, key, incoming, handover)
      return
    }
    const identity = this.identityTowards(incoming)
    const route = decideRoute(message, identity, tokens)
    const wish = this.wishOf(incoming, side, classify(message, route, identity))
    const { proxy, redirect } = this.settings.roles
    const off = isAsked(incoming) ? front?.routeRefusal(wish) : undefined
    if (this.components.regEvents?.takes(message, wish) === true) {
      if (isAsked(incoming) && front?.capabilities.subscriptions === false)
        replies.begin(now.ms, key, incoming, NO_EVENTS)
      else this.components.regEvents.request(now, key, incoming, wish)
    } else if (wish.kind === 'self' || endsHere(message)) {
      const merged = this.components.merged.isMerged(now.ms, message, key)
      const reply = merged ? MERGED : answerAsTarget(message, this.extensionsTowards(incoming))
      replies.refuse(now.ms, key, incoming, reply)
    } else if (off !== undefined) {
      replies.refuse(now.ms, key, incoming, off)
    } else if (wish.kind === 'refuse') {
      replies.refuse(now.ms, key, incoming, wish)
    } else if (proxy) {
      const admission = this.admission.judge(now, incoming, side, wish, this.extensionsTowards(incoming))
      if (admission.kind === 'refused') replies.stateless(incoming, admission.reply)
      else if (admission.kind === 'waiting') this.hold(now, key, incoming, route, wish, admission.key)
      else if (admission.kind === 'admitted') this.forward(now, key, incoming, side, route, wish, admission)
      else this.ignore(incoming)
    } else if (redirect) {
      this.redirections.request(now, key, incoming, side, wish)
    } else {
      replies.refuse(now.ms, key, incoming, NOT_FOUND)
    }
  }

  /** What a call of a trunk wants is told by its number (adapter-mapping s.1.1), wherever its URI leads. */
  private wishOf(incoming: IncomingRequest, side: ProxyRequest['side'], wish: Wish): Wish {
    if (side === 'north') return this.inCall(incoming, wish)
    if (isAsked(incoming)) return wish
    if (wish.kind !== 'aor' && wish.kind !== 'foreign' && wish.kind !== 'refuse') return wish
    const trunk = this.components.callers.trunk(incoming)
    if (trunk === undefined || (wish.kind === 'refuse' && wish.status !== 404)) return wish
    const { identity, proxy } = this.components
    const rules = {
      aorRules: identity.aorRules,
      domain: this.settings.domains[0] ?? '',
      isHostedDomain: (host: string) => identity.isHostedDomain(host),
      hostsUser: (aor: string) => proxy.hostsUser(aor),
    }
    if (asksForLine(incoming.message, trunk, rules)) return SELF
    const { aor, otherwise } = calledUser(incoming.message, trunk, rules)
    return aor === undefined ? NOBODY_CALLED : { kind: 'aor', aor, otherwise, renamed: true }
  }

  /** A request of a call whose own peer is gone, for a phone that is registered here, too (docs/adr/0024): as good as its AOR. */
  private inCall({ message, arrivedAt }: IncomingRequest, wish: Wish): Wish {
    const strange = wish.kind === 'foreign' || (wish.kind === 'gruu' && !wish.own)
    if (!strange || !message.to.params.has('tag') || message.has('route')) return wish
    const to = this.components.identity.aorOf(message.to)
    if (!to.ok || !this.components.proxy.hasPhone(arrivedAt, to.value, message.requestUri)) return wish
    return { kind: 'aor', aor: to.value, inCall: true }
  }

  /** An ACK that belongs to no transaction: sent on where a token of ours says so, dropped otherwise. */
  ack(incoming: IncomingRequest): void {
    const { message, source } = incoming
    if (!this.settings.roles.proxy || message.maxForwards === 0) return
    const side = source.transport === 'peer' ? 'north' : 'south'
    const { identity, tokens, errands } = this.components
    const route = decideRoute(message, identity, tokens)
    const wish = this.wishOf(incoming, side, classify(message, route, identity))
    if (wish.kind !== 'token' && (wish.kind !== 'aor' || wish.inCall !== true)) return
    if (!this.components.sources.passes(incoming.arrivedAt, incoming)) return
    const goal = errands.of(incoming.arrivedAt, incoming, side, route, wish, false)
    if (goal !== undefined && goal.kind !== 'answer')
      this.components.proxy.forwardStateless({ incoming, side, route, goal, caller: NO_IDENTITY })
  }

  /**
   * RFC 3261 s.16.10: a CANCEL that matches nothing is sent on without a transaction where its next hop is certain, which
   * a token makes it; with any other Route it would be a relay for strangers.
   */
  cancelByRoute(incoming: IncomingRequest): boolean {
    const { message, source } = incoming
    if (!this.settings.roles.proxy || message.maxForwards === 0) return false
    const route = decideRoute(message, this.components.identity, this.components.tokens)
    const wish = classify(message, route, this.components.identity)
    const goal = wish.kind === 'token' ? this.components.errands.byToken(incoming, wish, route) : undefined
    if (goal === undefined || goal.kind === 'answer') return false
    if (!this.components.sources.passes(incoming.arrivedAt, incoming)) return true
    const side = source.transport === 'peer' ? 'north' : 'south'
    this.components.proxy.forwardStateless({ incoming, side, route, goal, caller: NO_IDENTITY })
    return true
  }

  /** The overlay is asked who calls; meanwhile the request has a transaction, and its caller learns that we have it. */
  private hold(
    now: Now,
    key: string,
    incoming: IncomingRequest,
    route: RouteDecision,
    wish: Wish,
    question: string,
  ): void {
    const { transactions, callerChecks, replies, held, overloaded } = this.components
    const { message, topVia } = incoming
    const server = transactions.accept(key, message.method, incoming.replyTo)
    const request: HeldRequest = { incoming, route, wish, server }
    if (!callerChecks.wait(question, request)) {
      replies.send(now.ms, server, incoming, overloaded('Too Many Requests'))
      return
    }
    held.hold(request)
    if (message.method !== 'INVITE') return
    const trying = buildResponse(message, 100, 'Trying', { topVia, copyTimestamp: true })
    transactions.answer(now.ms, server, 100, trying)
  }

  /** The overlay has answered, or has not. */
  resume(now: Now, requests: readonly HeldRequest[], answer: CallerWord): void {
    const { held, peerAdmission, replies } = this.components
    for (const request of requests) {
      const { incoming, route, wish, server } = request
      // E56: it has been answered since, with 500.
      if (!isUnanswered(server)) {
        held.release(request)
        continue
      }
      if (!held.release(request)) {
        replies.send(now.ms, server, incoming, { status: 487, reason: 'Request Terminated' })
        continue
      }
      const admission = peerAdmission.judge(now.ms, incoming, wish, answer)
      if (admission.kind === 'admitted')
        this.forward(now, server.key, incoming, 'north', route, wish, admission, server)
      else if (admission.kind === 'refused') replies.send(now.ms, server, incoming, admission.reply)
    }
  }

  /** `held` is the transaction of a request that has waited. */
  private forward(
    now: Now,
    key: string,
    incoming: IncomingRequest,
    side: ProxyRequest['side'],
    route: RouteDecision,
    wish: Wish,
    { identity: caller, mayLeave }: Extract<Admitted, { kind: 'admitted' }>,
    held?: ServerTransaction<ForkContext>,
  ): void {
    const { transactions, proxy, replies, errands, front } = this.components
    const goal = errands.of(now.ms, incoming, side, route, wish, mayLeave)
    const { question } = incoming
    if (front !== undefined && question !== undefined && goal !== undefined && goal.kind !== 'answer') {
      front.searching(question, proxy.search(now.ms, { incoming, side, route, goal, caller }, front))
      return
    }
    if (goal !== undefined && goal.kind !== 'answer') {
      const server = held ?? transactions.accept(key, incoming.message.method, incoming.replyTo)
      const kept = side === 'south' ? this.keptAlive(incoming) : incoming
      proxy.forward(now.ms, { incoming: kept, side, route, goal, caller }, server)
      return
    }
    // S-5.3-01: a phone is told that its own flow is gone; to others the user is just not there.
    const reply = goal?.reply ?? (side === 'south' ? FLOW_FAILED : FLOW_GONE)
    if (held === undefined) replies.refuse(now.ms, key, incoming, reply)
    else replies.send(now.ms, held, incoming, reply)
  }

  /** RFC 6223 s.4.4: for the time of a call that goes through here, too; the phone finds the answer in its own Via. */
  private keptAlive(incoming: IncomingRequest): IncomingRequest {
    const { message } = incoming
    const { flowTimerS = 0 } = this.settings
    if (flowTimerS === 0 || message.method !== 'INVITE' || message.to.params.has('tag')) return incoming
    const topVia = keepAnswered(incoming, flowTimerS)
    return topVia === undefined ? incoming : { ...incoming, topVia }
  }

  /** Decided when the engine in front asked about it, and admitted then. */
  private handedOver(now: Now, key: string, brought: IncomingRequest, handover: Handover): void {
    const incoming = { ...brought, message: withoutClaim(brought.message) }
    const { transactions, proxy, identity, tokens, sources } = this.components
    sources.proven(now.ms, incoming.source)
    const server = transactions.accept(key, incoming.message.method, incoming.replyTo)
    const { targets, path, caller } = handover
    const route = decideRoute(incoming.message, identity, tokens)
    const goal: Goal = { kind: 'targets', targets, path }
    proxy.forward(now.ms, { incoming, side: 'south', route, goal, caller }, server)
  }

  /** What is not worth an answer; the engine in front waits for one all the same. */
  private ignore(incoming: IncomingRequest): void {
    if (isAsked(incoming))
      this.components.replies.stateless(incoming, this.components.overloaded('Too Many Requests'))
  }

  private identityTowards(incoming: IncomingRequest): OwnIdentity {
    const { front, identity } = this.components
    return isAsked(incoming) && front !== undefined ? front.identity : identity
  }

  private extensionsTowards(incoming: IncomingRequest): readonly string[] {
    const { front } = this.components
    return isAsked(incoming) && front !== undefined ? front.extensions(this.extensions) : this.extensions
  }
}

/**
 * RFC 3261 s.16.3 item 3: an OPTIONS that may go no further is answered here. Not one of a call: that nobody here is party to it says nothing
 * of the call.
 */
function endsHere({ method, maxForwards, to }: SipMessage): boolean {
  return method === 'OPTIONS' && maxForwards === 0 && !to.params.has('tag')
}

/** The engine in front asks; nothing has been received here. */
function isAsked(incoming: IncomingRequest): boolean {
  return incoming.question !== undefined
}
