/**
 * What the peer core is told and what it answers. `PeerCore.step(now, input)` takes a `PeerInput`; the shell (io/) or the
 * simulator then drains `PeerAction`s. Whoever uses the overlay (the adapter) sends commands with an id of its
 * own and gets it back in the matching event.
 */
import type { Millis } from '../../common/time.ts'
import type { Destination, KindId, NodeId, ResourceId, StoredData } from '../codec/index.ts'
import type { OverlayConfiguration } from '../config/index.ts'
import type { Certificate, Credential } from '../security/port.ts'
import type { JournalOperation } from '../storage/journal.ts'
import type { StorageLimits } from '../storage/quota.ts'
import type { ValueToStore } from '../storage/value-to-store.ts'

export type { JournalOperation, ValueToStore }

/** How a request of this node went through the overlay: for people who want to know, not for decisions. */
export interface Journey {
  readonly transactionId: bigint
  /** The node over whose link it went out; undefined when it did not leave this node. */
  readonly firstHop: NodeId | undefined
  /** Whoever signed the answer; undefined without one. */
  readonly responder: NodeId | undefined
  /** Overlay hops of the answer; 0 without one. */
  readonly hops: number
  /** Until the answer, or until it was given up. */
  readonly rttMs: Millis
  /** How often it was sent. */
  readonly sends: number
}

/** One secured byte stream (TLS over TCP today). Numbered by whoever opens it: the core odd, the shell even. */
export type ChannelId = number

/** Chosen by the user of the overlay; repeated in the answer. */
export type CommandId = number

export interface TransportAddress {
  readonly address: string
  readonly port: number
}

/** Through whom a node comes into its overlay. */
export interface Entrances {
  /** Bootstrap nodes, without this one. */
  readonly bootstrap: readonly TransportAddress[]
  /**
   * Place of this node among the bootstrap nodes, 0 first, when it is one of them: when nobody is in the ring any more, they found
   * it anew in this order. Undefined: it is none, and waits for them.
   */
  readonly turn: number | undefined
}

/** Which of the node's two listeners a channel came in on, or why the core opens it. */
export type ChannelPurpose = 'overlay' | 'application'

export type PeerInput =
  /** Founds the overlay (first node) or joins it through the bootstrap nodes. */
  | { readonly kind: 'start' }
  /** TLS handshake done. `certificates` is what the far end showed, leaf first, DER; the core judges it. */
  | {
      readonly kind: 'channelOpened'
      readonly channel: ChannelId
      readonly purpose: ChannelPurpose
      readonly role: 'client' | 'server'
      readonly certificates: readonly Uint8Array[]
      readonly remote: TransportAddress
      /** How long the handshake took, connecting included where we connected. */
      readonly handshakeMs?: Millis
    }
  /** Answer to `openChannel` that did not work out. */
  | { readonly kind: 'channelFailed'; readonly channel: ChannelId; readonly reason: string }
  | { readonly kind: 'channelData'; readonly channel: ChannelId; readonly bytes: Uint8Array }
  | { readonly kind: 'channelClosed'; readonly channel: ChannelId }
  | { readonly kind: 'persisted'; readonly token: number }
  /** The disk did not take it. The shell keeps the records and goes on trying; until `journalWritable` only what others wrote down is acknowledged. */
  | { readonly kind: 'notPersisted'; readonly token: number }
  /** All records given so far are in the journal, after some were not. */
  | { readonly kind: 'journalWritable' }
  /** A Configuration Document that was read or fetched; taken when it is newer and signed as it has to be. */
  | { readonly kind: 'configuration'; readonly document: Uint8Array }
  /** Bootstrap nodes have other addresses now; for the next look for the ring. */
  | { readonly kind: 'entrances'; readonly entrances: Entrances }
  /** Other limits of what is stored, from now on; what is there already stays. */
  | { readonly kind: 'storageLimits'; readonly limits: StorageLimits }
  | { readonly kind: 'timeout' }
  | PeerCommand

export type PeerCommand =
  /**
   * Store values under one resource, signed by `credential` (message and values). `storageTime` is chosen by the core:
   * max(wall clock, last used for that element + 1).
   */
  | {
      readonly kind: 'store'
      readonly id: CommandId
      readonly resource: ResourceId
      readonly values: readonly ValueToStore[]
      readonly credential: Credential
      readonly timeoutMs?: number
    }
  | {
      readonly kind: 'fetch'
      readonly id: CommandId
      readonly resource: ResourceId
      readonly kinds: readonly KindId[]
      readonly timeoutMs?: number
    }
  /** Opens a TLS flow for `application` to the node that the list ends in (RFC 6940 s.6.5.2). */
  | {
      readonly kind: 'appAttach'
      readonly id: CommandId
      readonly destinations: readonly Destination[]
      readonly application: number
      readonly timeoutMs?: number
    }
  | {
      readonly kind: 'ping'
      readonly id: CommandId
      readonly destinations: readonly Destination[]
      readonly timeoutMs?: number
    }
  /** Asks the node that the list ends in where it would send a message for `target` (RFC 6940 s.6.4.2.4). */
  | {
      readonly kind: 'routeQuery'
      readonly id: CommandId
      readonly destinations: readonly Destination[]
      readonly target: ResourceId
      readonly timeoutMs?: number
    }
  /** Asks a node what it owns and holds, and how long it has been up (RFC 6940 s.6.4.2.5). */
  | {
      readonly kind: 'probe'
      readonly id: CommandId
      readonly destinations: readonly Destination[]
      readonly timeoutMs?: number
    }
  /** Hands over and leaves; ends in the event `left`. */
  | { readonly kind: 'leave' }

export type PeerAction =
  | {
      readonly kind: 'openChannel'
      readonly channel: ChannelId
      readonly purpose: ChannelPurpose
      readonly to: TransportAddress
    }
  | { readonly kind: 'sendChannel'; readonly channel: ChannelId; readonly bytes: Uint8Array }
  | { readonly kind: 'closeChannel'; readonly channel: ChannelId }
  /** Journal these records, then tell `persisted`, or `notPersisted`; nothing is acknowledged before. */
  | { readonly kind: 'persist'; readonly token: number; readonly operations: readonly JournalOperation[] }
  | PeerEvent

export type PeerEvent =
  | { readonly kind: 'stateChanged'; readonly state: PeerState }
  | {
      readonly kind: 'storeDone'
      readonly id: CommandId
      readonly outcome: CommandOutcome<StoreResult>
      readonly journey?: Journey | undefined
    }
  | {
      readonly kind: 'fetchDone'
      readonly id: CommandId
      readonly outcome: CommandOutcome<FetchResult>
      readonly journey?: Journey | undefined
    }
  | { readonly kind: 'pingDone'; readonly id: CommandId; readonly outcome: CommandOutcome<PingResult> }
  | {
      readonly kind: 'routeQueryDone'
      readonly id: CommandId
      readonly outcome: CommandOutcome<RouteQueryResult>
    }
  | { readonly kind: 'probeDone'; readonly id: CommandId; readonly outcome: CommandOutcome<ProbeResult> }
  /**
   * An application flow is up and its far end proved `nodeId`. `id` is that of the appAttach command when we asked.
   * From now on `channelData` of this channel belongs to the application, not to the peer core.
   */
  | {
      readonly kind: 'appFlowOpened'
      readonly id: CommandId | undefined
      readonly channel: ChannelId
      readonly nodeId: NodeId
      readonly certificate: Certificate
      readonly application: number
      readonly initiator: boolean
      /** Of the AppAttach, when its answer came before the flow. */
      readonly journey?: Journey | undefined
      /** Of the TLS handshake; undefined where the shell does not measure it. */
      readonly handshakeMs?: Millis | undefined
    }
  | {
      readonly kind: 'appAttachFailed'
      readonly id: CommandId
      readonly error: CommandError
      readonly journey?: Journey | undefined
    }
  /** A link to that node has come up: whatever was thought of it, it is there. */
  | { readonly kind: 'linked'; readonly nodeId: NodeId }
  /** Another Configuration Document is in force, to be kept for the next start. */
  | {
      readonly kind: 'configurationChanged'
      readonly configuration: OverlayConfiguration
      readonly document: Uint8Array
    }
  | { readonly kind: 'left' }

export type PeerState = 'starting' | 'joining' | 'joined' | 'isolated' | 'leaving' | 'left'

export type CommandOutcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CommandError }

/** `reload` carries the error code of the answer; the others arise on this side. */
export type CommandError =
  /** `from`: who said so, over the overlay; absent where this node itself did. */
  | { readonly kind: 'reload'; readonly code: number; readonly info: string; readonly from?: NodeId }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'notJoined' }
  /** TLS or Node-ID check of an application flow failed. */
  | { readonly kind: 'link'; readonly reason: string }
  | { readonly kind: 'invalidAnswer'; readonly reason: string }

export interface StoreResult {
  readonly responsible: NodeId
  /** With which the values were stored; of several the last. */
  readonly storageTime: bigint
  readonly replicas: readonly NodeId[]
  readonly hops: number
}

/** A value whose signature, certificate and access policy were verified by the core. */
export interface VerifiedValue {
  readonly data: StoredData
  /**
   * Monotonic time at which the peer that keeps it forgets it. Not to be computed from `data`: storage_time is that of the Store, the
   * lifetime of a FetchAns what is left of it.
   */
  readonly expiresAt: Millis
  readonly signer: Certificate
  readonly signerNodeId: NodeId
}

export interface FetchResult {
  readonly responsible: NodeId
  readonly kinds: ReadonlyMap<
    KindId,
    { readonly generation: bigint; readonly values: readonly VerifiedValue[] }
  >
  /** Values dropped because they did not verify. */
  readonly rejected: number
}

export interface RouteQueryResult {
  /** The node asked, when it is responsible itself. */
  readonly nextPeer: NodeId
  readonly responder: NodeId
  /** Milliseconds. */
  readonly rttMs: number
}

export interface PingResult {
  readonly responder: NodeId
  /** Milliseconds. */
  readonly rttMs: number
}

/** What a node says of itself; undefined where it does not. */
export interface ProbeResult {
  readonly responder: NodeId
  /** Milliseconds. */
  readonly rttMs: number
  /** Share of the ring that it owns, 0..1. */
  readonly responsibleShare: number | undefined
  /** Resources that it holds. */
  readonly resources: number | undefined
  readonly uptimeS: number | undefined
}
