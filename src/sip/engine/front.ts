/**
 * The engine in front of this node as the SIP core sees it: whether it is there, what it has been told, and which requests it
 * hands back because only the embedded stack can carry them further. Does no I/O.
 */
import { Tally } from '../../common/instruments.ts'
import type { Outbox } from '../../common/outbox.ts'
import type { Millis } from '../../common/time.ts'
import { bracketed, type SipMessage } from '../message/index.ts'
import {
  CallRecord,
  isRecordRouted,
  type OwnIdentity,
  type CallMeter,
  type LocalBinding,
  type OwnListener,
  type SearchOwner,
  type TargetSearch,
  type Wish,
} from '../proxy/index.ts'
import { FRONT_LISTENER, type Hop } from '../transaction/index.ts'
import type { EngineCapabilities } from './capabilities.ts'
import { callerHeaders, canCarry, type Carrier } from './carrying.ts'
import { decisionOf, type Decision, type Headers } from './decision.ts'
import { frontUri } from './front-address.ts'
import { claimOf, HANDOVER_HEADER, Handovers, type Handover } from './handovers.ts'
import { refusalOf, type Refusal } from './refusals.ts'

export type QuestionId = number

export interface FrontSettings {
  /** Where the engine takes SIP from this node. */
  readonly host: string
  readonly port: number
  readonly capabilities: EngineCapabilities
}

export interface DecisionAction {
  readonly kind: 'decide'
  readonly id: QuestionId
  readonly decision: Decision
}

export interface FrontComponents {
  readonly outbox: Pick<Outbox<DecisionAction>, 'push'>
  readonly meter: CallMeter
  /** An unguessable text, fresh at every call. */
  unguessable(): string
  /** A request of ours with this branch is under way. */
  isSending(branch: string, method: string): boolean
}

export interface FrontInit extends FrontSettings {
  readonly listeners: readonly OwnListener[]
  /** Who we are towards everybody else. */
  readonly identity: OwnIdentity
}

export class Front implements SearchOwner {
  /** p2psip_engine_decisions_total by decision. `handOver` is a `forward` to this node itself. */
  readonly decisions = new Tally(['respond', 'redirect', 'forward', 'handOver', 'passOn'])
  /** Who we are towards phones behind the engine: its addresses are ours. */
  identity: OwnIdentity
  private readonly components: FrontComponents
  private readonly init: FrontInit
  private readonly hop: Hop
  /** Where the engine reaches the embedded stack. */
  private readonly bridge: OwnListener | undefined
  private readonly handovers = new Handovers()
  private readonly searches = new Map<QuestionId, TargetSearch>()
  /** Calls that the engine carries by itself, by the question that brought them. */
  private readonly calls = new Map<QuestionId, { readonly record: CallRecord; readonly branches: number }>()
  private connected = false

  constructor(components: FrontComponents, init: FrontInit) {
    this.components = components
    this.init = init
    this.bridge = init.listeners.find(({ transport }) => transport === 'udp')
    const { host, port } = init
    this.hop = { transport: 'udp', flow: 0, listener: this.bridge?.id ?? 0, host, port }
    this.identity = this.identityAt([{ host, port }])
  }

  get isUp(): boolean {
    return this.connected
  }

  get capabilities(): EngineCapabilities {
    return this.init.capabilities
  }

  /** What of our own extensions holds for phones behind the engine. */
  extensions(own: readonly string[]): readonly string[] {
    const { routes, outbound, gruu } = this.init.capabilities
    const can: Readonly<Record<string, boolean>> = { path: routes, outbound, gruu }
    return own.filter((name) => can[name] === true)
  }

  /** The engine is there and takes SIP at these addresses. */
  up(addresses: readonly { readonly host: string; readonly port: number }[]): void {
    this.connected = true
    this.identity = this.identityAt([{ host: this.init.host, port: this.init.port }, ...addresses])
  }

  /** Nobody waits for a decision any more. Calls that the engine was told to forward go on without us. */
  down(): void {
    this.connected = false
    for (const search of this.searches.values()) search.abandon()
    this.searches.clear()
    this.calls.clear()
  }

  /** A Contact at the engine itself would loop. */
  isAt(host: string, port: number | undefined): boolean {
    return this.identity.isOwnAddress(host, port)
  }

  /** Phones behind the engine as our own proxy reaches them: by the engine, and not at all while it is away. */
  reachable(bindings: readonly LocalBinding[]): readonly LocalBinding[] {
    if (!bindings.some(isBehindFront)) return bindings
    return bindings.flatMap((binding) => {
      if (!isBehindFront(binding)) return [binding]
      return this.connected ? [this.behind(binding)] : []
    })
  }

  /** Who looks up names is the engine, or nobody. */
  private behind(binding: LocalBinding): LocalBinding {
    return { ...binding, contact: frontUri(binding), reach: this.hop, lookedUp: false }
  }

  refusal(message: SipMessage): Refusal | undefined {
    return refusalOf(message, this.init.capabilities)
  }

  /** Routes that remain after the engine's own would have to be written anew, which it does not do. */
  routeRefusal(wish: Wish): Refusal | undefined {
    if (this.init.capabilities.routes) return undefined
    if (wish.kind === 'token' || wish.kind === 'badRoute')
      return { status: 481, reason: 'Call Does Not Exist' }
    if (wish.kind === 'routeToPeer' || wish.kind === 'routeToHost') return { status: 403, reason: 'No Relay' }
    return undefined
  }

  answer(id: QuestionId, status: number, reason: string, headers: Headers): void {
    this.decide(id, decisionOf(status, reason, headers))
  }

  /**
   * A request that this node itself has sent to the engine, which asks back where to: to the Request-URI. The branch of its top
   * Via is known to nobody else, so it proves itself.
   */
  passOn(id: QuestionId, message: SipMessage): boolean {
    const { branch } = message.topVia
    if (branch === undefined || !this.components.isSending(branch, message.method)) return false
    this.decisions.add('passOn')
    this.forwardTo(id, [message.requestUri], true, message, [])
    return true
  }

  /** Waits for the targets of a request; `found` decides. */
  searching(id: QuestionId, search: TargetSearch): void {
    if (!search.isOver) this.searches.set(id, search)
  }

  found(now: Millis, search: TargetSearch): void {
    const { request } = search
    const { question, message } = request.incoming
    if (question === undefined) return
    this.searches.delete(question)
    const groups = search.groups()
    const targets = groups.flat()
    if (targets.length === 0) {
      const { status, reason, headers } = search.nobody()
      this.record(now, search)?.over(status, 0)
      this.answer(question, status, reason, headers)
    } else if (canCarry(this.carrier, message, request.caller, groups)) {
      const record = this.record(now, search)
      if (record !== undefined) this.calls.set(question, { record, branches: targets.length })
      this.decisions.add('forward')
      this.forwardTo(
        question,
        targets.map(({ uri }) => uri),
        !request.serial && groups.length === 1,
        message,
        callerHeaders(request.caller),
      )
    } else this.handOver(now, question, message, { targets, caller: request.caller, path: search.path })
  }

  /** The sender has cancelled it, or the engine lost it, before anything was decided. */
  withdrawn(now: Millis, id: QuestionId): void {
    const search = this.searches.get(id)
    this.searches.delete(id)
    if (search === undefined) return
    search.abandon()
    this.record(now, search)?.over(487, 0)
  }

  /** The final status of a request that the engine has forwarded. */
  carriedOut(id: QuestionId, status: number): void {
    const call = this.calls.get(id)
    this.calls.delete(id)
    call?.record.over(status, call.branches)
  }

  /** What was decided about a request that the engine now hands over. */
  take(message: SipMessage): Handover | undefined {
    const name = this.handovers.size === 0 ? undefined : claimOf(message)
    return name === undefined ? undefined : this.handovers.take(name)
  }

  nextDeadline(): Millis {
    return this.handovers.nextDeadline()
  }

  expire(now: Millis): void {
    this.handovers.expire(now)
  }

  private handOver(now: Millis, id: QuestionId, message: SipMessage, handover: Handover): void {
    const name = this.components.unguessable()
    const { bridge } = this
    if (bridge === undefined || !this.handovers.put(now, name, handover)) {
      this.answer(id, 503, 'Overloaded', [['Retry-After', '10']])
      return
    }
    this.decisions.add('handOver')
    const uri = `sip:${bracketed(bridge.advertisedHost)}:${bridge.port}`
    this.forwardTo(id, [uri], true, message, [[HANDOVER_HEADER, name]])
  }

  private forwardTo(
    id: QuestionId,
    targets: readonly string[],
    atOnce: boolean,
    message: SipMessage,
    headers: Headers,
  ): void {
    const stay = isRecordRouted(message)
    this.components.outbox.push({
      kind: 'decide',
      id,
      decision: { kind: 'forward', targets, atOnce, stay, headers },
    })
  }

  private decide(id: QuestionId, decision: Decision): void {
    this.decisions.add(decision.kind)
    this.components.outbox.push({ kind: 'decide', id, decision })
  }

  private record(now: Millis, search: TargetSearch): CallRecord | undefined {
    const { incoming } = search.request
    const { message, arrivedAt } = incoming
    if (message.method !== 'INVITE' || message.to.params.has('tag')) return undefined
    const record = new CallRecord(this.components.meter, arrivedAt, search.path)
    record.resolved(now, search.asked)
    return record
  }

  private get carrier(): Carrier {
    return { capabilities: this.init.capabilities, identity: this.identity, hop: this.hop }
  }

  private identityAt(addresses: readonly { readonly host: string; readonly port: number }[]): OwnIdentity {
    const fronts = addresses.map(({ host, port }): OwnListener => {
      return { id: FRONT_LISTENER, transport: 'udp', host, port, advertisedHost: host }
    })
    return this.init.identity.besides(fronts)
  }
}

/** A phone. What has been registered through the engine and is another user or node is found as ever. */
function isBehindFront({ kind, reach }: LocalBinding): boolean {
  return kind === 'device' && reach.listener === FRONT_LISTENER
}
