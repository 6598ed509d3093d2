/**
 * What the parts of a peer share: identity, trust, the clock of the current step, the outbox. Parts know those below
 * them and never their owner; what they have to tell upwards they leave as a signal, which the root hands on.
 */
import { fail, ok, type Result } from '../../common/errors.ts'
import { appended } from '../../common/appended.ts'
import { Outbox } from '../../common/outbox.ts'
import type { Random } from '../../common/random.ts'
import type { Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import { overlayHash, sameId, type NodeId } from '../codec/index.ts'
import { KindTable, type LearnedKind, type OverlayConfiguration } from '../config/index.ts'
import type { MessageLimits } from '../link/framing.ts'
import { trustOf } from '../security/overlay-trust.ts'
import type { Credential, CryptoPort } from '../security/port.ts'
import type { Trust } from '../security/trust.ts'
import type { StorageLimits } from '../storage/quota.ts'
import type { Entrances, PeerAction, TransportAddress } from './contract.ts'
import { CountingCrypto, PeerInstruments } from './instruments.ts'
import type { Signal } from './signal.ts'
import { unsupported } from './supported-overlay.ts'

export interface PeerComponents {
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: Trace
}

export interface PeerInit {
  /** In force at the start. */
  readonly configuration: OverlayConfiguration
  /** The signed document as bytes. */
  readonly configurationDocument: Uint8Array
  readonly credential: Credential
  /** A client (RFC 6940 s.4.2) uses the overlay and carries nothing of it; a peer when absent. */
  readonly role?: 'peer' | 'client'
  readonly bootstrap: readonly TransportAddress[]
  readonly advertised: { readonly overlay: TransportAddress; readonly application: TransportAddress }
  /** Owns the whole ring at once instead of looking for one. */
  readonly founder: boolean
  /** `Entrances.turn` at the start. */
  readonly turn?: number | undefined
  /** Records of the journal. */
  readonly restored: readonly (readonly [string, Uint8Array])[]
  /** Users whose Node-IDs are reached as [this node, user]; their credential answers for them. */
  readonly hostedCredentials?: readonly Credential[]
  /** What this peer holds at most for others; the defaults of storage/quota.ts for what is absent. */
  readonly storageLimits?: Partial<StorageLimits>
  /** Application-IDs accepted in an AppAttach; SIP and SIPS when absent. */
  readonly applications?: readonly number[]
}

export class PeerParts {
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: Trace
  readonly init: PeerInit
  readonly credential: Credential
  readonly self: NodeId
  /** The overlay field of the forwarding header. */
  readonly overlay: number
  readonly instruments = new PeerInstruments()
  readonly outbox = new Outbox<PeerAction>()
  /** Of messages, on links and in fragments. */
  readonly limits: MessageLimits = limitsOf(this)
  /** Time of the current step. */
  now: Now = { ms: 0, wall: 0 }
  /** As the shell knows them now. */
  entrances: Entrances
  private inForce: ConfigurationInForce
  private signals: Signal[] | undefined
  private token = 0

  /** Throws RangeError when the configuration is not one that this peer can follow. */
  constructor(components: PeerComponents, init: PeerInit) {
    this.crypto = new CountingCrypto(components.crypto, this.instruments.signatures)
    this.random = components.random
    this.trace = components.trace
    this.init = init
    this.credential = init.credential
    this.entrances = { bootstrap: init.bootstrap, turn: init.turn }
    this.self = init.credential.nodeId
    const inForce = this.putInForce(init.configuration, init.configurationDocument)
    if (!inForce.ok) throw new RangeError(inForce.error)
    this.inForce = inForce.value
    this.overlay = overlayHash(init.configuration.instanceName, (bytes) => this.crypto.hash('sha1', [bytes]))
  }

  /** Read at every use: a newer document may come into force while the peer runs. */
  get configuration(): OverlayConfiguration {
    return this.inForce.configuration
  }

  /** The signed document as bytes, passed on to peers that lack it. */
  get document(): Uint8Array {
    return this.inForce.document
  }

  get trust(): Trust {
    return this.inForce.trust
  }

  get kinds(): KindTable {
    return this.inForce.kinds
  }

  /** Changes over to another document. Fails, and changes nothing, when this peer cannot follow it. */
  reconfigure(configuration: OverlayConfiguration, document: Uint8Array): Result<void, string> {
    const next = this.putInForce(configuration, document)
    if (!next.ok) return next
    this.inForce = next.value
    return ok(undefined)
  }

  signal(signal: Signal): void {
    this.signals = appended(this.signals, signal)
  }

  /** Signals left since the last call, in order. */
  takeSignals(): readonly Signal[] {
    const taken = this.signals ?? NO_SIGNALS
    this.signals = undefined
    return taken
  }

  /** Writes to the journal; the returned token comes back in `persisted`. */
  persist(operations: Extract<PeerAction, { kind: 'persist' }>['operations']): number {
    const token = ++this.token
    this.outbox.push({ kind: 'persist', token, operations })
    return token
  }

  /** None before the first document is in force. */
  private learnedKinds(): readonly LearnedKind[] {
    return (this.inForce as ConfigurationInForce | undefined)?.kinds.learned ?? []
  }

  private putInForce(
    configuration: OverlayConfiguration,
    document: Uint8Array,
  ): Result<ConfigurationInForce, string> {
    const reason = unsupported(configuration, this.init.role)
    if (reason !== undefined) return fail(reason)
    const trust = trustOf(this.crypto, configuration)
    if (!trust.ok) return trust
    const kinds = new KindTable(configuration)
    // RFC 6940 s.11.1: a Kind whose signer may not sign any more is forgotten, and with it what is stored of it.
    for (const kind of this.learnedKinds()) {
      if (configuration.kindSigners.some((signer) => sameId(signer, kind.signer))) kinds.learn(kind)
    }
    return ok({ configuration, document, trust: trust.value, kinds })
  }
}

const NO_SIGNALS: readonly Signal[] = []

function limitsOf(parts: PeerParts): MessageLimits {
  return {
    get maxMessageBytes() {
      return parts.configuration.maxMessageSize
    },
  }
}

/** A Configuration Document and what follows from it. */
interface ConfigurationInForce {
  readonly configuration: OverlayConfiguration
  readonly document: Uint8Array
  readonly trust: Trust
  readonly kinds: KindTable
}
