/**
 * Responses whose way back is gone: the connection of the request was closed before they left (RFC 3261 s.18.2.2, RFC 3263 s.5,
 * adapter-mapping s.5.3). Each is worth one more attempt at every place that the request has named, and is dropped after that (RFC 6026:
 * nothing else is left to do). Does no I/O.
 */
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { defaultPort } from '../location/index.ts'
import {
  addressBytes,
  isInNetwork,
  isIpv4,
  isIpv6,
  parseMessage,
  parseNetwork,
  type NameAddr,
  type ParseLimits,
  type SipMessage,
} from '../message/index.ts'
import type { PeerFlowOutcome, ResolveOutcome } from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'
import type { FlowId, RequestId, Transport } from './contract.ts'

/** Responses under way to another place; each is small and waits for seconds. */
const LOST_MAX = 1_000
/** Beyond the budget that the owner was given. */
const ANSWER_GRACE_MS: Millis = 1_000
/** Longest wait for DNS; the resolver itself gives up earlier. */
const RESOLVE_BUDGET_MS: Millis = 12_000
/** Addresses of one name that are tried. */
const ADDRESSES_MAX = 4
/** This machine, its own wire, and many at once: no name of somebody elsewhere leads there in good faith. */
const NEARBY = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
].flatMap((text) => parseNetwork(text) ?? [])

export interface LostResponsesPorts {
  /** Where the phone is now that has sent a request by a flow, with this From; undefined when it has not registered since. */
  successor(flow: FlowId, asker: NameAddr): Hop | undefined
  /** False when the connection of the request is not half open. */
  answerHalfOpen(now: Millis, hop: Hop, bytes: Uint8Array): boolean
  openPeerFlow(address: string, budgetMs: Millis): RequestId
  resolve(host: string, port: number | undefined, transport: Transport): RequestId
  peerHop(flow: FlowId): Hop | undefined
  dial(hop: Hop, domain: string): Hop
  isUp(flow: FlowId): boolean
  /** False when that flow is gone as well. */
  send(hop: Hop, bytes: Uint8Array): boolean
}

/** One response that looks for a way. */
interface Lost {
  readonly bytes: Uint8Array
  readonly transport: Transport
  /** What the certificate has to name where TLS is used. */
  readonly domain: string
  /** Places that are still to be tried. */
  readonly hops: Hop[]
  /** The request came from this machine or its own wire. */
  readonly nearby: boolean
  /** Sent-by, when it is a name that nobody has looked up yet. */
  name: { readonly host: string; readonly port: number | undefined } | undefined
}

export class LostResponses {
  private readonly ports: LostResponsesPorts
  private readonly init: { readonly peerFlowBudgetMs: Millis; readonly limits: ParseLimits }
  private readonly toPeers = new OpenQuestions<Uint8Array>()
  private readonly lookUps = new OpenQuestions<Lost>()
  /** Those that wait for a connection, by its flow. */
  private readonly connecting = new Map<FlowId, Lost[]>()
  private underWay = 0

  constructor(
    ports: LostResponsesPorts,
    init: { readonly peerFlowBudgetMs: Millis; readonly limits: ParseLimits },
  ) {
    this.ports = ports
    this.init = init
  }

  /** Responses that wait for a way. */
  get size(): number {
    return this.underWay
  }

  nextDeadline(): Millis {
    return Math.min(this.toPeers.nextDeadline(), this.lookUps.nextDeadline())
  }

  /** `hop` is where the response should have gone. */
  take(now: Millis, hop: Hop, bytes: Uint8Array): void {
    const parsed = parseMessage(bytes, this.init.limits)
    if (!parsed.ok) return
    if (hop.transport !== 'peer') {
      const successor = this.ports.successor(hop.flow, parsed.value.from)
      if (successor !== undefined && this.ports.send(successor, bytes)) return
      if (this.ports.answerHalfOpen(now, hop, bytes)) return
    }
    if (this.underWay >= LOST_MAX) return
    if (hop.transport === 'peer') {
      const budget = this.init.peerFlowBudgetMs
      this.underWay++
      this.toPeers.ask(
        this.ports.openPeerFlow(`node:${hop.host}`, budget),
        bytes,
        now + budget + ANSWER_GRACE_MS,
      )
      return
    }
    // RFC 7118 s.5: nobody connects to a browser.
    if (hop.transport !== 'tcp' && hop.transport !== 'tls') return
    const lost = this.placesOf(hop, hop.transport, bytes, parsed.value)
    this.underWay++
    this.next(now, lost)
  }

  /** Answer to `openPeerFlow`; true when it was asked for here. */
  peerFlow(id: RequestId, outcome: PeerFlowOutcome): boolean {
    const bytes = this.toPeers.take(id)
    if (bytes === undefined) return false
    this.underWay--
    const hop = outcome.ok ? this.ports.peerHop(outcome.flow) : undefined
    if (hop !== undefined) this.ports.send(hop, bytes)
    return true
  }

  /** Answer to `resolve`; true when it was asked for here. */
  resolved(now: Millis, id: RequestId, outcome: ResolveOutcome): boolean {
    const lost = this.lookUps.take(id)
    if (lost === undefined) return false
    if (outcome.ok) {
      // S-24: strangers choose the name; what listens here for this machine alone is not for them to be connected to.
      const addresses = outcome.addresses.filter(({ host }) => lost.nearby || !isNearby(host))
      for (const { host, port, transport } of addresses.slice(0, ADDRESSES_MAX))
        if (transport === lost.transport) lost.hops.push(hopTo(transport, host, port))
    }
    this.next(now, lost)
    return true
  }

  /** What waited for this connection has left with it. */
  opened(flow: FlowId): void {
    this.underWay -= this.connecting.get(flow)?.length ?? 0
    this.connecting.delete(flow)
  }

  /** The connection did not come about: the next place is tried. */
  closed(now: Millis, flow: FlowId): void {
    const waiting = this.connecting.get(flow)
    if (waiting === undefined) return
    this.connecting.delete(flow)
    for (const lost of waiting) this.next(now, lost)
  }

  expire(now: Millis): void {
    while (this.toPeers.overdue(now) !== undefined) this.underWay--
    for (let lost = this.lookUps.overdue(now); lost !== undefined; lost = this.lookUps.overdue(now))
      this.underWay--
  }

  /** RFC 3261 s.18.2.2: the source with the port of sent-by. RFC 3263 s.5: then sent-by itself. */
  private placesOf(hop: Hop, transport: 'tcp' | 'tls', bytes: Uint8Array, response: SipMessage): Lost {
    const { host, port } = response.topVia
    const numeric = isIpv4(host) || isIpv6(host)
    // A sent-by address that is not the source lies behind somebody's NAT: what we would reach there is not who has asked.
    return {
      bytes,
      transport,
      domain: host,
      hops: [hopTo(transport, hop.host, port ?? defaultPort(transport))],
      nearby: isNearby(hop.host),
      name: numeric ? undefined : { host, port },
    }
  }

  private next(now: Millis, lost: Lost): void {
    for (let place = lost.hops.shift(); place !== undefined; place = lost.hops.shift()) {
      const hop = this.ports.dial(place, lost.domain)
      if (!this.ports.send(hop, lost.bytes)) continue
      if (this.ports.isUp(hop.flow)) {
        this.underWay--
        return
      }
      const waiting = this.connecting.get(hop.flow)
      if (waiting === undefined) this.connecting.set(hop.flow, [lost])
      else waiting.push(lost)
      return
    }
    const { name } = lost
    if (name === undefined) {
      this.underWay--
      return
    }
    lost.name = undefined
    const id = this.ports.resolve(name.host, name.port, lost.transport)
    this.lookUps.ask(id, lost, now + RESOLVE_BUDGET_MS + ANSWER_GRACE_MS)
  }
}

function isNearby(host: string): boolean {
  const address = addressBytes(host)
  return address !== undefined && NEARBY.some((network) => isInNetwork(address, network))
}

function hopTo(transport: Transport, host: string, port: number): Hop {
  return { transport, flow: 0, listener: 0, host, port }
}
