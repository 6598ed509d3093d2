import type { Deadline } from '../common/deadlines.ts'
import type { Millis, Now, WallTime } from '../common/time.ts'
import {
  APPLICATION,
  key,
  sameId,
  type ChannelId,
  type CommandError,
  type CommandId,
  type Journey,
  type NodeId,
  type PeerEvent,
} from '../reload/index.ts'
import type { PeerFlowOutcome, RequestId, SipAction } from '../sip/index.ts'
import { flowId, flowKey, label } from './flow-names.ts'
import { FlowOpenings } from './flow-openings.ts'
import { FlowPulse, isKeepAlive, PING, PONG_WITHIN_MS } from './flow-pulse.ts'
import { destinationsOf, terminalNode } from './overlay-address.ts'
import type { AdapterParts, AdapterTimer } from './parts.ts'

type FlowQuestion = Extract<SipAction, { kind: 'openPeerFlow' }>
type FlowOpened = Extract<PeerEvent, { kind: 'appFlowOpened' }>

/** CRLF keep-alive on TCP: 95 to 120 s (adapter-mapping s.5.2). */
const KEEPALIVE_MS = 95_000
const KEEPALIVE_SPREAD_MS = 25_000
/**
 * The first ping of whoever has opened a flow shows whether the far end answers any. Judgement: behind the first messages, since a ping before one in the same
 * record hides that from tools that read captures.
 */
const FIRST_PING_MS = 700
/** What a flow that has lost against its twin is still kept for: the longest that a transaction waits. */
const DRAIN_MS = 32_000
/**
 * Judgement: of these for one node and application. A node that opens one flow after the other would else push the idle flows of all others out, in the
 * middle of their calls.
 */
const DRAINING_PER_NODE_MAX = 3

/** One proven SIP flow to another node. */
interface Flow {
  readonly channel: ChannelId
  readonly node: NodeId
  readonly application: number
  readonly initiator: boolean
  /** Lost against a twin (glare): answers may still use it, new requests do not. */
  draining: boolean
  /** Keep-alives are no use. */
  usedMs: Millis
  readonly pulse: FlowPulse
  /** When the next ping is due. */
  pingAt: Millis
  timer: Deadline<AdapterTimer> | undefined
}

/**
 * Application flows to other nodes: one bidirectional flow a node and application, shared by all users (M-25), opened by
 * AppAttach when first needed, closed when idle.
 */
export class FlowPool {
  private readonly parts: AdapterParts
  /** Usable flows by `<hex Node-ID>|<application>`. */
  private readonly usable = new Map<string, Flow>()
  private readonly flows = new Map<ChannelId, Flow>()
  private readonly openings: FlowOpenings

  constructor(parts: AdapterParts) {
    this.parts = parts
    this.openings = new FlowOpenings(parts)
  }

  /** The SIP core wants a flow to a peer address; answered by `peerFlow`, at once when one is open. */
  open(now: Now, { id, address, secure, budgetMs, callId }: FlowQuestion): void {
    const destinations = destinationsOf(address)
    // Adapter-mapping s.4.5: a GRUU that nobody has given out.
    if (destinations === undefined && address.startsWith('gr:'))
      return this.answer(id, { ok: false, status: 404, reason: 'Not Found' })
    const terminal = destinations === undefined ? undefined : terminalNode(destinations)
    if (destinations === undefined || terminal === undefined || sameId(terminal, this.parts.self)) {
      return this.answer(id, { ok: false, status: 480, reason: 'Temporarily Unavailable' })
    }
    const flow = this.find(terminal, secure)
    if (flow !== undefined) {
      flow.usedMs = now.ms
      this.parts.instruments.flowsReused.add(label(flow.application))
      this.parts.calls?.note(now, callId, {
        kind: 'flow',
        node: key(terminal),
        how: 'reused',
        tookMs: 0,
        journey: undefined,
        handshakeMs: undefined,
        fault: undefined,
      })
      return this.answer(id, { ok: true, flow: flowId(flow.channel) })
    }
    const application = secure ? APPLICATION.sips : APPLICATION.sip
    this.openings.attach(now, { id, callId }, { destinations, terminal, application, budgetMs })
  }

  /** The peer core proved a flow, asked for by us or by the far end. */
  opened(now: Now, event: FlowOpened): void {
    const { channel, nodeId: node, certificate, application, initiator } = event
    const flow: Flow = {
      channel,
      node,
      application,
      initiator,
      draining: false,
      usedMs: now.ms,
      pulse: new FlowPulse(),
      pingAt: 0,
      timer: undefined,
    }
    this.flows.set(channel, flow)
    const name = flowKey(node, application)
    const twin = this.usable.get(name)
    if (twin === undefined || this.outranks(flow, twin)) {
      if (twin !== undefined) this.drain(now, twin)
      this.usable.set(name, flow)
    } else {
      flow.draining = true
    }
    this.watch(now, flow)
    this.thin(flow)
    this.parts.sip({
      kind: 'peerFlowUp',
      flow: flowId(channel),
      peer: key(node),
      secure: application === APPLICATION.sips,
      user: certificate.userName,
    })
    this.openings.opened(now, name, (this.usable.get(name) ?? flow).channel, event)
    this.evict(now)
  }

  /** True when the failed command was one of our AppAttaches. */
  failed(now: Now, id: CommandId, error: CommandError, journey?: Journey): boolean {
    return this.openings.failed(now, id, error, journey)
  }

  /** An entry that names this node was stored at that time. */
  seenAlive(node: NodeId, storedAt: WallTime): void {
    this.openings.seenAlive(node, storedAt)
  }

  /** A link of the overlay to this node has come up. */
  linked(node: NodeId): void {
    this.openings.linked(node)
  }

  closed(channel: ChannelId): boolean {
    const flow = this.flows.get(channel)
    if (flow === undefined) return false
    this.flows.delete(channel)
    this.parts.deadlines.cancel(flow.timer)
    const name = flowKey(flow.node, flow.application)
    if (this.usable.get(name) === flow) this.usable.delete(name)
    return true
  }

  owns(channel: ChannelId): boolean {
    return this.flows.has(channel)
  }

  /** Bytes come by the flow. */
  heard(now: Now, channel: ChannelId, bytes: Uint8Array): void {
    this.flows.get(channel)?.pulse.heard(bytes)
    this.sent(now, channel, bytes)
  }

  /** Bytes go by the flow. */
  sent(now: Now, channel: ChannelId, bytes: Uint8Array): void {
    const flow = this.flows.get(channel)
    if (flow !== undefined && !isKeepAlive(bytes)) flow.usedMs = now.ms
  }

  /** Somebody waits for the peer at the far end: it is asked for a sign of life, and the flow is closed when none comes. */
  probe(now: Now, channel: ChannelId): void {
    const flow = this.flows.get(channel)
    if (flow !== undefined && !flow.pulse.asking) this.ping(now, flow)
  }

  timeout(now: Now, name: string, what: 'idle' | 'reverse'): void {
    if (what === 'reverse') return this.openings.timeout(now, name)
    const flow = this.flows.get(Number(name))
    if (flow === undefined) return
    if (flow.pulse.asking && !flow.pulse.judged()) {
      this.parts.trace({ level: 'info', area: 'adapter', event: 'peer_flow_silent', node: key(flow.node) })
      return this.close(flow)
    }
    const idleMs = flow.draining ? DRAIN_MS : 1000 * this.parts.settings.flowIdleS
    if (now.ms - flow.usedMs >= idleMs && !this.parts.isRegisteredBy(flowId(flow.channel)))
      return this.close(flow)
    if (flow.draining || flow.pingAt > now.ms) this.schedule(now, flow)
    else this.ping(now, flow)
  }

  /** Flows to these nodes are closed: the Configuration Document lists them as bad now. */
  cutOff(nodes: readonly NodeId[]): void {
    for (const flow of [...this.flows.values()]) {
      if (nodes.some((node) => sameId(node, flow.node))) this.close(flow)
    }
  }

  counts(): { sip: number; sips: number } {
    let sips = 0
    for (const flow of this.flows.values()) if (flow.application === APPLICATION.sips) sips++
    return { sip: this.flows.size - sips, sips }
  }

  /** sips needs a 5061 flow; sip takes a 5060 flow and may use a 5061 one, never the other way round. */
  private find(node: NodeId, secure: boolean): Flow | undefined {
    const sips = this.usable.get(flowKey(node, APPLICATION.sips))
    return secure ? sips : (this.usable.get(flowKey(node, APPLICATION.sip)) ?? sips)
  }

  private answer(id: RequestId, outcome: PeerFlowOutcome): void {
    this.parts.sip({ kind: 'peerFlow', id, outcome })
  }

  /** Of two flows to one node the one that the numerically higher Node-ID initiated stays (adapter-mapping s.5.2). */
  private outranks(flow: Flow, twin: Flow): boolean {
    if (flow.initiator === twin.initiator) return true
    const initiatedByUs = key(this.parts.self) > key(flow.node)
    return flow.initiator === initiatedByUs
  }

  private drain(now: Now, flow: Flow): void {
    flow.draining = true
    flow.usedMs = now.ms
    if (!flow.pulse.asking) this.wake(flow, now.ms + DRAIN_MS)
  }

  /** Of the flows to a node that drain those that were opened first go, but for a few. */
  private thin({ node, application }: Flow): void {
    const draining = [...this.flows.values()].filter(
      (flow) => flow.draining && flow.application === application && sameId(flow.node, node),
    )
    for (const flow of draining.slice(0, -DRAINING_PER_NODE_MAX)) this.close(flow)
  }

  private watch(now: Now, flow: Flow): void {
    if (flow.initiator) flow.pingAt = now.ms + FIRST_PING_MS
    this.schedule(now, flow)
  }

  private ping(now: Now, flow: Flow): void {
    this.parts.outbox.push({ to: 'channel', channel: flow.channel, bytes: PING })
    flow.pulse.asked()
    flow.pingAt = now.ms + KEEPALIVE_MS + this.parts.random.int(KEEPALIVE_SPREAD_MS)
    this.wake(flow, now.ms + PONG_WITHIN_MS)
  }

  private schedule(now: Now, flow: Flow): void {
    if (flow.pingAt <= now.ms)
      flow.pingAt = now.ms + KEEPALIVE_MS + this.parts.random.int(KEEPALIVE_SPREAD_MS)
    this.wake(flow, flow.draining ? now.ms + DRAIN_MS : flow.pingAt)
  }

  private wake(flow: Flow, at: Millis): void {
    const { deadlines } = this.parts
    deadlines.cancel(flow.timer)
    flow.timer = deadlines.set(at, { part: 'flows', key: String(flow.channel), what: 'idle' })
  }

  private close(flow: Flow): void {
    this.closed(flow.channel)
    this.parts.outbox.push({ to: 'channel', channel: flow.channel, bytes: undefined })
    this.parts.sip({ kind: 'flowClosed', flow: flowId(flow.channel) })
  }

  /** Over the cap the flow that was not used for longest goes. */
  private evict(now: Now): void {
    if (this.flows.size <= this.parts.settings.flowsMax) return
    let oldest: Flow | undefined
    for (const flow of this.flows.values()) {
      if (flow.usedMs < now.ms && (oldest === undefined || flow.usedMs < oldest.usedMs)) oldest = flow
    }
    if (oldest !== undefined) this.close(oldest)
  }
}
