/**
 * Requests that this node makes itself (RFC 3261 s.8.1): NOTIFYs of its subscriptions, REGISTERs of its trunks. Finds the hop, tries the next one where one fails
 * (RFC 3263 s.4.3), and tells whoever asked how it ended. Not for INVITE.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { isIpHost, type SipMessage } from '../message/index.ts'
import {
  addOtherwise,
  isPassedOver,
  isSamePlace,
  SILENCE_MS,
  type ClientUser,
  type ForkContext,
  type HeldAddresses,
  type LargeRequests,
  type OwnIdentity,
  type PeerFlowOutcome,
  type ResolveOutcome,
  type Way,
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
  /** Of the addresses that are found the one to begin with: who has challenged the request knows the nonce, and others may not. */
  readonly first?: Hop | undefined
  /** The request with this value as its top Via, for this hop. */
  readonly bytes: (via: string, hop: Hop) => Uint8Array
  /** Called once, with where the answer came from. `undefined`: nobody has answered. */
  readonly done: (now: Millis, response: SipMessage | undefined, hop: Hop | undefined) => void
}

interface Pending {
  readonly request: OwnRequest
  client: ClientTransaction<ClientUser> | undefined
  alternatives: Hop[]
  /** Where a large request that went over TCP goes by UDP when that fails (RFC 3261 s.18.1.1). */
  datagramHop: Hop | undefined
  silence: Deadline<Pending> | undefined
}

export interface OwnRequestComponents {
  readonly flows: Flows
  readonly identity: OwnIdentity
  readonly texts: RandomText
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly largeRequests: LargeRequests
  readonly held: HeldAddresses
  openPeerFlow(address: string, secure: boolean, budgetMs: Millis): RequestId
  resolve(way: Extract<Way, { kind: 'host' }>): RequestId
}

export class OwnRequests {
  private readonly components: OwnRequestComponents
  private readonly peerFlowBudgetMs: Millis
  private readonly questions = new OpenQuestions<Pending>()
  private readonly underWay = new Map<ClientTransaction<ClientUser>, Pending>()
  private readonly silences = new Deadlines<Pending>()

  constructor(components: OwnRequestComponents, init: { readonly peerFlowBudgetMs: Millis }) {
    this.components = components
    this.peerFlowBudgetMs = init.peerFlowBudgetMs
  }

  nextDeadline(): Millis {
    return Math.min(this.questions.nextDeadline(), this.silences.next())
  }

  send(now: Millis, request: OwnRequest): void {
    const { components } = this
    const pending: Pending = {
      request,
      client: undefined,
      alternatives: [],
      datagramHop: undefined,
      silence: undefined,
    }
    const { way } = request
    if (this.underWay.size + this.questions.size >= UNDER_WAY_MAX) {
      request.done(now, undefined, undefined)
    } else if (way.kind === 'hop') {
      this.start(now, pending, way.hop)
    } else if (way.kind === 'peer') {
      const id = components.openPeerFlow(way.address, way.secure, this.peerFlowBudgetMs)
      this.questions.ask(id, pending, now + this.peerFlowBudgetMs + ANSWER_GRACE_MS)
    } else if (isIpHost(way.host)) {
      const transport = way.transport ?? (way.secure ? 'tls' : 'udp')
      const port = way.port ?? (transport === 'tls' ? 5061 : 5060)
      pending.alternatives = [this.addressHop(way.host, port, transport)]
      this.next(now, pending)
    } else {
      this.questions.ask(components.resolve(way), pending, now + RESOLVE_BUDGET_MS + ANSWER_GRACE_MS)
    }
  }

  /** True when the answer was to a question of ours. */
  peerFlow(now: Millis, id: RequestId, outcome: PeerFlowOutcome): boolean {
    const pending = this.questions.take(id)
    if (pending === undefined) return false
    const hop = outcome.ok ? this.components.flows.get(outcome.flow)?.hop : undefined
    if (hop === undefined) pending.request.done(now, undefined, undefined)
    else this.start(now, pending, hop)
    return true
  }

  /** True when the answer was to a question of ours. */
  resolved(now: Millis, id: RequestId, outcome: ResolveOutcome): boolean {
    const pending = this.questions.take(id)
    if (pending === undefined) return false
    const { way } = pending.request
    if (way.kind === 'host') {
      const hops: Hop[] = []
      for (const { host, port, transport } of outcome.ok ? outcome.addresses : NO_ADDRESSES)
        if (!isPassedOver(way, host, port, this.components.identity))
          hops.push(this.addressHop(host, port, transport))
      addOtherwise(way, hops)
      pending.alternatives = beginningWith(pending.request.first, this.components.held.usable(now, hops))
    }
    this.next(now, pending)
    return true
  }

  /** A response to a client transaction without a branch of the proxy. */
  responded(now: Millis, client: ClientTransaction<ClientUser>, response: SipMessage): void {
    if (response.status < 200) return
    const pending = this.underWay.get(client)
    if (pending === undefined) return
    this.ended(client, pending)
    const { largeRequests, held } = this.components
    if (pending.datagramHop !== undefined) largeRequests.taken()
    if (pending.request.way.kind === 'host') {
      // RFC 3263 s.4.3.
      if (response.status === 503) held.refused(now, client.hop, response)
      else held.alive(client.hop)
      if (response.status === 503 && pending.alternatives.length > 0) return this.next(now, pending)
    }
    pending.request.done(now, response, client.hop)
  }

  /** A client transaction has ended without a response. */
  failed(now: Millis, client: ClientTransaction<ClientUser>, cause: 'timeout' | 'transport'): void {
    const pending = this.underWay.get(client)
    if (pending === undefined) return
    this.ended(client, pending)
    if (pending.request.way.kind === 'host') this.components.held.failed(now, client.hop)
    // S3261-18.1-02: only a refusal says that UDP may do better.
    if (cause === 'timeout') pending.datagramHop = undefined
    this.next(now, pending)
  }

  expire(now: Millis): void {
    for (let lost = this.questions.overdue(now); lost !== undefined; lost = this.questions.overdue(now))
      lost.request.done(now, undefined, undefined)
    for (let silent = this.silences.pop(now); silent !== undefined; silent = this.silences.pop(now))
      this.overtake(now, silent)
  }

  /** While there are other addresses a silent one is not waited for (docs/adr/0016). */
  private overtake(now: Millis, pending: Pending): void {
    const { client } = pending
    if (client === undefined || this.underWay.get(client) !== pending) return
    const { transactions, held } = this.components
    this.ended(client, pending)
    held.failed(now, client.hop)
    transactions.abandon(client)
    this.next(now, pending)
  }

  private ended(client: ClientTransaction<ClientUser>, pending: Pending): void {
    this.underWay.delete(client)
    this.silences.cancel(pending.silence)
    pending.silence = undefined
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
    if (hop === undefined) pending.request.done(now, undefined, undefined)
    else this.start(now, pending, hop)
  }

  private start(now: Millis, pending: Pending, wanted: Hop): void {
    const { flows, identity, largeRequests } = this.components
    const { request } = pending
    const hop = request.way.kind === 'host' ? flows.dial(wanted, request.way.domain) : flows.dial(wanted)
    const stream = identity.listenerFor('tcp', hop.host)
    const size = hop.transport === 'udp' ? request.bytes(identity.via(hop, MAGIC_COOKIE), hop).length : 0
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
    const message = bytes(identity.via(hop, branch), hop)
    pending.client = transactions.start(now, branch, method, hop, message, undefined)
    this.underWay.set(pending.client, pending)
    if (pending.alternatives.length > 0) pending.silence = this.silences.set(now + SILENCE_MS, pending)
  }

  private addressHop(host: string, port: number, transport: Exclude<Hop['transport'], 'peer'>): Hop {
    const listener = this.components.identity.listenerFor(transport, host)?.id ?? 0
    return { transport, flow: 0, listener, host, port }
  }
}

const NO_ADDRESSES: readonly never[] = []

function beginningWith(first: Hop | undefined, hops: Hop[]): Hop[] {
  const at = first === undefined ? -1 : hops.findIndex((hop) => isSamePlace(hop, first))
  return at <= 0 ? hops : [...hops.splice(at, 1), ...hops]
}
