/** The trunks of this node: which of them a request belongs to, and the registrations that keep them up. */
import type { Random } from '../../common/random.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import type { SipMessage } from '../message/index.ts'
import {
  hostTarget,
  type Credentials,
  type CreditedRequest,
  type Lines,
  type OwnIdentity,
} from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'
import {
  calledTrunk,
  Line,
  TrunkRegistration,
  type RegisterMessage,
  type Trunk,
  type TrunkState,
} from '../trunk/index.ts'
import type { OwnRequests } from './own-requests.ts'
import type { RandomText } from './random-text.ts'
import type { TrunkSettings } from './contract.ts'
import { SourceTable } from './trusted-sources.ts'

export interface TrunksComponents {
  readonly random: Random
  readonly texts: RandomText
  readonly trace: Trace
  readonly identity: OwnIdentity
}

const NO_TRUNKS: readonly Trunk[] = []

export class Trunks implements Lines {
  private readonly components: TrunksComponents
  private readonly lines = new Map<string, Line>()
  /** Those whose calls are known by a rule. */
  private readonly ruled = new Set<string>()
  private readonly sources: SourceTable<TrunkSettings>
  private readonly registrations: TrunkRegistration[] = []
  private requests: OwnRequests | undefined = undefined
  private leaving = false

  constructor(components: TrunksComponents, settings: readonly TrunkSettings[]) {
    this.components = components
    this.sources = new SourceTable(settings)
    const { texts, random, trace } = components
    for (const trunk of settings) {
      const line = new Line(trunk, random)
      this.lines.set(trunk.name, line)
      if (trunk.networks !== undefined || trunk.identities !== undefined) this.ruled.add(trunk.name)
      if (trunk.registration === undefined) continue
      const host = {
        register: (now: Millis, of: Line, message: RegisterMessage, first: Hop | undefined) =>
          this.register(now, of, message, first),
        hex: (bytes: number) => texts.hex(bytes),
        jitter: () => random.float(),
        trace,
      }
      this.registrations.push(new TrunkRegistration(host, line, trunk.registration))
    }
  }

  get size(): number {
    return this.lines.size
  }

  /** How this node sends requests of its own; there before anything is done. */
  use(requests: OwnRequests): void {
    this.requests = requests
  }

  /** Trunks by the state of their registration; `none` have nothing registered. */
  states(): ReadonlyMap<TrunkState | 'none', number> {
    const states = new Map<TrunkState | 'none', number>([
      ['registering', 0],
      ['registered', 0],
      ['failed', 0],
      ['none', this.lines.size - this.registrations.length],
    ])
    for (const { state } of this.registrations) states.set(state, (states.get(state) ?? 0) + 1)
    return states
  }

  /** Whether there is another side of a trunk. */
  knows(source: Hop, proven: readonly string[]): boolean {
    return this.near(source, proven).length > 0
  }

  /** The trunk that a request came by; where several have their other side in one place, the one that is called. */
  from(source: Hop, proven: readonly string[], message: SipMessage): Trunk | undefined {
    const near = this.near(source, proven)
    return near.length > 1 ? calledTrunk(message, near) : near[0]
  }

  /** Trunks whose other side is known by the conditions given, and then those of which it is known by where it was found. */
  private near(source: Hop, proven: readonly string[]): readonly Trunk[] {
    if (this.lines.size === 0 || source.transport === 'peer') return NO_TRUNKS
    const near: Trunk[] = this.sources.all(source, proven)
    for (const [name, line] of this.lines) {
      // Who says how calls are to be known means that and nothing else.
      if (line.isAt(source) && !this.ruled.has(name)) near.push(line.trunk)
    }
    return near
  }

  at(hop: Hop, called?: SipMessage): string | undefined {
    if (this.lines.size === 0 || hop.transport === 'peer') return undefined
    const there: Trunk[] = []
    for (const line of this.lines.values()) {
      if (!line.isAt(hop)) continue
      if (called === undefined) return line.trunk.name
      there.push(line.trunk)
    }
    return called === undefined ? undefined : calledTrunk(called, there)?.name
  }

  found(trunk: string, hop: Hop): void {
    this.lines.get(trunk)?.found(hop)
  }

  credentials(trunk: string, request: CreditedRequest): Credentials | undefined {
    return this.lines.get(trunk)?.credentials(request)
  }

  answer(
    trunk: string,
    response: SipMessage,
    request: CreditedRequest,
    tries: number,
  ): Credentials | 'refused' | 'none' {
    const line = this.lines.get(trunk)
    if (line?.trunk.account === undefined) return 'none'
    const credentials = line.answer(response, request, tries)
    if (credentials !== undefined) return credentials
    const { method } = request
    this.components.trace({ level: 'error', area: 'sip', event: 'trunk_refuses_credentials', trunk, method })
    return 'refused'
  }

  nextDeadline(): Millis {
    let next: Millis = NEVER
    for (const { at } of this.registrations) next = Math.min(next, at)
    return next
  }

  expire(now: Millis): void {
    for (const registration of this.registrations) if (registration.at <= now) registration.begin(now)
  }

  /** This node takes no more calls: nothing stays registered. */
  leave(now: Millis): void {
    if (this.leaving) return
    this.leaving = true
    for (const registration of this.registrations) registration.remove(now)
  }

  private register(now: Millis, line: Line, message: RegisterMessage, first: Hop | undefined): void {
    const { identity } = this.components
    const target = hostTarget(message.uri, line.uri, 'dns')
    const registration = this.registrations.find((each) => each.line === line)
    if (target === undefined || registration === undefined || this.requests === undefined) return
    this.requests.send(now, {
      method: message.method,
      uri: message.uri,
      way: target.way,
      first,
      bytes: (via, hop) => {
        line.found(hop)
        return message.bytes(via, identity.addressFor(hop))
      },
      done: (doneAt, response, hop) => registration.done(doneAt, response, hop),
    })
  }
}
