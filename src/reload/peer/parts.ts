/**
 * What the parts of a peer share: identity, trust, the clock of the current step, the outbox. Parts know those below
 * them and never their owner; what they have to tell upwards they leave as a signal, which the root hands on.
 */
import { Outbox } from '../../common/outbox.ts'
import type { Random } from '../../common/random.ts'
import type { Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import { overlayHash, type Message, type NodeId } from '../codec/index.ts'
import { KindTable, type OverlayConfiguration } from '../config/index.ts'
import type { Connection } from '../link/connection.ts'
import { trustOf } from '../security/overlay-trust.ts'
import type { Certificate, Credential, CryptoPort } from '../security/port.ts'
import type { Signer, Trust } from '../security/trust.ts'
import type { StorageLimits } from '../storage/quota.ts'
import type { LossCause } from '../topology/plugin.ts'
import type { ChannelId, CommandError, PeerAction, TransportAddress } from './contract.ts'
import { CountingCrypto, PeerInstruments } from './instruments.ts'
import type { OwnMessage } from './own-message.ts'
import type { RequestPurpose } from './purpose.ts'
import { unsupported } from './supported-overlay.ts'

export interface PeerComponents {
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: Trace
}

export interface PeerInit {
  readonly configuration: OverlayConfiguration
  /** The signed document as bytes, passed on to peers that lack it. */
  readonly configurationDocument: Uint8Array
  readonly credential: Credential
  readonly bootstrap: readonly TransportAddress[]
  readonly advertised: { readonly overlay: TransportAddress; readonly application: TransportAddress }
  /** Owns the whole ring at once instead of looking for one. */
  readonly founder: boolean
  /** Records of the journal. */
  readonly restored: readonly (readonly [string, Uint8Array])[]
  /** Users whose Node-IDs are reached as [this node, user]; their credential answers for them. */
  readonly hostedCredentials?: readonly Credential[]
  /** What this peer holds at most for others; the defaults of storage/quota.ts for what is absent. */
  readonly storageLimits?: Partial<StorageLimits>
  /** Application-IDs accepted in an AppAttach; SIP and SIPS when absent. */
  readonly applications?: readonly number[]
}

/** A verified request that is to be answered. */
export interface IncomingRequest {
  readonly message: Message
  readonly signer: Signer
  /** The node whose link it came over; ourselves for a request of our own. */
  readonly previousHop: NodeId
  /** Signs the answer: the node's, or that of the hosted user the request was for. */
  readonly credential: Credential
  /** Came as an OwnMessage, and its answer may go back as one. */
  readonly own: boolean
}

export type RequestOutcome =
  | {
      readonly ok: true
      readonly message: Message
      readonly signer: Signer
      readonly hops: number
      readonly rttMs: number
    }
  /** `signer` when a node answered with an error. */
  | { readonly ok: false; readonly error: CommandError; readonly signer: Signer | undefined }

export type Signal =
  /** An overlay link is up, the first or another one to that node. */
  | { readonly kind: 'linkUp'; readonly nodeId: NodeId; readonly connection: Connection }
  /** A suspect link was acknowledged again. */
  | { readonly kind: 'linkRestored'; readonly nodeId: NodeId }
  /** What came over that link cannot be read any further; `head` is the header of a message that is too large. */
  | {
      readonly kind: 'linkFault'
      readonly channel: ChannelId
      readonly nodeId: NodeId
      readonly head: Uint8Array | undefined
    }
  /** No working link leads to that node now. */
  | { readonly kind: 'linkDown'; readonly nodeId: NodeId; readonly cause: LossCause }
  /** A channel that we opened did not come up. */
  | { readonly kind: 'dialFailed'; readonly channel: ChannelId; readonly reason: string }
  | {
      readonly kind: 'applicationChannel'
      readonly channel: ChannelId
      readonly role: 'client' | 'server'
      readonly nodeId: NodeId
      readonly certificate: Certificate
    }
  | { readonly kind: 'applicationChannelClosed'; readonly channel: ChannelId }
  | { readonly kind: 'message'; readonly bytes: Uint8Array; readonly previousHop: NodeId | undefined }
  | { readonly kind: 'ownMessage'; readonly own: OwnMessage }
  | { readonly kind: 'requestDone'; readonly purpose: RequestPurpose; readonly outcome: RequestOutcome }
  | { readonly kind: 'handOverDone'; readonly to: NodeId }

export class PeerParts {
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: Trace
  readonly init: PeerInit
  readonly configuration: OverlayConfiguration
  readonly credential: Credential
  readonly self: NodeId
  readonly trust: Trust
  readonly kinds: KindTable
  /** The overlay field of the forwarding header. */
  readonly overlay: number
  readonly instruments = new PeerInstruments()
  readonly outbox = new Outbox<PeerAction>()
  /** Time of the current step. */
  now: Now = { ms: 0, wall: 0 }
  private signals: Signal[] = []
  private token = 0

  /** Throws RangeError when the configuration is not one that this peer can follow. */
  constructor(components: PeerComponents, init: PeerInit) {
    this.crypto = new CountingCrypto(components.crypto, this.instruments.signatures)
    this.random = components.random
    this.trace = components.trace
    this.init = init
    this.configuration = init.configuration
    this.credential = init.credential
    this.self = init.credential.nodeId
    const reason = unsupported(init.configuration)
    if (reason !== undefined) throw new RangeError(reason)
    const trust = trustOf(this.crypto, init.configuration)
    if (!trust.ok) throw new RangeError(trust.error)
    this.trust = trust.value
    this.kinds = new KindTable(init.configuration)
    this.overlay = overlayHash(init.configuration.instanceName, (bytes) => this.crypto.hash('sha1', [bytes]))
  }

  signal(signal: Signal): void {
    this.signals.push(signal)
  }

  /** Signals left since the last call, in order. */
  takeSignals(): Signal[] {
    const taken = this.signals
    if (taken.length > 0) this.signals = []
    return taken
  }

  /** Writes to the journal; the returned token comes back in `persisted`. */
  persist(operations: Extract<PeerAction, { kind: 'persist' }>['operations']): number {
    const token = ++this.token
    this.outbox.push({ kind: 'persist', token, operations })
    return token
  }
}
