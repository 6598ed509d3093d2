/**
 * Requests that go on without a transaction (RFC 3261 s.16.11): the ACK of a 2xx, which nobody answers, and a CANCEL of nothing we know.
 */
import type { Millis } from '../../common/time.ts'
import type { Hop, Wire } from '../transaction/hop.ts'
import { ANSWER_GRACE_MS, RESOLVE_BUDGET_MS, routesOf } from './branch-sender.ts'
import { identityFor } from './caller-identity.ts'
import type { ProxyEnvironment } from './environment.ts'
import { forwardedBytes } from './forward.ts'
import { standInOf, targetOf } from './goal-target.ts'
import { branchOf, loopHash, textSum } from './loop.ts'
import { outgoingOf } from './outgoing.ts'
import { isPassedOver } from './phone-target.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { obeyScheme } from './sips.ts'
import { nextPeer, StandInAck } from './stand-in.ts'
import type { Target } from './targets.ts'

export class StatelessForwarding {
  private readonly environment: ProxyEnvironment
  private readonly wire: Wire
  /** Begins our branches, which no other element makes. */
  private readonly own: string

  constructor(environment: ProxyEnvironment, wire: Wire) {
    this.environment = environment
    this.wire = wire
    this.own = environment.ports.branchId()
  }

  /** Dropped when there is no way. */
  forward(request: ProxyRequest): void {
    const peer = nextPeer(request.incoming.message, request.goal)
    const known = peer === undefined ? undefined : standInOf(this.environment, request, peer)
    const wanted = known ?? targetOf(this.environment, request, 'dns')
    const { arrivedAt } = request.incoming
    if (wanted !== undefined) this.send(arrivedAt, request, wanted, known === undefined ? peer : undefined)
  }

  /** `peer`: the one that it goes to, which others may stand in for. */
  private send(now: Millis, request: ProxyRequest, wanted: Target, peer: string | undefined): void {
    const { ports, transactions } = this.environment
    const { message: original } = request.incoming
    const { sipToSips } = this.environment.settings
    const verdict = obeyScheme(wanted, original.uri?.scheme === 'sips', sipToSips)
    if (!verdict.ok) return
    const { target } = verdict
    const hash = loopHash(original, request.side)
    // s.16.11: the same for each copy of it, by which the phone knows the ACK of a 200 that was sent again.
    const branch = branchOf(`${this.own}${textSum(original.topVia.raw)}`, hash)
    const outgoing = outgoingOf(this.environment, request, hash)
    const domain = target.way.kind === 'peer' ? undefined : target.way.domain
    const sendBy = (wanted: Hop): void => {
      const hop = ports.dial(wanted, domain)
      const { incoming, routes } = outgoing
      const { identity, tokens, settings } = this.environment
      const bytes = forwardedBytes(
        {
          message: incoming.message,
          requestUri: target.uri,
          routes: routesOf(target, routes, incoming.message),
          recordRouteTo: undefined,
          dialogHop: hop,
          breadth: undefined,
          topVia: incoming.topVia,
          realm: settings.realm,
          credentials: undefined,
          caller: identityFor(request.caller, hop, ports.trusts),
        },
        hop,
        branch,
        identity,
        tokens,
      )
      transactions.traffic.requestSent(original.method, hop.transport)
      this.wire.send(hop, bytes)
    }
    if (target.way.kind === 'hop') sendBy(target.way.hop)
    else if (target.way.kind === 'peer') {
      const { address, secure } = target.way
      const budget = this.environment.settings.peerFlowBudgetMs.other
      const id = ports.openPeerFlow(address, secure, budget, original.callId)
      const lost =
        peer === undefined
          ? undefined
          : (at: Millis): void => {
              const ack = new StandInAck(this.environment, request, (later, other) => {
                this.send(later, request, other, undefined)
              })
              ack.start(at, peer)
            }
      this.environment.questions.ask(
        id,
        { kind: 'stateless', send: sendBy, lost },
        now + budget + ANSWER_GRACE_MS,
      )
    } else {
      const { way } = target
      const { host, port, transport, secure, otherwise } = way
      // Nobody says where it was missed, and two of them do no harm.
      if (otherwise !== undefined) sendBy(otherwise)
      const send = (hop: Hop): void => {
        if (!isPassedOver(way, hop.host, hop.port, this.environment.identity)) sendBy(hop)
      }
      const id = ports.resolve(host, port, transport, secure)
      this.environment.questions.ask(
        id,
        { kind: 'stateless', send },
        now + RESOLVE_BUDGET_MS + ANSWER_GRACE_MS,
      )
    }
  }
}
