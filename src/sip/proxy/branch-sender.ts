/** Gets a branch onto the wire: finds its hop, sends, and sends again elsewhere when that fails. */
import type { Millis } from '../../common/time.ts'
import { isIpv4, isIpv6, transportPort } from '../message/index.ts'
import { cancelOf } from '../transaction/derived-requests.ts'
import type { SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { IncomingRequest } from '../transaction/incoming.ts'
import { TIMER_B_MS, TIMER_C_MS } from '../transaction/timers.ts'
import { madeHere, type Candidate } from './best-response.ts'
import type { Branch } from './branch.ts'
import { identityFor, type CallerIdentity } from './caller-identity.ts'
import type { ProxyEnvironment } from './environment.ts'
import { forwardedBytes } from './forward.ts'
import type { CreditedRequest } from './lines.ts'
import { branchOf } from './loop.ts'
import { movedPhone } from './phone-moves.ts'
import { addOtherwise, isPassedOver } from './phone-target.ts'
import type { SessionTimer } from './session-timer.ts'
import { isSips } from './sips.ts'
import type { ResolvedAddresses } from './outcomes.ts'
import type { Target } from './targets.ts'

/** Longest wait for DNS; the resolver itself gives up earlier. */
export const RESOLVE_BUDGET_MS: Millis = 12_000
/**
 * An address that has not said a word for this long is not waited for while there are others: requests by UDP have been sent four times by then,
 * and an INVITE is answered with 100 within 200 ms. Timer B and F (32 s) would leave nothing of the caller's own time (docs/adr/0016).
 */
export const SILENCE_MS: Millis = 4_000
/**
 * The same for a peer whose phones are registered at another one, too. Judgement: several round trips around the world, and half of the two
 * seconds within which the phone shall be reached after its peer has died (docs/adr/0019).
 */
export const SIBLING_SILENCE_MS: Millis = 1_000
/**
 * A request other than INVITE that a living peer has not finished is answered with 100 after 3.5 s. One of a call that gets not even that is sent
 * to another peer that has the phone (docs/adr/0024).
 */
export const STAND_IN_SILENCE_MS: Millis = 5_000
/** The owner keeps the budgets; only when it is silent for this long beyond them is a question given up. */
export const ANSWER_GRACE_MS: Millis = 1_000

/** RFC 3261 s.21.5.4: it has said for how long nothing is to be sent there. */
export const LEFT_ALONE: Candidate = madeHere(503, 'Service Unavailable')
/** None that this node can send to. */
const NO_ADDRESS: Candidate = madeHere(404, 'No Address')

/** What one datagram can carry over IPv4, and over IPv6 without jumbograms. */
const UDP_BYTES_MAX = 65_507
export const TOO_LARGE: Candidate = madeHere(513, 'Message Too Large')

/** Of one trunk for one request: the first, and one more when its nonce was too old. */
const CHALLENGES_MAX = 2

/** What is the same for all branches of a request. */
export interface OutgoingRequest {
  readonly incoming: IncomingRequest
  /** Route values left after our own; undefined when the header need not change. */
  readonly routes: readonly string[] | undefined
  readonly recordRouteTo: Hop | undefined
  /** Trunk that it came by, if it stays on the way of what follows. */
  readonly lineFrom: string | undefined
  /** Path value to add (RFC 3327). */
  readonly path: string | undefined
  readonly loopHash: string
  /** What is asked of a session refresh request. */
  readonly timer: SessionTimer | undefined
  readonly caller: CallerIdentity
}

/** The Route header for a target; undefined leaves it as it came. */
export function routesOf(
  { routes, whole = false }: Target,
  left: readonly string[] | undefined,
  message: SipMessage,
): readonly string[] | undefined {
  if (whole) return routes
  return routes.length === 0 ? left : [...routes, ...(left ?? message.values('route'))]
}

/**
 * A Route or a domain by a name of this node that it does not know for its own (`sip.advertise`, `sip.domains`). It would challenge itself, and the
 * caller's password would seem to be wrong.
 */
function leadsBack({ way }: Target): Candidate {
  const name = way.kind === 'host' ? way.host : 'What was asked for'
  return madeHere(404, 'Not Found', [['Warning', `399 ringbridge "${name} leads back to this node"`]])
}

export class BranchSender {
  private readonly environment: ProxyEnvironment
  private readonly request: OutgoingRequest
  private readonly invite: boolean

  constructor(environment: ProxyEnvironment, request: OutgoingRequest) {
    this.environment = environment
    this.request = request
    this.invite = request.incoming.message.method === 'INVITE'
  }

  /** Sends at once when the hop is known, asks for it otherwise; what there is to say instead when it goes nowhere. */
  start(now: Millis, branch: Branch): Candidate | undefined {
    const { ports } = this.environment
    const { way } = branch.target
    branch.state = 'connecting'
    if (way.kind === 'hop') {
      if (!this.send(now, branch, way.hop)) return TOO_LARGE
    } else if (way.kind === 'peer') {
      this.sendToPeer(now, branch, way.address)
    } else if (isIpv4(way.host) || isIpv6(way.host)) {
      // RFC 3263 s.4.1: a numeric host is taken as it is.
      const transport = way.transport ?? (way.secure ? 'tls' : 'udp')
      const port = way.port ?? transportPort(transport)
      return this.useAddresses(now, branch, [{ host: way.host, port, transport }])
    } else {
      const id = ports.resolve(way.host, way.port, way.transport, way.secure)
      // Who can be reached without DNS does not wait for it for long.
      this.ask(now, branch, id, way.otherwise === undefined ? RESOLVE_BUDGET_MS : SILENCE_MS)
    }
    return undefined
  }

  /** As soon as there is a flow to that peer. */
  sendToPeer(now: Millis, branch: Branch, address: string): void {
    const { ports, settings } = this.environment
    const { way } = branch.target
    branch.state = 'connecting'
    const budget = this.invite ? settings.peerFlowBudgetMs.invite : settings.peerFlowBudgetMs.other
    const { callId } = this.request.incoming.message
    const secure = way.kind === 'peer' ? way.secure : isSips(branch.target.uri)
    this.ask(now, branch, ports.openPeerFlow(address, secure, budget, callId), budget)
  }

  /** An answer came: the far end is there, and what went over TCP has arrived. */
  heard(now: Millis, branch: Branch, response: SipMessage): void {
    const { held, deadlines } = this.environment
    deadlines.cancel(branch.silence)
    branch.silence = undefined
    const hop = branch.client?.hop
    if (hop !== undefined && branch.target.way.kind !== 'hop') {
      if (response.status === 503) held.refused(now, hop, response)
      else held.alive(hop)
    }
    if (branch.datagramHop === undefined) return
    branch.datagramHop = undefined
    this.environment.largeRequests.taken()
  }

  /** RFC 3263 s.4.3: the next address with a new branch id; false when there is none. */
  next(now: Millis, branch: Branch): boolean {
    const { datagramHop } = branch
    const { held, largeRequests } = this.environment
    if (datagramHop !== undefined) {
      branch.datagramHop = undefined
      largeRequests.refusedBy(now, datagramHop)
      if (this.send(now, branch, datagramHop)) return true
    }
    // RFC 3261 s.22.1: what the next server asks is no repetition of what another one has asked.
    branch.challenges = 0
    branch.credentials = undefined
    for (let hop = branch.alternatives.shift(); hop !== undefined; hop = branch.alternatives.shift()) {
      if (held.isBusy(now, hop)) continue
      if (this.send(now, branch, hop)) return true
    }
    return false
  }

  /** Nothing was heard from where the request went, or it could not go there. */
  lost(now: Millis, branch: Branch): void {
    const { way } = branch.target
    if (way.kind === 'host' && branch.client !== undefined)
      this.environment.held.failed(now, branch.client.hop)
  }

  /** What there is to say when none of them can be used now. */
  useAddresses(now: Millis, branch: Branch, addresses: ResolvedAddresses): Candidate | undefined {
    const { identity, held } = this.environment
    const { way } = branch.target
    const hops: Hop[] = []
    for (const { host, port, transport } of addresses) {
      if (way.kind === 'host' && isPassedOver(way, host, port, identity)) continue
      const listener = identity.listenerFor(transport, host)
      // Datagrams leave by a listener of their own family; streams need none.
      if (listener !== undefined || transport !== 'udp')
        hops.push({ transport, flow: 0, listener: listener?.id ?? 0, host, port })
    }
    if (way.kind === 'host') addOtherwise(way, hops)
    branch.alternatives = held.usable(now, hops)
    if (hops.length === 0)
      return addresses.some(({ host, port }) => identity.isOwnAddress(host, port))
        ? leadsBack(branch.target)
        : NO_ADDRESS
    if (this.next(now, branch)) return undefined
    return branch.tooLarge ? TOO_LARGE : LEFT_ALONE
  }

  /** False: it fits into no datagram; that can only be where a datagram is the way. */
  send(now: Millis, branch: Branch, wanted: Hop): boolean {
    const { ports, largeRequests, identity, deadlines } = this.environment
    const { way } = branch.target
    // Who is sent it again may have it already, and shall know it again (RFC 3261 s.17.2.3).
    if (branch.resumed === 0 && !isSamePeer(branch.client?.hop, wanted))
      branch.branchId = branchOf(ports.branchId(), this.request.loopHash)
    let hop = ports.dial(wanted, way.kind === 'peer' ? undefined : way.domain)
    let bytes = this.bytes(branch, hop, hop)
    const stream = identity.listenerFor('tcp', hop.host)
    if (stream !== undefined && largeRequests.wantsStream(now, bytes.length, hop, branch.target)) {
      branch.datagramHop = hop
      const { host, port } = hop
      hop = ports.dial({ transport: 'tcp', flow: 0, listener: stream.id, host, port }, host)
      // What follows in the dialog is small: it goes by UDP, and does not depend on this connection.
      bytes = this.bytes(branch, hop, branch.datagramHop)
    }
    branch.tooLarge = hop.transport === 'udp' && bytes.length > UDP_BYTES_MAX
    if (branch.tooLarge) return false
    branch.state = 'calling'
    branch.cancelSent = false
    if (this.invite) this.armTimerC(now, branch, TIMER_C_MS)
    deadlines.cancel(branch.silence)
    branch.silence =
      branch.alternatives.length === 0
        ? undefined
        : deadlines.set(now + SILENCE_MS, { kind: 'silence', context: branch.context, branch })
    const { method } = this.request.incoming.message
    branch.client = this.environment.transactions.start(now, branch.branchId, method, hop, bytes, branch)
    return true
  }

  /**
   * Sends the request once more with credentials for the trunk that has challenged it. DEVIATION RFC 3261 s.22.2: with the same CSeq, since that
   * number is the caller's (docs/adr/0018).
   */
  authenticate(now: Millis, branch: Branch, response: SipMessage): 'sent' | 'refused' | 'none' {
    const { line } = branch.target
    const hop = branch.client?.hop
    if (line === undefined || hop === undefined) return 'none'
    const credited = this.credited(branch.target)
    const answer = this.environment.lines.answer(line, response, credited, branch.challenges)
    if (answer === 'refused' || answer === 'none') return answer
    if (branch.challenges >= CHALLENGES_MAX) return 'refused'
    branch.challenges++
    branch.credentials = answer
    return this.send(now, branch, hop) ? 'sent' : 'none'
  }

  private credited({ uri }: Target): CreditedRequest {
    const { method, body } = this.request.incoming.message
    return { method, uri, body }
  }

  /** The request for `hop`; requests inside the dialog shall come back to `dialogHop`. */
  private bytes(branch: Branch, hop: Hop, dialogHop: Hop): Uint8Array {
    const { environment, request } = this
    const { target } = branch
    const { recordRouteTo, lineFrom, path, caller } = request
    const { message, topVia } = request.incoming
    const { line } = target
    if (line !== undefined) {
      environment.lines.found(line, hop)
      branch.credentials ??= environment.lines.credentials(line, this.credited(target))
    }
    const routes = routesOf(target, request.routes, message)
    return forwardedBytes(
      {
        message,
        requestUri: target.uri,
        routes,
        recordRouteTo,
        lineFrom,
        line,
        path,
        dialogHop,
        breadth: branch.breadth,
        topVia,
        realm: environment.settings.realm,
        credentials: branch.credentials,
        leftOut: target.except,
        timer: request.timer,
        caller: identityFor(caller, hop, environment.ports.trusts),
      },
      hop,
      branch.branchId,
      environment.identity,
      environment.tokens,
    )
  }

  armTimerC(now: Millis, branch: Branch, after: Millis): void {
    const { deadlines } = this.environment
    deadlines.cancel(branch.timerC)
    branch.timerC = deadlines.set(now + after, { kind: 'C', context: branch.context, branch })
  }

  /** RFC 3261 s.9.1: only after a provisional response; the rest is waited for no longer than 64*T1. */
  cancel(now: Millis, branch: Branch, reasons: readonly string[]): void {
    const { client } = branch
    if (!this.invite || branch.state !== 'proceeding' || branch.cancelSent || client === undefined) return
    branch.cancelSent = true
    const { environment, request } = this
    const hop = movedPhone(environment, now, request.incoming.message, client.hop) ?? client.hop
    environment.transactions.start(
      now,
      branch.branchId,
      'CANCEL',
      hop,
      cancelOf(client.bytes, reasons),
      undefined,
    )
    this.armTimerC(now, branch, TIMER_B_MS)
  }

  private ask(now: Millis, branch: Branch, id: number, budget: Millis): void {
    this.environment.questions.ask(id, { kind: 'branch', branch }, now + budget + ANSWER_GRACE_MS)
  }
}

function isSamePeer(before: Hop | undefined, now: Hop): boolean {
  return now.transport === 'peer' && before?.transport === 'peer' && before.host === now.host
}
