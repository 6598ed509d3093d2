/**
 * Looks after the peers of a call while phones ring: the one that the INVITE came from, and those that it went to. TCP does not say when the far
 * end has lost its power, and a peer that is gone sends no CANCEL: phones would ring for nobody, and a caller wait for nothing, until Timer C
 * (docs/adr/0036).
 */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { ServerTransaction } from '../transaction/machinery.ts'
import type { ForkContext, OriginAsker, ProxyTimer } from './branch.ts'
import { ANSWER_GRACE_MS } from './branch-sender.ts'
import type { Branches } from './branches.ts'
import { NO_REASONS } from './cancel-reasons.ts'
import type { ProxyEnvironment } from './environment.ts'
import { isSips } from './sips.ts'

/** Judgement: about two rings; a peer that lives has opened a flow that broke again by then. */
const LOOK_EVERY_MS: Millis = 10_000
/**
 * Looks at a peer that is there without having sent its INVITE again. One that waits for an answer does so as soon as it knows that its flow is
 * gone (docs/adr/0035), which a ping of its own tells it after a look and the time for an answer to that.
 */
const UNCLAIMED_LOOKS = 3

interface Parts {
  readonly server: ServerTransaction<ForkContext>
  readonly branches: Branches
  readonly invite: SipMessage
}

export class RingingPeers implements OriginAsker {
  private readonly environment: ProxyEnvironment
  private readonly context: ForkContext
  private readonly parts: Parts
  private look: Deadline<ProxyTimer> | undefined = undefined
  private over = false
  private asking = false
  private unclaimed = 0

  constructor(environment: ProxyEnvironment, context: ForkContext, parts: Parts) {
    this.environment = environment
    this.context = context
    this.parts = parts
  }

  /** From now on, unless it is so already. */
  rings(now: Millis): void {
    if (this.look === undefined && !this.over) this.lookLater(now)
  }

  /** The caller has been answered. */
  end(): void {
    this.over = true
    this.environment.deadlines.cancel(this.look)
    this.look = undefined
  }

  /** Time to look. */
  timeout(now: Millis): void {
    const { ports } = this.environment
    const { server, branches } = this.parts
    for (const { state, client } of branches.all)
      if (state === 'proceeding' && client?.hop.transport === 'peer') ports.probePeer(client.hop.flow)
    if (server.hop.transport === 'peer') this.lookForOrigin(now, server.hop)
    if (!this.over) this.lookLater(now)
  }

  /** Answer to the search for the origin; undefined when it cannot be reached. */
  reached(now: Millis, hop: Hop | undefined): void {
    this.asking = false
    // It may have come back by itself meanwhile.
    if (hop === undefined && !this.over && !this.hasOrigin) this.forNobody(now)
  }

  private lookForOrigin(now: Millis, { host, flow }: Hop): void {
    const { ports } = this.environment
    if (this.hasOrigin) {
      this.unclaimed = 0
      ports.probePeer(flow)
    } else if (!this.asking) {
      const other = ports.peerHop(host)
      if (other === undefined) this.seekOrigin(now, host)
      else if (this.isAdapter(host) && ++this.unclaimed >= UNCLAIMED_LOOKS) this.forNobody(now)
      else ports.probePeer(other.flow)
    }
  }

  /** A flow to it is opened from here: the other end may not know yet that the one of the INVITE is gone. */
  private seekOrigin(now: Millis, host: string): void {
    const { ports, questions, settings } = this.environment
    const budget = settings.peerFlowBudgetMs.invite
    // A peer that does sips alone has no other flow.
    const secure = isSips(this.parts.invite.requestUri)
    const id = ports.openPeerFlow(`node:${host}`, secure, budget, '')
    this.asking = true
    questions.ask(id, { kind: 'origin', origin: this }, now + budget + ANSWER_GRACE_MS)
  }

  /** The caller's peer is gone, or has begun anew and knows nothing of the call. */
  private forNobody(now: Millis): void {
    this.end()
    this.context.cancel(now, NO_REASONS)
  }

  /** Others than adapter peers, which show their Node-ID in Via (M-26), need not send an INVITE again. */
  private isAdapter(host: string): boolean {
    return this.parts.invite.topVia.host.toLowerCase().startsWith(`${host}.`)
  }

  private get hasOrigin(): boolean {
    return this.environment.ports.flowHop(this.parts.server.hop.flow) !== undefined
  }

  private lookLater(now: Millis): void {
    const { context } = this
    this.look = this.environment.deadlines.set(now + LOOK_EVERY_MS, { kind: 'ringing', context })
  }
}
