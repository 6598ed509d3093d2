/**
 * What the parts of the adapter share: one outbox, one timer table, one counter of command ids. Each part keeps its own
 * table of what it waits for and is asked in turn whether an answer is its own.
 */
import { utf8 } from '../common/bytes.ts'
import { BoundedCache } from '../common/bounded-cache.ts'
import { Deadlines } from '../common/deadlines.ts'
import { Outbox } from '../common/outbox.ts'
import type { Random } from '../common/random.ts'
import type { Trace } from '../common/trace.ts'
import type { NodeId, PeerCommand, ResourceId } from '../reload/index.ts'
import type { Accounts, FlowId, SiblingMarks, SipInput } from '../sip/index.ts'
import type { AdapterSettings, CallObserver, CallReport, NodeAction } from './contract.ts'
import type { AdapterInstruments } from './instruments.ts'

export type AdapterAction =
  | { readonly to: 'sip'; readonly input: SipInput }
  | { readonly to: 'peer'; readonly command: PeerCommand }
  | { readonly to: 'shell'; readonly action: NodeAction }
  /** Keep-alive bytes or the end of an application flow. */
  | { readonly to: 'channel'; readonly channel: number; readonly bytes: Uint8Array | undefined }

export type AdapterTimer =
  | { readonly part: 'publish'; readonly aor: string; readonly what: 'budget' | 'retry' | 'renew' }
  | { readonly part: 'flows'; readonly key: string; readonly what: 'idle' | 'reverse' }
  | { readonly part: 'certificates'; readonly index: number }
  | { readonly part: 'talk'; readonly channel: number }
  | { readonly part: 'selfTest' }
  | { readonly part: 'withdraw' }

/** AORs whose Resource-IDs are kept, some 200 bytes each: those who were asked for last. Judgement. */
const RESOURCES_KEPT_MAX = 4_096

export class AdapterParts {
  readonly outbox = new Outbox<AdapterAction>()
  readonly deadlines = new Deadlines<AdapterTimer>()
  readonly random: Random
  readonly trace: Trace
  readonly accounts: Accounts
  readonly settings: AdapterSettings
  readonly instruments: AdapterInstruments
  /** A: this node in the ring. */
  readonly self: NodeId
  /** Hosted domains, the overlay's name among them. */
  readonly domains: ReadonlySet<string>
  readonly resourceOf: (name: Uint8Array) => ResourceId
  readonly calls: CallObserver | undefined
  /** Of phones that register at several peers; undefined where none register. */
  readonly marks: SiblingMarks | undefined
  readonly report: CallReport | undefined
  /** Somebody is registered by that flow to a peer (`sip.registerFromOverlay`): calls for him go by no other. */
  readonly isRegisteredBy: (flow: FlowId) => boolean
  /** Joined, so that commands make sense. */
  available = false
  /** REGISTERs that wait for the overlay. */
  registersWaiting = 0
  private readonly resources = new BoundedCache<ResourceId>(RESOURCES_KEPT_MAX)
  private lastId = 0

  constructor(init: {
    random: Random
    trace: Trace
    accounts: Accounts
    settings: AdapterSettings
    instruments: AdapterInstruments
    self: NodeId
    domains: readonly string[]
    resourceOf: (name: Uint8Array) => ResourceId
    calls?: CallObserver | undefined
    marks?: SiblingMarks | undefined
    report?: CallReport | undefined
    isRegisteredBy?: (flow: FlowId) => boolean
  }) {
    this.random = init.random
    this.trace = init.trace
    this.accounts = init.accounts
    this.settings = init.settings
    this.instruments = init.instruments
    this.self = init.self
    this.domains = new Set(init.domains)
    this.resourceOf = init.resourceOf
    this.calls = init.calls
    this.marks = init.marks
    this.report = init.report
    this.isRegisteredBy = init.isRegisteredBy ?? (() => false)
  }

  /** Where an AOR is kept: H(AOR). */
  resourceOfAor(aor: string): ResourceId {
    let resource = this.resources.get(aor)
    if (resource === undefined) {
      resource = this.resourceOf(utf8(aor))
      this.resources.set(aor, resource)
    }
    return resource
  }

  nextId(): number {
    return ++this.lastId
  }

  command(command: PeerCommand): void {
    this.outbox.push({ to: 'peer', command })
  }

  sip(input: SipInput): void {
    this.outbox.push({ to: 'sip', input })
  }

  shell(action: NodeAction): void {
    this.outbox.push({ to: 'shell', action })
  }
}
