/** REGISTER up to the registrar and back: adapter-mapping s.3.1 steps 2 to 7, then the answer (RFC 3261 s.10.3). */
import type { Due } from '../../common/due-list.ts'
import { Histogram, SECONDS_BUCKETS, Tally } from '../../common/instruments.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import type { ForkContext, OwnIdentity } from '../proxy/index.ts'
import {
  savedHeaders,
  type Binding,
  type Gruus,
  type RegisterOutcome,
  type RegisterRequest,
  type Registrar,
} from '../registrar/index.ts'
import type { IncomingRequest, ServerTransaction, Transactions, Unanswered } from '../transaction/index.ts'
import type { ClientUser } from '../proxy/index.ts'
import type { Authenticator } from './authenticator.ts'
import type { Callers } from './caller.ts'
import type { Account, Accounts, ForeignContact, RequestId, SipSettings } from './contract.ts'
import type { Flows } from './flows.ts'
import { isKeptByCrlf, keepAnswered } from './keep-alives.ts'
import type { MergedRequests } from './merged-requests.ts'
import type { Replies, Reply } from './replies.ts'
import type { Front } from '../engine/index.ts'
import type { GateLook, RegisterGate } from './register-gate.ts'
import type { SourceLimit } from './source-limit.ts'
import { extensionsOf, MERGED, OWN_METHODS, unsupported, unusableBody } from './uas.ts'

/** What the registrar hands back with its answer. */
export interface RegisterTicket {
  readonly incoming: IncomingRequest
  readonly server: ServerTransaction<ForkContext>
  /** Set while the answer waits for the overlay. */
  late: Due<Unanswered<ForkContext>> | undefined
}

export type RegisterResult = 'ok' | 'challenged' | 'rejected' | 'overload' | 'store_failed'

export interface RegisterComponents {
  readonly front: Front | undefined
  readonly gate: RegisterGate
  /** It says that it is of a phone that is registered here, and comes from where that phone is reached. */
  readonly isRegisteredPhone: (incoming: IncomingRequest) => boolean
  readonly accounts: Accounts
  readonly authenticator: Authenticator
  readonly callers: Callers
  readonly flows: Flows
  /** Undefined where nobody could find the way back: without an overlay. */
  readonly gruus: Gruus | undefined
  readonly identity: OwnIdentity
  readonly merged: MergedRequests
  readonly replies: Replies
  readonly sources: SourceLimit
  readonly transactions: Transactions<ForkContext, ClientUser>
  /** Where else a user is registered, answered by `foreignKnown`; undefined while the overlay is away. */
  askForeign(aor: string): { readonly id: RequestId; readonly budgetMs: Millis } | undefined
}

export class RegisterHandler {
  readonly results = new Tally(['ok', 'challenged', 'rejected', 'overload', 'store_failed'])
  readonly seconds = new Histogram(SECONDS_BUCKETS, ['initial', 'refresh'])
  private readonly components: RegisterComponents
  private readonly settings: SipSettings
  private readonly extensions: readonly string[]
  /** Queries that wait for what the overlay knows. */
  private readonly queries = new OpenQuestions<{
    readonly request: RegisterRequest<RegisterTicket>
    readonly outcome: RegisterOutcome
  }>()

  constructor(components: RegisterComponents, settings: SipSettings) {
    this.components = components
    this.settings = settings
    this.extensions = extensionsOf(settings.roles)
  }

  /** A REGISTER that matched no transaction. */
  request(now: Now, key: string, incoming: IncomingRequest, registrar: Registrar<RegisterTicket>): void {
    const { message, source } = incoming
    const refusal = this.refusal(incoming)
    if (refusal !== undefined) {
      this.refuse('rejected', incoming, refusal)
      return
    }
    let account: Account | undefined
    if (this.settings.auth === 'digest') account = this.components.callers.certified(message, source)
    // Before the challenge: one phone that is served costs less than two that are turned away with their credentials checked.
    const tight = this.components.gate.isTight(now.ms)
    if (this.settings.auth === 'digest' && account === undefined) {
      const claimed =
        tight && !this.components.isRegisteredPhone(incoming) ? this.claimedAor(message) : undefined
      if (claimed !== undefined && this.crowdedOut(now, incoming, claimed, 'claimed')) return
      const outcome = this.components.authenticator.check(now, incoming, 'www')
      if (outcome.kind === 'challenge') {
        this.refuse('challenged', incoming, { status: 401, reason: 'Unauthorized', headers: outcome.headers })
        return
      }
      if (outcome.kind === 'blocked') {
        this.refuse('rejected', incoming, { status: 403, reason: 'Too Many Failures' })
        return
      }
      account = outcome.account
    }
    this.components.sources.proven(now.ms, source)
    const aor = this.aor(message, account)
    if (typeof aor !== 'string') {
      this.refuse('rejected', incoming, aor)
      return
    }
    const look = this.settings.auth === 'digest' ? 'proven' : 'open'
    if (tight && registrar.bindings(aor).length === 0 && this.crowdedOut(now, incoming, aor, look)) return
    if (this.components.merged.isMerged(now.ms, message, key)) {
      this.refuse('rejected', incoming, MERGED)
      return
    }
    const { transactions } = this.components
    const server = transactions.accept(key, 'REGISTER', incoming.replyTo)
    const ticket: RegisterTicket = { incoming, server, late: undefined }
    const front = this.frontOf(incoming)
    const outbound = front?.capabilities.outbound ?? true
    // A call that goes to a Contact elsewhere leaves by the right of whoever has registered it.
    const elsewhere = !this.settings.roles.proxy || this.components.callers.mayCallOutside(account)
    registrar.register(now.ms, { aor, message, source, outbound, elsewhere, ticket })
    if (front === undefined) ticket.late = transactions.late.watch(now.ms, server, incoming)
  }

  /** The registrar is done with a request. */
  finished(now: Now, request: RegisterRequest<RegisterTicket>, outcome: RegisterOutcome): void {
    if (this.settings.queryScope === 'overlay' && outcome.kind === 'saved' && outcome.plan.kind === 'query') {
      const asked = this.components.askForeign(request.aor)
      if (asked !== undefined) {
        this.queries.ask(asked.id, { request, outcome }, now.ms + asked.budgetMs)
        return
      }
    }
    this.answer(now, request, outcome, undefined)
  }

  nextDeadline(): Millis {
    return this.queries.nextDeadline()
  }

  /** Queries for which the overlay has no answer in time are answered with what is known here. */
  expire(now: Now): void {
    for (let query = this.queries.overdue(now.ms); query !== undefined; query = this.queries.overdue(now.ms))
      this.answer(now, query.request, query.outcome, undefined)
  }

  /** Answer to `askForeign`; true when it was ours. */
  foreignKnown(now: Now, id: RequestId, contacts: readonly ForeignContact[] | undefined): boolean {
    const query = this.queries.take(id)
    if (query === undefined) return false
    this.answer(now, query.request, query.outcome, contacts)
    return true
  }

  private answer(
    now: Now,
    request: RegisterRequest<RegisterTicket>,
    outcome: RegisterOutcome,
    elsewhere: readonly ForeignContact[] | undefined,
  ): void {
    const { incoming, server, late } = request.ticket
    this.components.transactions.late.answered(late)
    this.components.merged.answered(incoming.message)
    const { replies, identity, gruus } = this.components
    if (outcome.kind === 'rejected') {
      this.results.add(outcome.storeFailed ? 'store_failed' : 'rejected')
      replies.send(now.ms, server, incoming, outcome.rejection)
      return
    }
    this.results.add('ok')
    const { kind } = outcome.plan
    if (kind === 'initial') this.components.gate.served(now.ms)
    if (kind === 'initial' || kind === 'refresh')
      this.seconds.observe((now.ms - incoming.arrivedAt) / 1000, kind)
    const { aor, message } = request
    // Phones behind an engine in front start everything by the engine.
    const front = this.frontOf(incoming)
    const serviceRoute =
      // A peer finds its way through the overlay by itself.
      this.settings.roles.proxy && front === undefined && incoming.source.transport !== 'peer'
        ? identity.serviceRoute(incoming.source, contactOf(incoming, outcome.bindings))
        : undefined
    const own = {
      serviceRoute,
      gruus: front?.capabilities.gruu === false ? undefined : gruus,
      ...(elsewhere === undefined ? {} : { elsewhere }),
    }
    const headers = savedHeaders(now, aor, message, outcome.plan, outcome.bindings, own)
    const { outbound } = outcome.plan
    const answered = front === undefined ? this.keptAlive(now, incoming, outbound, headers) : incoming
    replies.send(now.ms, server, answered, { status: 200, reason: 'OK', headers })
  }

  /** RFC 5626 s.6, RFC 6223 s.4.4: how often the phone is to be heard from now on. */
  private keptAlive(
    now: Now,
    incoming: IncomingRequest,
    outbound: boolean,
    headers: [string, string][],
  ): IncomingRequest {
    const { flowTimerS = 0, flowGraceS } = this.settings
    if (flowTimerS === 0) return incoming
    const topVia = keepAnswered(incoming, flowTimerS)
    const stream = isKeptByCrlf(incoming.source.transport)
    if (outbound && stream) headers.push(['Flow-Timer', String(flowTimerS)])
    const flow = stream && (outbound || topVia !== undefined) ? incoming.source.flow : 0
    const record = this.components.flows.get(flow)
    if (record !== undefined)
      this.components.flows.keepAlives.expect(now.ms, record, 1000 * (flowTimerS + flowGraceS))
    return topVia === undefined ? incoming : { ...incoming, topVia }
  }

  /** True when too many wait and this first registration is one too many: it has its 503 then. */
  private crowdedOut(now: Now, incoming: IncomingRequest, aor: string, look: GateLook): boolean {
    if (asksForNothing(incoming.message)) return false
    const known = this.components.accounts.byAor(aor) !== undefined
    const seconds = this.components.gate.refusal(now.ms, aor, look, known)
    if (seconds === undefined) return false
    this.refuse('overload', incoming, {
      status: 503,
      reason: 'Too Many Registrations',
      headers: [['Retry-After', String(seconds)]],
    })
    return true
  }

  /** Whom a REGISTER without credentials is about. The answer must not tell who has an account or a phone here (S-25). */
  private claimedAor(message: SipMessage): string | undefined {
    const to = this.components.identity.aorOf(message.to)
    return to.ok ? to.value : undefined
  }

  /** Counted by the owner where REGISTER is turned away before it comes here. */
  turnedAway(): void {
    this.results.add('overload')
  }

  private refuse(result: RegisterResult, incoming: IncomingRequest, reply: Reply): void {
    this.results.add(result)
    this.components.replies.stateless(incoming, reply)
  }

  /** The engine in front, if it asks. */
  private frontOf({ question }: IncomingRequest): Front | undefined {
    return question === undefined ? undefined : this.components.front
  }

  /** RFC 3261 s.10.3 items 1 and 2. */
  private refusal(incoming: IncomingRequest): Reply | undefined {
    const { message, source } = incoming
    // A peer stores its own registration, unless users of it are served here like phones (adapter-mapping s.4.9, s.8.1 option 3).
    if (source.transport === 'peer' && this.settings.registerFromOverlay !== true)
      return { status: 403, reason: 'Not From A Peer' }
    if (!this.settings.roles.registrar) {
      return { status: 405, reason: 'Method Not Allowed', headers: [['Allow', OWN_METHODS]] }
    }
    const front = this.frontOf(incoming)
    const identity = front?.identity ?? this.components.identity
    const { registerHome } = this.settings
    // Adapter-mapping s.6: the phone is served elsewhere.
    if (registerHome !== undefined)
      return { status: 302, reason: 'Moved Temporarily', headers: [['Contact', `<${registerHome}>`]] }
    const { uri } = message
    if (uri === undefined || !(identity.isHostedDomain(uri.host) || identity.isOwn(uri))) {
      return { status: 403, reason: 'Foreign Domain' }
    }
    return (
      unsupported(message, 'require', front?.extensions(this.extensions) ?? this.extensions) ??
      unusableBody(message)
    )
  }

  /** Items 4 and 5: the AOR that may be changed, or why it may not. */
  private aor(message: SipMessage, account: Account | undefined): string | Reply {
    const { accounts, identity } = this.components
    const to = identity.aorOf(message.to)
    if (!to.ok)
      return { status: to.error === 404 ? 404 : 400, reason: to.error === 404 ? 'Not Found' : 'Bad AOR' }
    const aor = to.value
    if (!identity.isHostedDomain(aor.slice(aor.lastIndexOf('@') + 1)))
      return { status: 404, reason: 'Not Found' }
    if (account !== undefined) {
      const from = identity.aorOf(message.from)
      const ownFrom = from.ok && account.aors.includes(from.value)
      const mayChange = account.aors.includes(aor) || account.delegates.includes(aor)
      // S3261-10.3-07, M-07: for others only by delegation.
      if (!ownFrom || !mayChange) return { status: 403, reason: 'Forbidden' }
      if (account.aors.includes(aor)) return textOf(account, aor)
    }
    const owner = accounts.byAor(aor)
    return owner === undefined ? { status: 404, reason: 'Not Found' } : textOf(owner, aor)
  }
}

/** The AOR as its account has it: the same text in every table, with its hash made once. */
function textOf({ aors }: Account, aor: string): string {
  return aors[aors.indexOf(aor)] ?? aor
}

/** How the phone names itself: who only asks for its registrations has done so before, by the same connection. */
function contactOf({ message, source }: IncomingRequest, bindings: readonly Binding[]): string {
  const byFlow = (): Binding | undefined => bindings.find(({ reach }) => reach.flow === source.flow)
  return message.header('contact') ?? byFlow()?.contact ?? ''
}

/** A query, or the end of a registration: no Store comes of it where there is no binding. */
function asksForNothing(message: SipMessage): boolean {
  return message.header('contact') === undefined || message.header('expires') === '0'
}
