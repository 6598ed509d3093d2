/**
 * The flows of this node: streams of phones, streams that we open, flows to peers. Frames what they bring, sends what
 * they are given, and knows which are up. The wire of the transaction layer.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { Tally } from '../../common/instruments.ts'
import type { Outbox } from '../../common/outbox.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { canonicalAddress, type ParseLimits } from '../message/index.ts'
import { StreamFramer, type FramerOutput } from '../transport/index.ts'
import type { Hop, Wire } from '../transaction/index.ts'
import type { FlowId, SipAction, SipListener, Transport } from './contract.ts'
import { certificateName } from './trusted-sources.ts'

/** Messages that wait for a flow to open. A branch or two; more means that nobody answers there. */
const PENDING_MAX = 32
const PONG = new Uint8Array([13, 10])
const NO_IDENTITIES: readonly string[] = []
/** Names of one certificate that are looked at. Real ones have a handful. */
const IDENTITIES_MAX = 100

export interface Flow {
  readonly hop: Hop
  readonly side: 'accepted' | 'connected'
  /** With TLS: the name that the far end's certificate had to bear for us to connect. */
  readonly domain: string
  readonly secure: boolean
  /** Of a peer: the user whom its certificate names. */
  readonly user: string | undefined
  /** Of a phone or trunk: the names that its TLS certificate has proven, as `certificateName` spells them. */
  readonly identities: readonly string[]
  up: boolean
  readonly framer: StreamFramer
  pending: Uint8Array[]
  framerDeadline: Deadline<Flow> | undefined
}

export type FlowLimits = ParseLimits & { readonly flowsMax: number }

export class Flows implements Wire {
  readonly opened = new Tally(['tcp|accepted', 'tcp|connected'])
  readonly closed = new Tally(['tcp|remote', 'tcp|local', 'tcp|error'])
  private readonly outbox: Outbox<SipAction>
  private readonly listeners: readonly SipListener[]
  /** Read at every use: they may change. */
  private readonly limits: FlowLimits
  private readonly flows = new Map<FlowId, Flow>()
  private readonly byAddress = new Map<string, FlowId>()
  private readonly peers = new Map<string, Set<FlowId>>()
  private readonly framers = new Deadlines<Flow>()
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
    this.outbox = components.outbox
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

  /** The latest flow to a node. */
  peerHop(hex: string): Hop | undefined {
    let latest: Hop | undefined
    for (const id of this.peers.get(hex) ?? []) latest = this.flows.get(id)?.hop ?? latest
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
    this.add(
      { transport, flow, listener, host: canonicalAddress(host), port },
      'accepted',
      false,
      true,
      undefined,
      proven.filter((name) => name !== undefined),
    )
  }

  peerUp(flow: FlowId, hex: string, secure: boolean, user: string | undefined): void {
    this.add({ transport: 'peer', flow, listener: 0, host: hex, port: 0 }, 'connected', secure, true, user)
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
    const address = addressKey(hop, record.domain)
    if (this.byAddress.get(address) === flow) this.byAddress.delete(address)
    const ofPeer = hop.transport === 'peer' ? this.peers.get(hop.host) : undefined
    if (ofPeer?.delete(flow) === true && ofPeer.size === 0) this.peers.delete(hop.host)
    this.closed.add(`${hop.transport}|${reason}`)
    return true
  }

  /** Bytes of a flow as messages; keep-alives are answered here (RFC 5626 s.4.4.1). */
  receive(now: Millis, record: Flow, bytes: Uint8Array): readonly FramerOutput[] {
    const outputs = record.framer.push(bytes, now)
    for (const output of outputs) {
      if (output.kind === 'ping') this.outbox.push({ kind: 'sendFlow', flow: record.hop.flow, bytes: PONG })
    }
    const at = record.framer.nextDeadline()
    if (at !== NEVER && record.framerDeadline === undefined)
      record.framerDeadline = this.framers.set(at, record)
    return outputs
  }

  nextDeadline(): Millis {
    return this.framers.next()
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

  /** A hop with a flow: an open connection is reused (RFC 3261 s.18.1.1), else one is being opened. */
  dial(hop: Hop, domain: string = hop.host): Hop {
    if (hop.transport === 'udp' || hop.transport === 'peer' || hop.flow !== 0) return hop
    const known = this.byAddress.get(addressKey(hop, domain))
    const record = known === undefined ? undefined : this.flows.get(known)
    if (record !== undefined) return record.hop
    if (this.flows.size >= this.limits.flowsMax) return hop
    const flow = this.nextFlow
    this.nextFlow += 2
    const dialled: Hop = { ...hop, flow }
    const secure = hop.transport === 'tls' || hop.transport === 'wss'
    this.add(dialled, 'connected', secure, false, undefined, NO_IDENTITIES, domain)
    const { host, port } = hop
    this.outbox.push({ kind: 'openFlow', flow, transport: hop.transport as Transport, host, port, domain })
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
    if (this.send(hop, bytes)) return
    const other = hop.transport === 'peer' ? this.peerHop(hop.host) : undefined
    if (other === undefined || !this.send(other, bytes)) this.orphaned(hop, bytes)
  }

  close(flow: FlowId): void {
    if (this.remove(flow, 'local')) this.outbox.push({ kind: 'closeFlow', flow })
  }

  private add(
    hop: Hop,
    side: 'accepted' | 'connected',
    secure: boolean,
    up: boolean,
    user: string | undefined = undefined,
    identities: readonly string[] = NO_IDENTITIES,
    domain: string = hop.host,
  ): void {
    const framer = new StreamFramer(this.limits)
    this.flows.set(hop.flow, {
      hop,
      side,
      domain,
      secure,
      user,
      identities,
      up,
      framer,
      pending: [],
      framerDeadline: undefined,
    })
    if (hop.transport !== 'peer') this.byAddress.set(addressKey(hop, domain), hop.flow)
    if (up && hop.transport !== 'peer') this.opened.add(`${hop.transport}|${side}`)
  }
}

/** A TLS connection is only good for the domain that its certificate was looked at for (RFC 5922 s.7.3). */
function addressKey({ transport, host, port }: Hop, domain: string): string {
  const address = `${transport} ${host} ${port}`
  return transport === 'tls' || transport === 'wss' ? `${address} ${domain.toLowerCase()}` : address
}
