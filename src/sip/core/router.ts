/** What becomes of a new request that is not REGISTER, ACK or CANCEL: adapter-mapping s.4.1 in its order, s.4.4, s.6. */
import type { Now } from '../../common/time.ts'
import {
  callerPreferences,
  classify,
  decideRoute,
  NO_IDENTITY,
  type Branch,
  type CallerIdentity,
  type ForkContext,
  type Goal,
  type OwnIdentity,
  type Proxy,
  type ProxyRequest,
  type RouteDecision,
  type RouteTokens,
  type Wish,
} from '../proxy/index.ts'
import type { CallMeter } from '../proxy/index.ts'
import { buildResponse, canonicalAor, type SipMessage, type SipUri } from '../message/index.ts'
import { withoutClaim, type Front, type Handover } from '../engine/index.ts'
import type { Redirector } from '../redirect/index.ts'
import type { IncomingRequest, ServerTransaction, Transactions } from '../transaction/index.ts'
import type { ChallengeKind } from './authenticator.ts'
import type { Caller, Callers } from './caller.ts'
import type { CallerChecks } from './caller-checks.ts'
import { believedIdentity, phoneIdentity } from './caller-identity.ts'
import type { SipSettings } from './contract.ts'
import type { Errands } from './errands.ts'
import { keepAnswered } from './keep-alives.ts'
import type { Flows } from './flows.ts'
import type { MergedRequests } from './merged-requests.ts'
import type { RegEvents } from './reg-events.ts'
import type { HeldRequest, HeldRequests } from './held-requests.ts'
import { NO_RELAY, type PeerAdmission, type PeerAdmissionOutcome } from './peer-admission.ts'
import type { Replies, Reply } from './replies.ts'
import type { SourceLimit } from './source-limit.ts'
import { calledUser } from '../trunk/index.ts'
import { answerAsTarget, extensionsOf, MERGED, NO_EVENTS, unsupported } from './uas.ts'

/** What the redirect server hands back with its answer. */
export interface RedirectTicket {
  readonly incoming: IncomingRequest
  readonly server: ServerTransaction<ForkContext>
}

export interface RouterComponents {
  readonly front: Front | undefined
  readonly identity: OwnIdentity
  readonly tokens: RouteTokens
  readonly flows: Flows
  readonly callers: Callers
  readonly transactions: Transactions<ForkContext, Branch>
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

/** `ignored`: its source has asked for more than it is worth answering. */
type Refused = { readonly kind: 'refused'; readonly reply: Reply } | { readonly kind: 'ignored' }

/** Who a request that may be forwarded says its caller is, and whether it may leave the overlay; or why it may not go on. */
type Admission =
  { readonly kind: 'admitted'; readonly identity: CallerIdentity; readonly mayLeave: boolean } | Refused

/** A phone of ours whose account is not for that. */
const NOT_OUTSIDE: Reply = { status: 403, reason: 'Calls Outside Not Allowed' }

/** RFC 5627 s.6.2. */
const NOT_YOURS: Reply = { status: 403, reason: 'Contact Is Not Yours' }

const NOBODY_CALLED: Wish = { kind: 'refuse', status: 404, reason: 'Not Found' }

const DIALOG_FORMING: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export class Router {
  private readonly components: RouterComponents
  private readonly settings: SipSettings
  private readonly extensions: readonly string[]

  constructor(components: RouterComponents, settings: SipSettings) {
    this.components = components
    this.settings = settings
    this.extensions = extensionsOf(settings.roles)
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
        this.respond(now, key, incoming, NO_EVENTS)
      else this.components.regEvents.request(now, key, incoming, wish)
    } else if (wish.kind === 'self' || (message.method === 'OPTIONS' && message.maxForwards === 0)) {
      const merged = this.components.merged.isMerged(now.ms, message, key)
      const reply = merged ? MERGED : answerAsTarget(message, this.extensionsTowards(incoming))
      this.respond(now, key, incoming, reply)
    } else if (off !== undefined) {
      this.respond(now, key, incoming, off)
    } else if (wish.kind === 'refuse') {
      this.respond(now, key, incoming, wish)
    } else if (proxy) {
      const admission = this.admit(now, incoming, side, wish)
      if (admission.kind === 'refused') replies.stateless(incoming, admission.reply)
      else if (admission.kind === 'waiting') this.hold(now, key, incoming, route, wish, admission.key)
      else if (admission.kind === 'admitted') this.forward(now, key, incoming, side, route, wish, admission)
      else this.ignore(incoming)
    } else if (redirect) {
      this.redirect(now, key, incoming, side, wish)
    } else {
      this.respond(now, key, incoming, { status: 404, reason: 'Not Found' })
    }
  }

  /** What a call of a trunk wants is told by its number (adapter-mapping s.1.1), wherever its URI leads. */
  private wishOf(incoming: IncomingRequest, side: ProxyRequest['side'], wish: Wish): Wish {
    if (side === 'north') return this.inCall(incoming, wish)
    if (isAsked(incoming)) return wish
    if (wish.kind !== 'aor' && wish.kind !== 'foreign' && wish.kind !== 'refuse') return wish
    const trunk = this.components.callers.trunk(incoming.source)
    if (trunk === undefined || (wish.kind === 'refuse' && wish.status !== 404)) return wish
    const { identity } = this.components
    const rules = {
      aorRules: identity.aorRules,
      domain: this.settings.domains[0] ?? '',
      isHostedDomain: (host: string) => identity.isHostedDomain(host),
    }
    const { aor, otherwise } = calledUser(incoming.message, trunk, rules)
    return aor === undefined ? NOBODY_CALLED : { kind: 'aor', aor, otherwise, renamed: true }
  }

  /** A request of a call whose own peer is gone, for a phone that is registered here, too (docs/adr/0024): as good as its AOR. */
  private inCall({ message, arrivedAt }: IncomingRequest, wish: Wish): Wish {
    const strange = wish.kind === 'foreign' || (wish.kind === 'gruu' && !wish.own)
    if (!strange || !message.to.params.has('tag') || message.has('route')) return wish
    const to = canonicalAor(message.to.parsedUri ?? message.to.uri)
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
    const side = source.transport === 'peer' ? 'north' : 'south'
    this.components.proxy.forwardStateless({ incoming, side, route, goal, caller: NO_IDENTITY })
    return true
  }

  /** Whether a request may be forwarded, and as whose. */
  private admit(
    now: Now,
    incoming: IncomingRequest,
    side: ProxyRequest['side'],
    wish: Wish,
  ): Admission | PeerAdmissionOutcome {
    const { message, source } = incoming
    const { sources } = this.components
    if (message.maxForwards === 0) return refused({ status: 483, reason: 'Too Many Hops' })
    const extension = unsupported(message, 'proxy-require', this.extensionsTowards(incoming))
    if (extension !== undefined) return refused(extension)
    if (wish.kind === 'forgedToken') return refused({ status: 403, reason: wish.reason })
    // Sealed by us for this very Call-ID: the way into a dialog that has been let through. Nobody has proven to be its caller.
    if (wish.kind === 'token') {
      sources.inDialog(now.ms, source)
      return admitted(NO_IDENTITY, false)
    }
    const without = this.notForwarded(message, wish)
    if (side === 'north') {
      // Peers are no phones of ours: they reach users who are registered here (M-20), others only where this node is an exit.
      const admission = this.components.peerAdmission.judge(now.ms, incoming, wish)
      return without === undefined || admission.kind === 'refused' ? admission : refused(without)
    }
    const caller = this.caller(now, incoming, 'proxy')
    if (caller.kind === 'refused' || caller.kind === 'ignored') return caller
    const inside = wish.kind === 'aor' || wish.kind === 'gruu'
    // A Route to a node of the overlay, too: that one may let calls out, and asks only whether the caller is served here.
    if (!inside && !caller.mayCallOutside) return refused(caller.kind === 'ownPhone' ? NOT_OUTSIDE : NO_RELAY)
    if (without !== undefined) return refused(without)
    const { mayCallOutside } = caller
    if (caller.kind === 'trusted') return admitted(believedIdentity(message), mayCallOutside)
    if (caller.kind !== 'ownPhone') return admitted(NO_IDENTITY, mayCallOutside)
    if (this.showsOthersGruu(now, message, caller.aors)) return refused(NOT_YOURS)
    return admitted(phoneIdentity(message, caller.aors), mayCallOutside)
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
  resume(now: Now, requests: readonly HeldRequest[], answer: 'verified' | 'unverified'): void {
    const { held, peerAdmission, replies } = this.components
    for (const request of requests) {
      const { incoming, route, wish, server } = request
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

  /** RFC 5627 s.6.2: a GRUU in Contact has to be the caller's own. Nobody has proven anything where `aors` are empty. */
  private showsOthersGruu(now: Now, message: SipMessage, aors: readonly string[]): boolean {
    if (aors.length === 0 || !message.has('record-route')) return false
    const contacts = message.contacts()
    if (!contacts.ok || contacts.value === '*') return false
    return contacts.value.some(({ uri }) => {
      const user = this.components.errands.userOfContact(now.ms, uri)
      return user !== undefined && !aors.includes(user)
    })
  }

  private caller(now: Now, incoming: IncomingRequest, kind: ChallengeKind): Caller | Refused {
    const { callers, sources, overloaded } = this.components
    const caller = callers.identify(now, incoming, kind)
    if (caller.kind === 'ownPhone') sources.proven(now.ms, incoming.source)
    if (caller.kind !== 'stranger') return caller
    const judgement = sources.stranger(now.ms, incoming.source)
    if (judgement === 'taken') return caller
    return judgement === 'refused' ? refused(overloaded('Too Many Requests')) : { kind: 'ignored' }
  }

  /** What a user of ours cannot be asked; RFC 3903 s.6: there is no presence agent, and the phone of a user of ours is none either (adapter-mapping s.4.9). */
  private notForwarded(message: SipMessage, wish: Wish): Reply | undefined {
    if (wish.kind !== 'aor') return undefined
    const preferences = callerPreferences(message)
    if (preferences.kind === 'refused') return { status: 400, reason: preferences.reason }
    if (message.method !== 'PUBLISH') return undefined
    return this.components.proxy.hostsUser(wish.aor) ? NO_EVENTS : undefined
  }

  /** `held` is the transaction of a request that has waited. */
  private forward(
    now: Now,
    key: string,
    incoming: IncomingRequest,
    side: ProxyRequest['side'],
    route: RouteDecision,
    wish: Wish,
    { identity: caller, mayLeave }: Extract<Admission, { kind: 'admitted' }>,
    held?: ServerTransaction<ForkContext>,
  ): void {
    const { transactions, proxy, replies, errands, front } = this.components
    const goal = errands.of(now.ms, incoming, side, route, wish, mayLeave)
    const { question } = incoming
    if (front !== undefined && question !== undefined && goal !== undefined && goal.kind !== 'answer') {
      front.searching(question, proxy.search(now.ms, { incoming, side, route, goal, caller }, front))
      return
    }
    const server = held ?? transactions.accept(key, incoming.message.method, incoming.replyTo)
    if (goal?.kind === 'answer') {
      replies.send(now.ms, server, incoming, goal.reply)
      return
    }
    if (goal !== undefined) {
      const kept = side === 'south' ? this.keptAlive(incoming) : incoming
      proxy.forward(now.ms, { incoming: kept, side, route, goal, caller }, server)
      return
    }
    // S-5.3-01: a phone is told that its own flow is gone; to others the user is just not there.
    const gone =
      side === 'south' ? { status: 430, reason: 'Flow Failed' } : { status: 480, reason: 'Flow Gone' }
    replies.send(now.ms, server, incoming, gone)
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

  private redirect(
    now: Now,
    key: string,
    incoming: IncomingRequest,
    side: ProxyRequest['side'],
    wish: Wish,
  ): void {
    const { message } = incoming
    const { replies, transactions, redirector, meter, errands } = this.components
    if (message.to.params.has('tag')) {
      this.respond(now, key, incoming, { status: 481, reason: 'Call Does Not Exist' })
      return
    }
    if (wish.kind !== 'aor' && wish.kind !== 'gruu') {
      this.respond(now, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    let ownPhone = false
    if (side === 'south') {
      const caller = this.caller(now, incoming, 'www')
      if (caller.kind === 'ignored') {
        this.ignore(incoming)
        return
      }
      if (caller.kind === 'refused') {
        replies.stateless(incoming, caller.reply)
        return
      }
      ownPhone = caller.kind === 'ownPhone'
    }
    const { aor } = wish
    const moved = wish.kind === 'aor' ? errands.movedTo(wish.aor, false) : undefined
    if (moved !== undefined) {
      this.respond(now, key, incoming, moved)
      return
    }
    if (aor === undefined) {
      this.respond(now, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    const own = wish.kind === 'gruu' && wish.own ? errands.meaning(now.ms, wish.uri, aor) : undefined
    if (own?.kind === 'unknown') {
      this.respond(now, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    if (own?.kind === 'instance' && own.bindings.length === 0) {
      this.respond(now, key, incoming, { status: 480, reason: 'Temporarily Unavailable' })
      return
    }
    const gruu = wish.kind === 'gruu' && own?.kind !== 'aor' ? gruuParameters(wish.uri) : undefined
    if (message.method === 'INVITE') {
      const path = gruu === undefined ? errands.aorPath(now.ms, side, aor) : 'gruu'
      meter.attempts.add(`${path}|redirect`)
    }
    const server = transactions.accept(key, message.method, incoming.replyTo)
    redirector.request(now.ms, {
      message,
      aor,
      gruu,
      instance: own?.kind === 'instance' ? own.bindings : undefined,
      fromPeer: side === 'north',
      ownPhone,
      ticket: { incoming, server },
    })
  }

  private respond(now: Now, key: string, incoming: IncomingRequest, reply: Reply): void {
    const { transactions, replies } = this.components
    const server = transactions.accept(key, incoming.message.method, incoming.replyTo)
    replies.send(now.ms, server, incoming, reply)
  }
}

function refused(reply: Reply): Extract<Refused, { kind: 'refused' }> {
  return { kind: 'refused', reply }
}

function admitted(identity: CallerIdentity, mayLeave: boolean): Admission {
  return { kind: 'admitted', identity, mayLeave }
}

/** What makes a URI a GRUU and not the AOR, as it stands. */
function gruuParameters(uri: SipUri): string {
  let text = ''
  for (const name of ['gr', 'adi']) {
    const value = uri.params.get(name)
    if (value !== undefined) text += value === '' ? `;${name}` : `;${name}=${value}`
  }
  return text
}

/** The engine in front asks; nothing has been received here. */
function isAsked(incoming: IncomingRequest): boolean {
  return incoming.question !== undefined
}
