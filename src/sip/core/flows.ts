/**
 * The flows of this node: streams of phones, streams that we open, flows to peers. Frames what they bring, sends what
 * they are given, and knows which are up. The wire of the transaction layer.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { Tally } from '../../common/instruments.ts'
import type { Outbox } from '../../common/outbox.ts'
import { sourceOf } from '../../common/rate-limit.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { canonicalAddress, type ParseLimits } from '../message/index.ts'
import {
  MessageFramer,
  StreamFramer,
  UnfinishedMessages,
  unfinishedBytesMax,
  type FramerOutput,
  type Unfinished,
} from '../transport/index.ts'
import { isSecure, type Hop, type Wire } from '../transaction/index.ts'
import type { FlowId, SipAction, SipListener } from './contract.ts'
import { HalfOpenFlows, isFinal } from './half-open-flows.ts'
import { KeepAlives, type Listened } from './keep-alives.ts'
import { certificateName } from './trusted-sources.ts'

/** Messages that wait for a flow to open. A branch or two; more means that nobody answers there. */
const PENDING_MAX = 32
const PONG = new Uint8Array([13, 10])
const NO_IDENTITIES: readonly string[] = []
/** Names of one certificate that are looked at. Real ones have a handful. */
const IDENTITIES_MAX = 100

export interface Flow extends Listened<Flow>, Unfinished {
  readonly hop: Hop
  readonly side: 'accepted' | 'connected'
  /** Good for sips: TLS to phones, application 5061 to peers. */
  readonly secure: boolean
  /** Of a peer: the user whom its certificate names. */
  readonly user: string | undefined
  /** The name that this node has asked for when it opened the connection. */
  readonly dialledFor: string | undefined
  /** Of a phone or trunk: names that its TLS certificate has proven, as `certificateName` spells them. */
  readonly identities: readonly string[]
  up: boolean
  readonly framer: StreamFramer | MessageFramer
  /** Under which of `byAddress` it is found. */
  readonly keys: readonly string[]
  pending: Uint8Array[]
  /** Requests that came on it, less the final answers that left. Those that are never answered stay in it. */
  owed: number
  framerDeadline: Deadline<Flow> | undefined
}

export type FlowLimits = ParseLimits & { readonly flowsMax: number }

export class Flows implements Wire {
  readonly opened = new Tally(perStream(['accepted', 'connected']))
  readonly closed = new Tally(perStream(['remote', 'local', 'error']))
  private readonly outbox: Outbox<SipAction>
  private readonly listeners: readonly SipListener[]
  /** Read at every use: they may change. */
  private readonly limits: FlowLimits
  private readonly flows = new Map<FlowId, Flow>()
  /** Flows that requests may reuse, by transport, address and, on TLS, the name that the far end has proven. */
  private readonly byAddress = new Map<string, FlowId>()
  private readonly peers = new Map<string, Set<FlowId>>()
  private readonly framers = new Deadlines<Flow>()
  readonly keepAlives = new KeepAlives<Flow>()
  readonly halfOpen: HalfOpenFlows
  readonly unfinished: UnfinishedMessages<Flow>
  /** Responses whose flow is gone: told to the owner, who may find another way. */
  private readonly orphaned: (hop: Hop, bytes: Uint8Array) => void
  private readonly sent: ((hop: Hop, bytes: Uint8Array) => void) | undefined
  private nextFlow: FlowId = 1

  constructor(
    components: {
      readonly outbox: Outbox<SipAction>
      readonly orphaned: (hop: Hop, bytes: Uint8Array) => void
      /** Told of everything that is sent; absent when nobody listens. */
      readonly sent?: ((hop: Hop, bytes: Uint8Array) => void) | undefined
    },
    init: {
      readonly listeners: readonly SipListener[]
      readonly limits: FlowLimits
    },
  ) {
    const { limits } = init
    this.unfinished = new UnfinishedMessages(() =>
      unfinishedBytesMax({
        flows: limits.flowsMax,
        messageBytes: limits.headBytesMax + limits.bodyBytesMax,
      }),
    )
    this.outbox = components.outbox
    this.halfOpen = new HalfOpenFlows(components.outbox)
    this.orphaned = components.orphaned
    this.sent = components.sent
    this.listeners = init.listeners
    this.limits = init.limits
  }

  /** transport|side to number of flows that are up. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const flow of this.flows.values()) {
      if (!flow.up) continue
      const key = `${flow.hop.transport}|${flow.side}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }

  /** Names that the certificate of a flow has proven; none for datagrams. */
  identities(flow: FlowId): readonly string[] {
    return this.flows.get(flow)?.identities ?? NO_IDENTITIES
  }

  get(flow: FlowId): Flow | undefined {
    return this.flows.get(flow)
  }

  isUp(flow: FlowId): boolean {
    return this.flows.get(flow)?.up === true
  }

  /** The latest flow to a node; with `secure` only one that sips may use. */
  peerHop(hex: string, secure = false): Hop | undefined {
    let latest: Hop | undefined
    for (const id of this.peers.get(hex) ?? []) {
      const flow = this.flows.get(id)
      if (flow !== undefined && (flow.secure || !secure)) latest = flow.hop
    }
    return latest
  }

  accepted(
    flow: FlowId,
    listener: number,
    host: string,
    port: number,
    identities: readonly string[] = NO_IDENTITIES,
  ): void {
    const transport = this.listeners.find((l) => l.id === listener)?.transport ?? 'tcp'
    if (this.flows.size >= this.limits.flowsMax) {
      this.outbox.push({ kind: 'closeFlow', flow })
      return
    }
    const proven = identities.slice(0, IDENTITIES_MAX).map(certificateName)
    const names = proven.filter((name) => name !== undefined)
    const hop: Hop = { transport, flow, listener, host: canonicalAddress(host), port }
    this.add(hop, { side: 'accepted', secure: isSecure(hop), up: true, identities: names, names })
  }

  peerUp(flow: FlowId, hex: string, secure: boolean, user: string | undefined): void {
    const hop: Hop = { transport: 'peer', flow, listener: 0, host: hex, port: 0 }
    this.add(hop, { side: 'connected', secure, up: true, user, names: [] })
    const flows = this.peers.get(hex)
    if (flows === undefined) this.peers.set(hex, new Set([flow]))
    else flows.add(flow)
  }

  /** Answer to `openFlow`: what waited goes out. */
  openedByUs(flow: FlowId): void {
    const record = this.flows.get(flow)
    if (record === undefined || record.up) return
    record.up = true
    this.opened.add(`${record.hop.transport}|connected`)
    for (const bytes of record.pending) this.outbox.push({ kind: 'sendFlow', flow, bytes })
    record.pending = []
  }

  /** Forgets a flow that is gone; false when it was not known. */
  remove(flow: FlowId, reason: 'remote' | 'local' | 'error'): boolean {
    const record = this.flows.get(flow)
    if (record === undefined) return false
    const { hop } = record
    this.flows.delete(flow)
    this.framers.cancel(record.framerDeadline)
    this.keepAlives.forget(record)
    this.unfinished.note(record, 0)
    for (const key of record.keys) if (this.byAddress.get(key) === flow) this.byAddress.delete(key)
    const ofPeer = hop.transport === 'peer' ? this.peers.get(hop.host) : undefined
    if (ofPeer?.delete(flow) === true && ofPeer.size === 0) this.peers.delete(hop.host)
    this.closed.add(`${hop.transport}|${reason}`)
    return true
  }

  /** The far end says no more: the flow is gone but for the answers that it waits for. False when it was not known. */
  ended(now: Millis, flow: FlowId): boolean {
    const owed = this.flows.get(flow)?.owed ?? 0
    const known = this.remove(flow, 'remote')
    this.halfOpen.begin(now, flow, owed)
    return known
  }

  /** Bytes of a flow as messages; keep-alives are answered here (RFC 5626 s.4.4.1). */
  receive(now: Millis, record: Flow, bytes: Uint8Array): readonly FramerOutput[] {
    record.heardAt = now
    const outputs = record.framer.push(bytes, now)
    // A peer's flow is everybody's who lives there, and its other end is known by its certificate.
    if (record.hop.transport !== 'peer') this.unfinished.note(record, record.framer.heldBytes)
    for (const output of outputs) {
      if (output.kind === 'ping') this.outbox.push({ kind: 'sendFlow', flow: record.hop.flow, bytes: PONG })
      else if (isAnswered(output)) record.owed++
    }
    const at = record.framer.nextDeadline()
    if (at !== NEVER && record.framerDeadline === undefined)
      record.framerDeadline = this.framers.set(at, record)
    return outputs
  }

  nextDeadline(): Millis {
    return Math.min(this.framers.next(), this.keepAlives.nextDeadline(), this.halfOpen.nextDeadline())
  }

  /** The next flow whose message was not completed in time, with the fault to act on. */
  overdue(
    now: Millis,
  ): { readonly record: Flow; readonly fault: NonNullable<ReturnType<StreamFramer['expired']>> } | undefined {
    for (let record = this.framers.pop(now); record !== undefined; record = this.framers.pop(now)) {
      record.framerDeadline = undefined
      const fault = record.framer.expired(now)
      if (fault !== undefined) return { record, fault }
      const at = record.framer.nextDeadline()
      if (at !== NEVER) record.framerDeadline = this.framers.set(at, record)
    }
    return undefined
  }

  /**
   * A hop with a flow: an open connection is reused (RFC 3261 s.18.1.1), else one is being opened. `domain` is the name that was
   * asked for; on TLS only a connection whose far end has proven that very name will do.
   */
  dial(hop: Hop, domain: string = hop.host): Hop {
    if (hop.transport === 'udp' || hop.transport === 'peer' || hop.flow !== 0) return hop
    const known = this.byAddress.get(addressKey(hop, nameOf(domain)))
    const record = known === undefined ? undefined : this.flows.get(known)
    if (record !== undefined) return record.hop
    if (this.flows.size >= this.limits.flowsMax) return hop
    const flow = this.nextFlow
    this.nextFlow += 2
    const dialled: Hop = { ...hop, flow }
    const names = [nameOf(domain)]
    const secure = isSecure(hop)
    // It opens only when the far end has proven that name (RFC 5922 s.7.3), which then holds for what comes by it, too (RFC 5923).
    const identities = secure ? names : NO_IDENTITIES
    this.add(dialled, { side: 'connected', secure, up: false, names, identities, dialledFor: domain })
    const { host, port } = hop
    this.outbox.push({ kind: 'openFlow', flow, transport: hop.transport, host, port, domain })
    return dialled
  }

  send(hop: Hop, bytes: Uint8Array): boolean {
    if (hop.transport === 'udp') {
      this.outbox.push({
        kind: 'sendDatagram',
        listener: hop.listener,
        host: hop.host,
        port: hop.port,
        bytes,
      })
      if (this.sent !== undefined) this.sent(hop, bytes)
      return true
    }
    const record = this.flows.get(hop.flow)
    if (record === undefined) return false
    if (record.up) this.outbox.push({ kind: 'sendFlow', flow: hop.flow, bytes })
    else if (record.pending.length < PENDING_MAX) record.pending.push(bytes)
    else return false
    if (this.sent !== undefined) this.sent(hop, bytes)
    return true
  }

  respond(hop: Hop, bytes: Uint8Array): void {
    if (this.send(hop, bytes)) {
      const record = hop.flow === 0 ? undefined : this.flows.get(hop.flow)
      if (record !== undefined && record.owed > 0 && isFinal(bytes)) record.owed--
      return
    }
    const other = hop.transport === 'peer' ? this.peerHop(hop.host) : undefined
    if (other === undefined || !this.send(other, bytes)) this.orphaned(hop, bytes)
  }

  close(flow: FlowId): void {
    if (this.remove(flow, 'local')) this.outbox.push({ kind: 'closeFlow', flow })
  }

  private add(
    hop: Hop,
    init: {
      readonly side: 'accepted' | 'connected'
      readonly secure: boolean
      readonly up: boolean
      readonly user?: string | undefined
      readonly dialledFor?: string
      readonly identities?: readonly string[]
      /** Names that it may be reused for. */
      readonly names: readonly string[]
    },
  ): void {
    const { side, secure, up, user, dialledFor, identities = NO_IDENTITIES } = init
    const framer = isFramed(hop) ? new MessageFramer(this.limits) : new StreamFramer(this.limits)
    const keys = reuseKeys(hop, side, init.names)
    this.flows.set(hop.flow, {
      hop,
      side,
      secure,
      user,
      dialledFor,
      identities,
      up,
      framer,
      keys,
      pending: [],
      owed: 0,
      framerDeadline: undefined,
      source: hop.transport === 'peer' ? hop.host : sourceOf(hop.host),
      unfinishedBytes: 0,
      heardAt: 0,
      silenceMs: 0,
      silenceDeadline: undefined,
    })
    for (const key of keys) this.byAddress.set(key, hop.flow)
    if (up && hop.transport !== 'peer') this.opened.add(`${hop.transport}|${side}`)
  }
}

/** What a far end waits for an answer to. */
function isAnswered(output: Exclude<FramerOutput, { kind: 'ping' }>): boolean {
  if (output.kind === 'fault') return output.fault.status !== undefined
  return output.message.isRequest && output.message.method !== 'ACK'
}

/** A WebSocket keeps messages apart by itself. */
function isFramed({ transport }: Hop): boolean {
  return transport === 'ws' || transport === 'wss'
}

/** S-41, RFC 5922 s.7: on TLS an address is nobody; a WebSocket that was accepted leads to one phone and nowhere else (RFC 7118 s.5). */
function reuseKeys(hop: Hop, side: Flow['side'], names: readonly string[]): readonly string[] {
  if (hop.transport === 'peer' || (side === 'accepted' && isFramed(hop))) return NO_KEYS
  return isSecure(hop) ? names.map((name) => addressKey(hop, name)) : [addressKey(hop, '')]
}

const NO_KEYS: readonly string[] = []

function addressKey(hop: Hop, name: string): string {
  const address = `${hop.transport} ${hop.host} ${hop.port}`
  return isSecure(hop) ? `${address} ${name}` : address
}

function nameOf(domain: string): string {
  return certificateName(domain) ?? domain.toLowerCase()
}

function perStream(labels: readonly string[]): string[] {
  return ['tcp', 'tls', 'ws', 'wss'].flatMap((transport) => labels.map((label) => `${transport}|${label}`))
}
