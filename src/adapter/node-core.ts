import { Outbox } from '../common/outbox.ts'
import { NEVER, type Millis, type Now } from '../common/time.ts'
import {
  APPLICATION,
  key,
  PeerCore,
  resourceIdOf,
  type Credential,
  type PeerAction,
  type PeerEvent,
  type PeerInput,
  type PeerState,
} from '../reload/index.ts'
import { SIP_RECORDS, SiblingMarks, SipCore, type SipAction, type SipInput } from '../sip/index.ts'
import { AdapterCore } from './adapter-core.ts'
import type { NodeAction, NodeComponents, NodeInit, NodeInput } from './contract.ts'
import { channelOf, flowId } from './flow-names.ts'
import { AdapterInstruments } from './instruments.ts'
import { TALK_APPLICATION } from './node-talk.ts'
import { encodeGr, listTo } from './overlay-address.ts'
import { AdapterParts, type AdapterAction } from './parts.ts'

/** A node that leaves waits so long for calls that ring; SIGTERM to exit is 20 s (contract s.3). */
const CALLS_WITHIN_MS: Millis = 6_000
/** And so long for the ACK of one that has been answered; it stays that long in any case. */
const ACK_WITHIN_MS: Millis = 500

/**
 * One whole node: SIP core, adapter and peer core joined into a single machine. After every input the three are drained in
 * turn until none has anything left to say; what remains are actions for sockets, disk and people.
 *
 * phone -> SipCore -> AdapterCore -> PeerCore -> other peers, and back as events.
 */
export class NodeCore {
  readonly sip: SipCore | undefined
  readonly adapter: AdapterCore
  readonly peer: PeerCore
  readonly instruments = new AdapterInstruments()
  private readonly outbox = new Outbox<NodeAction>()
  private readonly standalone: boolean
  private readonly credentials = new Map<string, Credential>()
  private restored: readonly (readonly [string, Uint8Array])[]
  private state: PeerState = 'starting'
  private draining = false
  private leaveSent = false
  /** While leaving: how long calls that ring are waited for, and when one was last seen, or the leaving began. */
  private callsUntilMs: Millis = 0
  private callSeenMs: Millis = Number.NEGATIVE_INFINITY

  constructor(components: NodeComponents, init: NodeInit) {
    const { crypto, random, trace, accounts, calls, report } = components
    const self = init.credential.nodeId
    const domains = init.sip?.domains ?? [init.configuration.instanceName]
    const parts = new AdapterParts({
      random: random.fork('adapter'),
      trace,
      accounts,
      settings: init.adapter,
      instruments: this.instruments,
      self,
      domains,
      resourceOf: (name) => resourceIdOf(crypto, name),
      calls,
      marks: init.sip === undefined ? undefined : new SiblingMarks(init.sip.secret),
      report,
      isRegisteredBy: (flow) => this.sip?.isRegisteredBy(flow) === true,
    })
    this.standalone = init.adapter.standalone
    this.restored = init.restored.filter(([name]) => name.startsWith(SIP_RECORDS))
    this.adapter = new AdapterCore(parts, init.credential)
    this.peer = new PeerCore(
      { crypto, random: random.fork('peer'), trace },
      {
        configuration: init.configuration,
        configurationDocument: init.configurationDocument,
        credential: init.credential,
        ...(init.role === undefined ? {} : { role: init.role }),
        bootstrap: init.bootstrap,
        advertised: init.advertised,
        founder: init.founder,
        turn: init.turn,
        restored: init.restored,
        applications: [
          APPLICATION.sip,
          APPLICATION.sips,
          ...(report === undefined ? [] : [TALK_APPLICATION]),
        ],
        ...(init.storageLimits === undefined ? {} : { storageLimits: init.storageLimits }),
      },
    )
    this.sip =
      init.sip === undefined
        ? undefined
        : new SipCore(
            { accounts, random: random.fork('sip'), trace, tap: calls },
            {
              ...init.sip,
              peerIdentity: {
                overlay: init.configuration.instanceName,
                hex: key(self),
                gr: encodeGr(listTo(self)),
              },
            },
          )
    for (const hosted of init.userCredentials) this.credentials.set(hosted.aor, hosted.credential)
  }

  /** Whether this node has an entry for the AOR: that of a user with an account, or of the proxies of a domain. */
  hosts(aor: string): boolean {
    return this.adapter.publisher.user(aor) !== undefined
  }

  step(now: Now, input: NodeInput): void {
    switch (input.kind) {
      case 'sip':
        this.sip?.step(now, input.input)
        break
      case 'peer':
        this.peerInput(now, input.input)
        break
      case 'enrolled':
        // The newest is what somebody gets who is taken away and comes back.
        if (input.outcome.ok && this.credentials.has(input.aor))
          this.credentials.set(input.aor, input.outcome.credential)
        this.adapter.enrolled(now, input.aor, input.outcome)
        break
      case 'hostedUsers':
        this.adapter.setHosted(now, input.aors, this.credentials)
        this.sip?.step(now, { kind: 'accounts' })
        this.restore(now)
        break
      case 'query':
        this.adapter.query(now, input.id, input.query)
        break
      case 'drain':
        if (!this.draining) {
          this.callsUntilMs = now.ms + CALLS_WITHIN_MS
          // Whoever watches `/readyz` is to see that this node goes, even if nothing keeps it.
          this.callSeenMs = now.ms
        }
        this.draining = true
        this.sip?.step(now, { kind: 'drain' })
        this.adapter.withdraw(now)
        break
      case 'limits':
        this.sip?.step(now, { kind: 'limits', limits: input.sip })
        this.peer.step(now, { kind: 'storageLimits', limits: input.storage })
        break
      case 'timeout':
        if (this.peer.nextDeadline() <= now.ms) this.peer.step(now, { kind: 'timeout' })
        if (this.adapter.nextDeadline() <= now.ms) this.adapter.timeout(now)
        if (this.sip !== undefined && this.sip.nextDeadline() <= now.ms)
          this.sip.step(now, { kind: 'timeout' })
        break
    }
    this.settle(now)
  }

  drain(): NodeAction[] {
    return this.outbox.drain()
  }

  nextDeadline(): Millis {
    return Math.min(
      this.leaveDeadline(),
      this.peer.nextDeadline(),
      this.adapter.nextDeadline(),
      this.sip === undefined ? Number.POSITIVE_INFINITY : this.sip.nextDeadline(),
    )
  }

  /** Once it is known who is hosted; what the journal holds for the peer core went there at the beginning. */
  private restore(now: Now): void {
    const { restored } = this
    if (restored.length === 0) return
    this.restored = []
    this.sip?.step(now, { kind: 'restored', records: restored })
  }

  /** Application flows belong to the SIP core once they are proven; everything else is the peer core's. */
  private peerInput(now: Now, input: PeerInput): void {
    if (input.kind === 'start') this.adapter.start(now)
    if ((input.kind === 'persisted' || input.kind === 'notPersisted') && input.token < 0) {
      this.sip?.step(now, { kind: 'persisted', token: -input.token, ok: input.kind === 'persisted' })
      return
    }
    if (input.kind === 'channelData' && this.adapter.flows.owns(input.channel)) {
      this.adapter.flows.heard(now, input.channel, input.bytes)
      this.sip?.step(now, { kind: 'flowData', flow: flowId(input.channel), bytes: input.bytes })
      return
    }
    if (input.kind === 'channelData' && this.adapter.talk.owns(input.channel)) {
      this.adapter.talk.data(now, input.channel, input.bytes)
      return
    }
    if (input.kind === 'channelClosed') this.adapter.talk.closed(input.channel)
    if (input.kind === 'channelClosed' && this.adapter.flows.closed(input.channel)) {
      this.sip?.step(now, { kind: 'flowClosed', flow: flowId(input.channel) })
    }
    this.peer.step(now, input)
  }

  /** Drains the three machines until all are quiet; no part calls back into another. */
  private settle(now: Now): void {
    for (;;) {
      const sip = this.sip?.drain() ?? []
      const adapter = this.adapter.drain()
      const peer = this.peer.drain()
      if (sip.length + adapter.length + peer.length === 0) break
      for (const action of sip) this.sipAction(now, action)
      for (const action of adapter) this.adapterAction(now, action)
      for (const action of peer) this.peerAction(now, action)
    }
    if (this.mayLeave(now)) {
      this.leaveSent = true
      // Over flows that close with the peer.
      this.sip?.step(now, { kind: 'leave' })
      this.settle(now)
      this.peer.step(now, { kind: 'leave' })
      this.settle(now)
    }
  }

  /** Who is called already is found and answered by way of this node; nobody is sent here any more. */
  private mayLeave(now: Now): boolean {
    if (!this.draining || this.leaveSent) return false
    if (this.callsWaiting > 0) this.callSeenMs = now.ms
    if (!this.adapter.withdrawn) return false
    return now.ms >= Math.min(this.callsUntilMs, this.callSeenMs + ACK_WITHIN_MS)
  }

  private leaveDeadline(): Millis {
    if (!this.draining || this.leaveSent || !this.adapter.withdrawn || this.callSeenMs < 0) return NEVER
    return Math.min(this.callsUntilMs, this.callSeenMs + ACK_WITHIN_MS)
  }

  private get callsWaiting(): number {
    return this.sip?.callsWaiting ?? 0
  }

  private sipAction(now: Now, action: SipAction): void {
    switch (action.kind) {
      case 'locate':
      case 'publish':
      case 'openPeerFlow':
      case 'verifyCaller':
      case 'foreignContacts':
        return this.adapter.question(now, action)
      case 'persist': {
        // One journal for both: what the SIP side writes has negative numbers, as its flows have.
        const { token, operations } = action
        return this.outbox.push({ kind: 'peer', action: { kind: 'persist', token: -token, operations } })
      }
      case 'sendFlow':
        if (action.flow >= 0) return this.outbox.push({ kind: 'sip', action })
        this.adapter.flows.sent(now, channelOf(action.flow), action.bytes)
        return this.outbox.push({
          kind: 'peer',
          action: { kind: 'sendChannel', channel: channelOf(action.flow), bytes: action.bytes },
        })
      case 'probePeer':
        return this.adapter.flows.probe(now, channelOf(action.flow))
      case 'closeFlow':
        if (action.flow >= 0) return this.outbox.push({ kind: 'sip', action })
        return this.closeFlow(channelOf(action.flow))
      case 'sendDatagram':
      case 'openFlow':
      case 'resolve':
      case 'decide':
        return this.outbox.push({ kind: 'sip', action })
    }
  }

  private adapterAction(now: Now, action: AdapterAction): void {
    switch (action.to) {
      case 'sip':
        this.sip?.step(now, action.input)
        return
      case 'peer':
        return this.peer.step(now, action.command)
      case 'shell':
        return this.outbox.push(action.action)
      case 'channel':
        if (action.bytes === undefined) return this.closeFlow(action.channel)
        return this.outbox.push({
          kind: 'peer',
          action: { kind: 'sendChannel', channel: action.channel, bytes: action.bytes },
        })
    }
  }

  private peerAction(now: Now, action: PeerAction): void {
    switch (action.kind) {
      case 'openChannel':
      case 'sendChannel':
      case 'closeChannel':
      case 'persist':
        return this.outbox.push({ kind: 'peer', action })
      case 'stateChanged':
        return this.stateChanged(now, action.state)
      case 'configurationChanged':
        this.adapter.flows.cutOff(action.configuration.badNodes)
        return this.outbox.push(action)
      case 'left':
        return this.outbox.push({ kind: 'left' })
      case 'appFlowOpened':
        if (this.sip === undefined && action.application !== TALK_APPLICATION)
          return this.closeFlow(action.channel)
        return this.adapter.event(now, action)
      case 'storeDone':
      case 'fetchDone':
      case 'pingDone':
      case 'routeQueryDone':
      case 'probeDone':
      case 'appAttachFailed':
      case 'linked':
        return this.adapter.event(now, action satisfies PeerEvent)
    }
  }

  private stateChanged(now: Now, state: PeerState): void {
    this.state = state
    const available = state === 'joined' || (state === 'isolated' && this.standalone)
    this.adapter.setAvailable(now, available)
    this.sip?.step(now, { kind: 'overlayAvailable', available } satisfies SipInput)
    this.outbox.push({ kind: 'stateChanged', state })
  }

  private closeFlow(channel: number): void {
    this.adapter.flows.closed(channel)
    this.outbox.push({ kind: 'peer', action: { kind: 'closeChannel', channel } })
  }

  get peerState(): PeerState {
    return this.state
  }
}
