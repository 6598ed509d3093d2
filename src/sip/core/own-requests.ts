/**
 * Requests that this node makes itself (RFC 3261 s.8.1): NOTIFYs of its subscriptions. Finds the hop, tries the next one where one fails
 * (RFC 3263 s.4.3), and tells whoever asked how it ended. Not for INVITE.
 */
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { isIpHost, type SipMessage } from '../message/index.ts'
import type {
  Branch,
  ForkContext,
  LargeRequests,
  OwnIdentity,
  PeerFlowOutcome,
  ResolveOutcome,
  Way,
} from '../proxy/index.ts'
import type { ClientTransaction, Hop, Transactions } from '../transaction/index.ts'
import { MAGIC_COOKIE } from '../transaction/index.ts'
import type { RequestId } from './contract.ts'
import type { Flows } from './flows.ts'
import type { RandomText } from './random-text.ts'

/** Longest wait for DNS; the resolver itself gives up earlier. */
const RESOLVE_BUDGET_MS: Millis = 12_000
/** The owner keeps the budgets; only when it is silent for this long beyond them is a question given up. */
const ANSWER_GRACE_MS: Millis = 1_000
/** Requests under way at one time; more than that are given up at once. */
const UNDER_WAY_MAX = 10_000

export interface OwnRequest {
  readonly method: string
  readonly uri: string
  readonly way: Way
  /** The request with this value as its top Via. */
  readonly bytes: (via: string) => Uint8Array
  /** Called once. `undefined`: nobody has answered. */
  readonly done: (now: Millis, response: SipMessage | undefined) => void
}

interface Pending {
  readonly request: OwnRequest
  client: ClientTransaction<Branch> | undefined
  alternatives: Hop[]
  /** Where a large request that went over TCP goes by UDP when that fails (RFC 3261 s.18.1.1). */
  datagramHop: Hop | undefined
}

export interface OwnRequestComponents {
  readonly flows: Flows
  readonly identity: OwnIdentity
  readonly texts: RandomText
  readonly transactions: Transactions<ForkContext, Branch>
  readonly largeRequests: LargeRequests
  openPeerFlow(address: string, secure: boolean, budgetMs: Millis): RequestId
  resolve(way: Extract<Way, { kind: 'host' }>): RequestId
}

export class OwnRequests {
  private readonly components: OwnRequestComponents
  private readonly peerFlowBudgetMs: Millis
  private readonly questions = new OpenQuestions<Pending>()
  private readonly underWay = new Map<ClientTransaction<Branch>, Pending>()

  constructor(components: OwnRequestComponents, init: { readonly peerFlowBudgetMs: Millis }) {
    this.components = components
    this.peerFlowBudgetMs = init.peerFlowBudgetMs
  }

  nextDeadline(): Millis {
    return this.questions.nextDeadline()
  }

  send(now: Millis, request: OwnRequest): void {
    const { components } = this
    const pending: Pending = { request, client: undefined, alternatives: [], datagramHop: undefined }
    const { way } = request
    if (this.underWay.size + this.questions.size >= UNDER_WAY_MAX) {
      request.done(now, undefined)
    } else if (way.kind === 'hop') {
      this.start(now, pending, way.hop)
    } else if (way.kind === 'peer') {
      const id = components.openPeerFlow(way.address, way.secure, this.peerFlowBudgetMs)
      this.questions.ask(id, pending, now + this.peerFlowBudgetMs + ANSWER_GRACE_MS)
    } else if (isIpHost(way.host)) {
      const transport = way.transport ?? (way.secure ? 'tls' : 'udp')
      const port = way.port ?? (transport === 'tls' ? 5061 : 5060)
      this.start(now, pending, this.addressHop(way.host, port, transport))
    } else {
      this.questions.ask(components.resolve(way), pending, now + RESOLVE_BUDGET_MS + ANSWER_GRACE_MS)
    }
  }

  /** True when the answer was to a question of ours. */
  peerFlow(now: Millis, id: RequestId, outcome: PeerFlowOutcome): boolean {
    const pending = this.questions.take(id)
    if (pending === undefined) return false
    const hop = outcome.ok ? this.components.flows.get(outcome.flow)?.hop : undefined
    if (hop === undefined) pending.request.done(now, undefined)
    else this.start(now, pending, hop)
    return true
  }

  /** True when the answer was to a question of ours. */
  resolved(now: Millis, id: RequestId, outcome: ResolveOutcome): boolean {
    const pending = this.questions.take(id)
    if (pending === undefined) return false
    if (outcome.ok)
      pending.alternatives = outcome.addresses.map(({ host, port, transport }) =>
        this.addressHop(host, port, transport),
      )
    this.next(now, pending)
    return true
  }

  /** A response to a client transaction without a branch of the proxy. */
  responded(now: Millis, client: ClientTransaction<Branch>, response: SipMessage): void {
    if (response.status < 200) return
    const pending = this.underWay.get(client)
    if (pending === undefined) return
    this.underWay.delete(client)
    if (pending.datagramHop !== undefined) this.components.largeRequests.taken()
    pending.request.done(now, response)
  }

  /** A client transaction has ended without a response. */
  failed(now: Millis, client: ClientTransaction<Branch>, cause: 'timeout' | 'transport'): void {
    const pending = this.underWay.get(client)
    if (pending === undefined) return
    this.underWay.delete(client)
    // S3261-18.1-02: only a refusal says that UDP may do better.
    if (cause === 'timeout') pending.datagramHop = undefined
    this.next(now, pending)
  }

  expire(now: Millis): void {
    for (let lost = this.questions.overdue(now); lost !== undefined; lost = this.questions.overdue(now))
      lost.request.done(now, undefined)
  }

  private next(now: Millis, pending: Pending): void {
    const { datagramHop } = pending
    if (datagramHop !== undefined) {
      pending.datagramHop = undefined
      this.components.largeRequests.refusedBy(now, datagramHop)
      this.begin(now, pending, datagramHop)
      return
    }
    const hop = pending.alternatives.shift()
    if (hop === undefined) pending.request.done(now, undefined)
    else this.start(now, pending, hop)
  }

  private start(now: Millis, pending: Pending, wanted: Hop): void {
    const { flows, identity, largeRequests } = this.components
    const { request } = pending
    const hop = request.way.kind === 'host' ? flows.dial(wanted, request.way.host) : flows.dial(wanted)
    const stream = identity.listenerFor('tcp', hop.host)
    const size = hop.transport === 'udp' ? request.bytes(identity.via(hop, MAGIC_COOKIE)).length : 0
    if (stream !== undefined && largeRequests.wantsStream(now, size, hop, { ...request, routes: [] })) {
      pending.datagramHop = hop
      const { host, port } = hop
      this.begin(now, pending, flows.dial({ transport: 'tcp', flow: 0, listener: stream.id, host, port }))
    } else {
      this.begin(now, pending, hop)
    }
  }

  private begin(now: Millis, pending: Pending, hop: Hop): void {
    const { identity, texts, transactions } = this.components
    const { method, bytes } = pending.request
    const branch = `${MAGIC_COOKIE}${texts.hex(8)}`
    const message = bytes(identity.via(hop, branch))
    pending.client = transactions.start(now, branch, method, hop, message, undefined)
    this.underWay.set(pending.client, pending)
  }

  private addressHop(host: string, port: number, transport: Exclude<Hop['transport'], 'peer'>): Hop {
    const listener = this.components.identity.listenerFor(transport, host)?.id ?? 0
    return { transport, flow: 0, listener, host, port }
  }
}
