/** Gets a branch onto the wire: finds its hop, sends, and sends again elsewhere when that fails. */
import type { Millis } from '../../common/time.ts'
import { isIpv4, isIpv6 } from '../message/ip.ts'
import { cancelOf } from '../transaction/derived-requests.ts'
import type { Hop } from '../transaction/hop.ts'
import type { IncomingRequest } from '../transaction/incoming.ts'
import { TIMER_B_MS, TIMER_C_MS } from '../transaction/timers.ts'
import type { Branch } from './branch.ts'
import type { ProxyEnvironment } from './environment.ts'
import { forwardedBytes } from './forward.ts'
import { branchOf } from './loop.ts'
import type { Resolved, StreamOrDatagram } from './ports.ts'

/** What is the same for all branches of a request. */
export interface OutgoingRequest {
  readonly incoming: IncomingRequest
  /** Route values left after our own; undefined when the header need not change. */
  readonly routes: readonly string[] | undefined
  readonly recordRouteTo: Hop | undefined
  readonly loopHash: string
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

  /** Sends at once when the hop is known, asks for it otherwise. */
  start(now: Millis, branch: Branch): void {
    const { ports, settings } = this.environment
    const { way } = branch.target
    branch.state = 'connecting'
    if (way.kind === 'hop') {
      this.send(now, branch, way.hop)
    } else if (way.kind === 'peer') {
      const budget = this.invite ? settings.peerFlowBudgetMs.invite : settings.peerFlowBudgetMs.other
      this.ask(branch, ports.openPeerFlow(way.address, way.secure, budget))
    } else if (isIpv4(way.host) || isIpv6(way.host)) {
      // RFC 3263 s.4.1: a numeric host is taken as it is.
      const transport = way.transport ?? (way.secure ? 'tls' : 'udp')
      const port = way.port ?? (transport === 'tls' ? 5061 : 5060)
      this.send(now, branch, this.addressHop(way.host, port, transport))
    } else {
      this.ask(branch, ports.resolve(way.host, way.port, way.transport, way.secure))
    }
  }

  /** A peer flow that broke before any answer is opened once more; false when that has been done. */
  reconnect(branch: Branch): boolean {
    const { way } = branch.target
    const address =
      way.kind === 'peer'
        ? way.address
        : way.kind === 'hop' && way.hop.transport === 'peer'
          ? `node:${way.hop.host}`
          : ''
    if (address === '' || branch.reconnected) return false
    const { ports, settings } = this.environment
    branch.reconnected = true
    branch.state = 'connecting'
    const budget = this.invite ? settings.peerFlowBudgetMs.invite : settings.peerFlowBudgetMs.other
    this.ask(branch, ports.openPeerFlow(address, way.kind === 'peer' && way.secure, budget))
    return true
  }

  /** RFC 3263 s.4.3: the next address with a new branch id; false when there is none. */
  next(now: Millis, branch: Branch): boolean {
    const hop = branch.alternatives.shift()
    if (hop === undefined) return false
    this.send(now, branch, hop)
    return true
  }

  useAddresses(now: Millis, branch: Branch, answer: Extract<Resolved, { ok: true }>): boolean {
    branch.alternatives = answer.addresses.map(({ host, port, transport }) =>
      this.addressHop(host, port, transport),
    )
    return this.next(now, branch)
  }

  send(now: Millis, branch: Branch, wanted: Hop): void {
    const hop = this.environment.ports.dial(wanted)
    const { environment, request } = this
    const { target } = branch
    const { recordRouteTo } = request
    const { message, topVia } = request.incoming
    branch.branchId = branchOf(environment.ports.branchId(), request.loopHash)
    const routes =
      target.routes.length === 0
        ? request.routes
        : [...target.routes, ...(request.routes ?? message.values('route'))]
    const bytes = forwardedBytes(
      {
        message,
        requestUri: target.uri,
        routes,
        recordRouteTo,
        breadth: branch.breadth,
        topVia,
        realm: environment.settings.realm,
      },
      hop,
      branch.branchId,
      environment.identity,
      environment.tokens,
    )
    branch.state = 'calling'
    if (this.invite) this.armTimerC(now, branch, TIMER_C_MS)
    branch.client = environment.transactions.start(now, branch.branchId, message.method, hop, bytes, branch)
  }

  armTimerC(now: Millis, branch: Branch, after: Millis): void {
    const { deadlines } = this.environment
    deadlines.cancel(branch.timerC)
    branch.timerC = deadlines.set(now + after, { context: branch.context, branch })
  }

  /** RFC 3261 s.9.1: only after a provisional response; the rest is waited for no longer than 64*T1. */
  cancel(now: Millis, branch: Branch): void {
    const { client } = branch
    if (!this.invite || branch.state !== 'proceeding' || branch.cancelSent || client === undefined) return
    branch.cancelSent = true
    const { transactions } = this.environment
    transactions.start(now, branch.branchId, 'CANCEL', client.hop, cancelOf(client.bytes), undefined)
    this.armTimerC(now, branch, TIMER_B_MS)
  }

  private ask(branch: Branch, question: number): void {
    this.environment.questions.set(question, { kind: 'branch', branch })
  }

  private addressHop(host: string, port: number, transport: StreamOrDatagram): Hop {
    const listener = this.environment.identity.listenerFor(transport)?.id ?? 0
    return { transport, flow: 0, listener, host, port }
  }
}
