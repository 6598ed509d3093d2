/**
 * Calls that are up when the peer of the other side's phone dies (M-31, docs/adr/0024). The route of such a call names the dead peer for good; the
 * phone is registered at another one as well, which can deliver to it by the Contact that the call has for it.
 */
import type { Millis } from '../../common/time.ts'
import { parseUri, type SipMessage } from '../message/index.ts'
import type { LocateAsker, LocateQuestion } from './branch.ts'
import { ANSWER_GRACE_MS } from './branch-sender.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { LocateOutcome } from './outcomes.ts'
import { phoneTarget } from './phone-target.ts'
import type { Goal, ProxyRequest } from './proxy-request.ts'
import { isSips } from './sips.ts'
import { peerTarget } from './target-kinds.ts'
import { hostedAor } from './target-finder.ts'
import type { Target } from './targets.ts'

/** The peer that a request of a call goes to next, by its name in hex; undefined when it is none, or begins a call. */
export function nextPeer(message: SipMessage, goal: Goal): string | undefined {
  if (!message.to.params.has('tag')) return undefined
  if (goal.kind === 'hop') return goal.hop.transport === 'peer' ? goal.hop.host : undefined
  return goal.kind === 'peer' && goal.address.startsWith('node:') ? goal.address.slice(5) : undefined
}

/** The user whose phone the request is for; undefined unless it is certain that nothing but the peer stands before that phone. */
function userBehind(request: ProxyRequest, environment: ProxyEnvironment): string | undefined {
  const { message } = request.incoming
  const { routes, token } = request.route
  if (token?.kind !== 'hop' || routes.length === 0) return undefined
  // All that is left of the route has been sealed for this call by who shares our secret. Other proxies would be passed by.
  for (const { uri } of routes) {
    const user = parseUri(uri)?.user
    if (user === undefined || environment.tokens.open(user, message.callId).kind !== 'hop') return undefined
  }
  const to = parseUri(message.to.uri)
  return to === undefined ? undefined : hostedAor(to, environment)
}

/** Looks once for other ways to the phone of a call. */
export class StandInSearch {
  private readonly environment: ProxyEnvironment
  private readonly asker: LocateAsker
  private readonly request: ProxyRequest
  private state: 'unused' | 'asking' | 'over' = 'unused'
  /** The peer to do without. */
  private without: string | undefined = undefined

  constructor(environment: ProxyEnvironment, asker: LocateAsker, request: ProxyRequest) {
    this.environment = environment
    this.asker = asker
    this.request = request
  }

  /** An answer is on its way. */
  get pending(): boolean {
    return this.state === 'asking'
  }

  /** Phones here at once; undefined when nothing can be found, now or later. Whatever else there is comes with `located`. */
  start(now: Millis, without: string | undefined): readonly Target[] | undefined {
    if (this.state !== 'unused') return undefined
    this.state = 'over'
    const { environment, request } = this
    const { message } = request.incoming
    const aor = userBehind(request, environment)
    if (aor === undefined) return undefined
    const { ports, settings } = environment
    const here = phoneHere(now, aor, request.route.requestUri, environment)
    if (here.length > 0) return here
    if (settings.lookup === 'localOnly') return undefined
    this.state = 'asking'
    this.without = without
    const { invite, other } = settings.locateBudgetMs
    const budget = message.method === 'INVITE' ? invite : other
    const id = ports.locate(aor, budget, message.callId)
    const question = { kind: 'locate', context: this.asker, aor, depth: 0 } as const
    environment.questions.ask(id, question, now + budget + ANSWER_GRACE_MS)
    return NO_TARGETS
  }

  /** Other peers that have the user; the newest entry first. */
  located(answer: LocateOutcome): readonly Target[] {
    if (!this.pending) return NO_TARGETS
    this.state = 'over'
    if (answer.kind === 'failed') return NO_TARGETS
    const { route, incoming } = this.request
    const { requestUri } = route
    const peers = answer.targets.flatMap((one) => (one.kind === 'peer' ? [one] : []))
    peers.sort((a, b) => (b.storedAt ?? 0) - (a.storedAt ?? 0))
    const targets: Target[] = []
    for (const { address, node, secureOnly } of peers) {
      if (node !== undefined && node === this.without) continue
      const peer = peerTarget(incoming.message, address, undefined, isSips(requestUri) || secureOnly)
      targets.push({ ...peer, uri: requestUri, whole: true, peer: node })
    }
    return targets
  }
}

/** Registrations here of the phone that a call has this Contact of. */
export function phoneHere(
  now: Millis,
  aor: string,
  contact: string,
  environment: Pick<ProxyEnvironment, 'ports' | 'outside' | 'identity'>,
): readonly Target[] {
  const targets: Target[] = []
  for (const binding of environment.ports.phoneInCall(now, aor, contact)) {
    const target = phoneTarget(binding, 0, environment)
    // RFC 5627 s.6.1: a GRUU is replaced by where the phone is; any other Contact is what the phone knows the call by.
    const uri = contact.includes(';gr=') ? target?.uri : contact
    if (target !== undefined && uri !== undefined) targets.push({ ...target, uri, whole: true })
  }
  return targets
}

/** An ACK whose next peer cannot be reached: sent by whoever else has the phone. Two of them do no harm. */
export class StandInAck implements LocateAsker {
  private readonly search: StandInSearch
  private readonly send: (now: Millis, target: Target) => void

  constructor(
    environment: ProxyEnvironment,
    request: ProxyRequest,
    send: (now: Millis, target: Target) => void,
  ) {
    this.search = new StandInSearch(environment, this, request)
    this.send = send
  }

  start(now: Millis, without: string | undefined): void {
    for (const target of this.search.start(now, without) ?? NO_TARGETS) this.send(now, target)
  }

  located(now: Millis, _question: LocateQuestion, answer: LocateOutcome): void {
    for (const target of this.search.located(answer)) this.send(now, target)
  }
}

const NO_TARGETS: readonly Target[] = []
