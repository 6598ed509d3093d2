/**
 * What a whole node is told and what it answers: the SIP core, the peer core and the translation between them, as one
 * machine. The app drives it with sockets, the simulator with a virtual network.
 */
import type { Millis, Now, WallTime } from '../common/time.ts'
import type { Random } from '../common/random.ts'
import type { Trace } from '../common/trace.ts'
import type { Accounts, SipAction, SipInput, SipSettings, SipTap, SipTunables } from '../sip/index.ts'
import type { CallNote } from './call-note.ts'
import type { ProxyRecord } from './proxy-record.ts'

export type { CallNote, JourneyNote } from './call-note.ts'
import type {
  Credential,
  CryptoPort,
  OverlayConfiguration,
  PeerAction,
  PeerInput,
  PeerState,
  StorageLimits,
  TransportAddress,
} from '../reload/index.ts'

export interface NodeComponents {
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: Trace
  readonly accounts: Accounts
  /** Takes notes of calls; nothing is spent on it when it is absent. */
  readonly calls?: CallObserver | undefined
  /** Absent: other nodes are told nothing about calls. */
  readonly report?: CallReport | undefined
}

/** Answers a question that another node, in hex, asks about a call; '' for none of its business. Must not throw or call back. */
export type CallReport = (now: Now, node: string, question: string) => string

/** Who watches calls: their messages, and what the overlay did for them. Must not throw or call back. */
export interface CallObserver extends SipTap {
  note(now: Now, callId: string, note: CallNote): void
}

export interface NodeInit {
  readonly configuration: OverlayConfiguration
  /** The signed document as bytes, passed on to peers that lack it. */
  readonly configurationDocument: Uint8Array
  /** The node's own certificate and key: its place in the ring. */
  readonly credential: Credential
  /** A client uses the overlay through one or two peers and is no part of its ring; a peer when absent. */
  readonly role?: 'peer' | 'client'
  /** Credentials of hosted users that were enrolled in an earlier run. */
  readonly userCredentials: readonly HostedCredential[]
  readonly bootstrap: readonly TransportAddress[]
  readonly advertised: { readonly overlay: TransportAddress; readonly application: TransportAddress }
  /** True for the first node of an overlay: it owns the whole ring instead of looking for one. */
  readonly founder: boolean
  /** Its place among the bootstrap nodes, see `Entrances`. */
  readonly turn?: number | undefined
  /** Records of the journal. */
  readonly restored: readonly (readonly [string, Uint8Array])[]
  readonly storageLimits?: Partial<StorageLimits>
  /** Undefined for a plain peer without SIP roles. `peerIdentity` is filled in by the node itself. */
  readonly sip: Omit<SipSettings, 'peerIdentity'> | undefined
  readonly adapter: AdapterSettings
}

export interface HostedCredential {
  readonly aor: string
  readonly credential: Credential
}

/** Keys of adapter-mapping s.11 that concern the overlay half; seconds unless said otherwise. */
export interface AdapterSettings {
  readonly publishForwardAsUri: boolean
  readonly publishNodeContact: boolean
  readonly overlayLifetimeMinS: number
  readonly overlayLifetimeMaxS: number
  /** Longest wait of a REGISTER for its Store (M-08). */
  readonly storeBudgetMs: Millis
  readonly recursionDepth: number
  readonly recursionFetches: number
  readonly flowIdleS: number
  readonly flowsMax: number
  readonly enrollOnFirstRegister: boolean
  readonly selfTestIntervalMs: Millis
  /**
   * Go on as a ring of one when every neighbor is lost. Off: phones get 503 and move to their second registrar, since a
   * node whose overlay port was cut cannot tell that from being the last one alive.
   */
  readonly standalone: boolean
  /** What this node tells of itself as a proxy (M-30); nothing without it. */
  readonly proxyRecord?: ProxyRecord
}

export const DEFAULT_ADAPTER_SETTINGS: AdapterSettings = {
  publishForwardAsUri: true,
  publishNodeContact: true,
  overlayLifetimeMinS: 300,
  overlayLifetimeMaxS: 7200,
  storeBudgetMs: 10_000,
  recursionDepth: 5,
  recursionFetches: 20,
  flowIdleS: 600,
  flowsMax: 2000,
  enrollOnFirstRegister: false,
  selfTestIntervalMs: 10_000,
  standalone: false,
}

export type NodeInput =
  | { readonly kind: 'sip'; readonly input: SipInput }
  | { readonly kind: 'peer'; readonly input: PeerInput }
  | { readonly kind: 'enrolled'; readonly aor: string; readonly outcome: EnrollOutcome }
  /** The accounts behind `components.accounts` changed: these AORs are hosted here now, all of them listed. */
  | { readonly kind: 'hostedUsers'; readonly aors: readonly string[] }
  | { readonly kind: 'query'; readonly id: number; readonly query: NodeQuery }
  /** Begin to leave: new work is refused, own entries are withdrawn, then RELOAD Leave; ends in the action `left`. */
  | { readonly kind: 'drain' }
  /** Other limits from now on; what is there already stays. `sip` is left alone in a plain peer. */
  | { readonly kind: 'limits'; readonly sip: SipTunables; readonly storage: StorageLimits }
  | { readonly kind: 'timeout' }

export type NodeQuery =
  | { readonly kind: 'locate'; readonly aor: string }
  | { readonly kind: 'ping'; readonly nodeId: string }
  /** Which peers a request about this AOR passes from here. */
  | { readonly kind: 'path'; readonly aor: string }
  /** The whole ring; `known` in hex are nodes to begin with. */
  | { readonly kind: 'walk'; readonly known: readonly string[] }
  /** Asks another node, in hex, about a call (node-talk.ts). */
  | { readonly kind: 'ask'; readonly node: string; readonly text: string }

export type EnrollOutcome =
  | { readonly ok: true; readonly credential: Credential }
  /** `final`: the name was refused, REGISTER gets 403; otherwise the server was not reachable, 503. */
  | { readonly ok: false; readonly final: boolean; readonly reason: string }

export type NodeAction =
  | { readonly kind: 'sip'; readonly action: SipNetworkAction }
  | { readonly kind: 'peer'; readonly action: PeerNetworkAction }
  /** Get a certificate for this hosted user; `urgent` when a REGISTER waits. Answered by `enrolled`. */
  | { readonly kind: 'enroll'; readonly aor: string; readonly urgent: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: NodeAnswer }
  | { readonly kind: 'stateChanged'; readonly state: PeerState }
  /** Another Configuration Document is in force, to be kept for the next start. */
  | {
      readonly kind: 'configurationChanged'
      readonly configuration: OverlayConfiguration
      readonly document: Uint8Array
    }
  | { readonly kind: 'left' }

export type SipNetworkAction = Extract<
  SipAction,
  { kind: 'sendDatagram' | 'openFlow' | 'sendFlow' | 'closeFlow' | 'resolve' | 'decide' }
>

export type PeerNetworkAction = Extract<
  PeerAction,
  { kind: 'openChannel' | 'sendChannel' | 'closeChannel' | 'persist' }
>

export type NodeAnswer =
  | { readonly kind: 'located'; readonly location: AorLocation }
  | { readonly kind: 'path'; readonly path: AorPath }
  | { readonly kind: 'pinged'; readonly responder: string; readonly rttMs: number }
  | { readonly kind: 'walked'; readonly walk: RingWalk }
  | { readonly kind: 'told'; readonly text: string; readonly rttMs: Millis }
  | { readonly kind: 'failed'; readonly reason: string }

/** The way to where an AOR is stored, peer by peer: `/api/v1/path`. */
export interface AorPath {
  readonly aor: string
  readonly resourceId: string
  /** From this node on; `rttMs` is how long that peer took to say where it would send the request. */
  readonly hops: readonly { readonly nodeId: string; readonly rttMs: number }[]
  /** The last hop is responsible; otherwise `fault` says why the way ends there. */
  readonly complete: boolean
  readonly fault: string
}

/** The whole ring as its nodes describe it: `/api/v1/ring/walk`. */
export interface RingWalk {
  readonly takenAt: WallTime
  readonly tookMs: Millis
  /** Everybody answered and the successors close the circle; otherwise `faults` says what does not fit. */
  readonly complete: boolean
  readonly faults: readonly string[]
  /** In order of their ids. */
  readonly nodes: readonly {
    readonly nodeId: string
    readonly answered: boolean
    readonly successor: string | null
    readonly rttMs: Millis | null
    /** Share of the ring it owns, resources it holds, how long it is up: as it says itself. */
    readonly share: number | null
    readonly resources: number | null
    readonly uptimeS: number | null
  }[]
}

/** What the overlay holds for an AOR, for people: `/api/v1/locate`. */
export interface AorLocation {
  readonly aor: string
  readonly resourceId: string
  readonly responsible: string
  /** The nodes after the responsible peer, which hold the copies; fewer when they did not answer. */
  readonly replicas: readonly string[]
  readonly hops: number
  readonly rttMs: Millis
  readonly userExists: boolean
  readonly entries: readonly {
    /** Dictionary key: the Node-ID of the signing user certificate. */
    readonly key: string
    /** Node-ID of the node that serves the user, or the AOR or URI calls are forwarded to. */
    readonly target: string
    readonly type: 'route' | 'uri'
    readonly contactPrefs: string
    /** From its Store to its end. */
    readonly lifetimeS: number
    readonly storageTime: WallTime
    readonly expiresAt: WallTime
    /** Whose certificate signed it; what does not verify is not here but counted as rejected. */
    readonly signer: { readonly userName: string; readonly nodeId: string; readonly notAfter: WallTime }
  }[]
  readonly rejected: number
}

/** Health as the self-test sees it: store and fetch of an own value through the overlay. */
export interface SelfTest {
  readonly lastSuccessMs: Millis | undefined
  /** Share of the last 20 rounds that succeeded; 1 before the first round. */
  readonly successRatio: number
}
