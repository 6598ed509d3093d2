/**
 * The transaction-stateful forking proxy (RFC 3261 s.16). Its owner decides that a request may be forwarded and where it
 * wants to go; here the response contexts are made and everything that comes back is given to them. Does no I/O.
 */
import { Deadlines } from '../../common/deadlines.ts'
import type { Tally } from '../../common/instruments.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { buildResponse, parseUri, type SipMessage } from '../message/index.ts'
import type { Wire } from '../transaction/hop.ts'
import type { ClientTransaction, ServerTransaction } from '../transaction/machinery.ts'
import type { ClientFailure, Transactions } from '../transaction/transactions.ts'
import { madeHere } from './best-response.ts'
import { Branch, type ClientUser, type ForkContext, type ProxyTimer, type Question } from './branch.ts'
import type { CallMeter } from './call-meter.ts'
import { CalledUsers } from './called-users.ts'
import { CallRecord } from './call-record.ts'
import { dispositionOf, USUAL_DISPOSITION } from './disposition.ts'
import type { ProxyEnvironment, ProxySettings } from './environment.ts'
import { ExitSearch } from './exits.ts'
import { pathOf, standInOf, targetOf } from './goal-target.ts'
import { HeldAddresses } from './held-addresses.ts'
import { isLoop, loopHash } from './loop.ts'
import { LargeRequests } from './large-requests.ts'
import type { Lines } from './lines.ts'
import type { Outside } from './outside.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { LocateOutcome, PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
import type { LocalBinding, ProxyPorts } from './ports.ts'
import { outgoingOf } from './outgoing.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { ResponseContext } from './response-context.ts'
import type { RouteTokens } from './route-token.ts'
import { nextPeer, phoneHere } from './stand-in.ts'
import { StandIns } from './stand-ins.ts'
import { StatelessForwarding } from './stateless.ts'
import { TargetSearch, type SearchOwner } from './target-search.ts'
import type { Target, TargetPath } from './targets.ts'
import { Upstream } from './upstream.ts'

export interface ProxyComponents {
  readonly identity: OwnIdentity
  readonly outside: Outside
  readonly lines: Lines
  readonly tokens: RouteTokens
  readonly ports: ProxyPorts
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly wire: Wire
  readonly meter: CallMeter
  readonly timeouts: Tally
}

export class Proxy {
  private readonly environment: ProxyEnvironment
  private readonly stateless: StatelessForwarding
  private readonly deadlines = new Deadlines<ProxyTimer>()
  private readonly questions = new OpenQuestions<Question>()
  /** p2psip_sip_mtu_switch_total by result. */
  readonly mtuSwitches: Tally
  readonly largeRequests = new LargeRequests()
  readonly held = new HeldAddresses()

  constructor(components: ProxyComponents, settings: ProxySettings) {
    const { deadlines, questions, largeRequests, held } = this
    this.mtuSwitches = largeRequests.switched
    const calledUsers = new CalledUsers()
    const standIns = new StandIns()
    this.environment = {
      ...components,
      settings,
      deadlines,
      questions,
      largeRequests,
      held,
      calledUsers,
      standIns,
    }
    this.stateless = new StatelessForwarding(this.environment, components.wire)
  }

  nextDeadline(): Millis {
    return Math.min(this.deadlines.next(), this.questions.nextDeadline())
  }

  /** Questions without an answer, for tests of what a silent owner leaves behind. */
  get waiting(): number {
    return this.questions.size
  }

  /** Calls that wait for an answer, by user, for the same tests. */
  get calledUsers(): number {
    return this.environment.calledUsers.size
  }

  /** Phones of a user have registered: calls to the user reach them as well. */
  registered(now: Millis, aor: string): void {
    this.environment.calledUsers.joined(now, aor, () => this.environment.ports.bindings(now, aor))
  }

  /** This node goes: whoever still waits for an answer is told so, and phones stop ringing for nobody. */
  leave(now: Millis, retryAfterS: number): void {
    this.environment.calledUsers.leave(now, retryAfterS)
  }

  /** A user of this node, registered or not. */
  hostsUser(aor: string): boolean {
    return this.environment.ports.userHosted(aor)
  }

  /** A phone of that user which a call has this Contact of is registered here. */
  hasPhone(now: Millis, aor: string, contact: string): boolean {
    return this.environment.ports.phoneInCall(now, aor, contact).length > 0
  }

  /** The registrations of it. */
  phonesInCall(now: Millis, aor: string, contact: string): readonly LocalBinding[] {
    return this.environment.ports.phoneInCall(now, aor, contact)
  }

  /** The ways to it, the newest first. */
  phoneHere(now: Millis, aor: string, contact: string): readonly Target[] {
    return phoneHere(now, aor, contact, this.environment)
  }

  /** An AOR with phones here: its calls count as local. */
  hasBindings(now: Millis, aor: string): boolean {
    return this.environment.ports.bindings(now, aor).length > 0
  }

  /** Forwards a request that may be forwarded; `server` is its transaction. */
  forward(now: Millis, request: ProxyRequest, server: ServerTransaction<ForkContext>): void {
    const { environment } = this
    const { message, topVia } = request.incoming
    const hash = loopHash(message, request.side)
    const vias = message.nextVia === undefined ? [] : message.vias()
    if (isLoop(vias, hash, (via) => environment.identity.isOwnVia(via))) {
      new Upstream(environment, request.incoming, server).final(now, madeHere(482, 'Loop Detected'), [])
      return
    }
    const { goal } = request
    const path = pathOf(goal)
    const outgoing = outgoingOf(environment, request, hash)
    if (outgoing.timer?.kind === 'tooSmall') {
      const headers = [['Min-SE', String(outgoing.timer.minimum)]] as const
      const refusal = madeHere(422, 'Session Interval Too Small', headers)
      new Upstream(environment, request.incoming, server).final(now, refusal, [])
      return
    }
    const isCall = message.method === 'INVITE' && !message.to.params.has('tag')
    const call = isCall ? new CallRecord(environment.meter, request.incoming.arrivedAt, path) : undefined
    const disposition = goal.kind === 'aor' ? dispositionOf(message) : USUAL_DISPOSITION
    const aor = goal.kind === 'aor' && message.method === 'INVITE' ? goal.aor : undefined
    const peer = nextPeer(message, goal)
    const toPhone = goal.kind === 'targets' && message.to.params.has('tag')
    const exits = this.exits(request, path)
    const context = new ResponseContext(environment, {
      outgoing,
      server,
      call,
      inCall: peer === undefined ? undefined : { request, peer },
      exits,
      serial: isSerial(message) || disposition.sequential || toPhone || peer !== undefined,
      disposition,
      aor,
      oneInstance: goal.kind === 'instance',
    })
    server.user = context
    if (aor !== undefined || isCall) environment.calledUsers.add(aor, context)
    // RFC 3261 s.17.2.1: the caller's repeats end at once, whatever takes its time behind us.
    if (message.method === 'INVITE') {
      environment.transactions.answer(
        now,
        server,
        100,
        buildResponse(message, 100, 'Trying', { topVia, copyTimestamp: true }),
      )
    }
    if (goal.kind === 'aor') context.finder.addUser(now, goal)
    else if (goal.kind === 'instance') context.finder.addInstance(goal.bindings, goal.withPath)
    else if (exits !== undefined) exits.start(now, context)
    else if (goal.kind === 'targets') for (const target of goal.targets) context.add(target)
    else {
      const known = peer === undefined ? undefined : standInOf(environment, request, peer)
      const target = known ?? targetOf(environment, request, path)
      if (target !== undefined) context.add(target)
    }
    context.run(now)
    context.underWay(now)
  }

  /** Finds where a request goes that `owner` has somebody else forward. Its answer may come before this returns. */
  search(now: Millis, request: ProxyRequest, owner: SearchOwner): TargetSearch {
    const path = pathOf(request.goal)
    const { message } = request.incoming
    const serial = isSerial(message) || dispositionOf(message).sequential
    const search = new TargetSearch(this.environment, owner, { ...request, serial }, path)
    search.start(now, targetOf(this.environment, request, path))
    return search
  }

  /** An ACK of a 2xx, or a CANCEL of nothing we know: sent on without a transaction, dropped when there is no way. */
  forwardStateless(request: ProxyRequest): void {
    this.stateless.forward(request)
  }

  /** A response for a request that was forwarded. */
  responded(now: Millis, client: ClientTransaction<ClientUser>, response: SipMessage): void {
    const { user } = client
    if (!(user instanceof Branch)) user?.pass(now, response, client.hop)
    // A branch that has been sent elsewhere since is not concerned.
    else if (user.client === client) user.context.responded(now, user, response)
  }

  /** E56: a response that was for this client transaction has been lost to a fault of our own. */
  giveUp(now: Millis, { user }: ClientTransaction<ClientUser>): void {
    if (user instanceof Branch) user.context.giveUp(now)
  }

  failed(now: Millis, { client, cause }: ClientFailure<ClientUser>): void {
    const { user } = client
    if (user instanceof Branch && client.key.startsWith(user.branchId)) user.context.failed(now, user, cause)
  }

  located(now: Millis, id: number, answer: LocateOutcome): void {
    const question = this.questions.take(id)
    if (question?.kind === 'locate') question.context.located(now, question, answer)
  }

  peerFlow(now: Millis, id: number, answer: PeerFlowOutcome): void {
    const question = this.questions.take(id)
    if (question?.kind === 'branch') return question.branch.context.connected(now, question.branch, answer)
    const hop = answer.ok ? this.environment.ports.flowHop(answer.flow) : undefined
    if (question?.kind === 'origin') question.origin.reached(now, hop)
    else if (question?.kind === 'stateless') {
      if (hop !== undefined) question.send(hop)
      else question.lost?.(now)
    }
  }

  resolved(now: Millis, id: number, answer: ResolveOutcome): void {
    const question = this.questions.take(id)
    if (question?.kind === 'branch') question.branch.context.resolved(now, question.branch, answer)
    else if (question?.kind === 'stateless' && answer.ok) {
      const address = answer.addresses[0]
      if (address === undefined) return
      const listener = this.environment.identity.listenerFor(address.transport, address.host)?.id ?? 0
      question.send({ ...address, flow: 0, listener })
    }
  }

  expire(now: Millis): void {
    for (let due = this.deadlines.pop(now); due !== undefined; due = this.deadlines.pop(now)) {
      due.context.timer(now, due)
    }
    for (let lost = this.questions.overdue(now); lost !== undefined; lost = this.questions.overdue(now))
      this.unanswered(now, lost)
  }

  /** Nobody has answered: the caller must not wait for what will never come (adapter-mapping s.7.2). */
  private unanswered(now: Millis, question: Question): void {
    if (question.kind === 'locate') {
      question.context.located(now, question, { kind: 'failed', status: 504, reason: 'Locate Timeout' })
    } else if (question.kind === 'origin') {
      question.origin.reached(now, undefined)
    } else if (question.kind === 'branch') {
      const { branch } = question
      const isHost = branch.target.way.kind === 'host'
      const answer = isHost
        ? ({ ok: false, status: 504, reason: 'DNS Timeout' } as const)
        : ({ ok: false, status: 480, reason: 'No Path' } as const)
      if (isHost) branch.context.resolved(now, branch, answer)
      else branch.context.connected(now, branch, answer)
    }
  }

  private exits(request: ProxyRequest, path: TargetPath): ExitSearch | undefined {
    const { goal, route, side } = request
    if (goal.kind !== 'outside' || side !== 'south' || !this.environment.settings.alwaysProxy)
      return undefined
    const uri = parseUri(route.requestUri)
    if (uri === undefined || this.environment.outside.isRouted(uri)) return undefined
    return new ExitSearch(this.environment, request, targetOf(this.environment, request, path))
  }
}

/** One target at a time (M-23). */
function isSerial(message: SipMessage): boolean {
  return message.method === 'SUBSCRIBE'
}
