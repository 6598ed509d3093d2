/**
 * What the SIP core is told and what it answers. It has never heard of RELOAD: users that are not registered here are
 * found by asking `locate`, registrations are made known by `publish`, and a *peer flow* is a byte stream to
 * another SIP node whose name was proven by whoever opened it. Peer addresses are opaque text.
 *
 * Texts from messages are latin-1 strings: one char, one byte, so that whatever bytes came in go out unchanged.
 */
import type { Millis, Now } from '../../common/time.ts'
import type { DecisionAction, QuestionId } from '../engine/index.ts'
import type {
  LocatedTarget,
  LocateOutcome,
  OutsideRoute,
  OutsideRules,
  PeerFlowOutcome,
  ResolveOutcome,
} from '../proxy/index.ts'
import type { Hop, Transport } from '../transaction/index.ts'
import type { ListenerId, SipTunables } from './sip-settings.ts'

export type {
  LocatedTarget,
  LocateOutcome,
  OutsideRoute,
  OutsideRules,
  PeerFlowOutcome,
  ResolveOutcome,
  Transport,
}

export type {
  Account,
  Accounts,
  ListenerId,
  SipLimits,
  SipListener,
  SipPolicy,
  SipSettings,
  SipTunables,
  TrunkSettings,
  TrustedSource,
} from './sip-settings.ts'

/** A byte-stream connection. Numbered by whoever opens it: the core odd, the shell even. */
export type FlowId = number
export type RequestId = number

export type SipInput =
  | {
      readonly kind: 'datagram'
      readonly listener: ListenerId
      readonly host: string
      readonly port: number
      readonly bytes: Uint8Array
    }
  /** A phone connected to a stream listener. */
  | {
      readonly kind: 'flowAccepted'
      readonly flow: FlowId
      readonly listener: ListenerId
      readonly host: string
      readonly port: number
      /** Names that the far end's TLS certificate has proven: SAN URIs (`sip:alice@example.com`) and DNS names. */
      readonly identities?: readonly string[]
    }
  /** Answer to `openFlow`. */
  | { readonly kind: 'flowOpened'; readonly flow: FlowId }
  | { readonly kind: 'flowFailed'; readonly flow: FlowId; readonly reason: string }
  /** Bytes of a stream as they come; of a WebSocket one message a time (RFC 7118 s.5). */
  | { readonly kind: 'flowData'; readonly flow: FlowId; readonly bytes: Uint8Array }
  | { readonly kind: 'flowClosed'; readonly flow: FlowId }
  /** The far end of a stream says no more, and may read on. The answer is `closeFlow`, once nothing is owed to it. */
  | { readonly kind: 'flowEnded'; readonly flow: FlowId }
  /** A peer flow is up, whoever asked for it. `peer` is the far node's name in hex; `secure` means SIPS (5061). */
  | {
      readonly kind: 'peerFlowUp'
      readonly flow: FlowId
      readonly peer: string
      readonly secure: boolean
      /** The user whom the far end's certificate names: whoever he is, this peer speaks for him. */
      readonly user?: string
    }
  | {
      readonly kind: 'located'
      readonly id: RequestId
      readonly outcome: LocateOutcome
    }
  /** Answer to `verifyCaller`; undefined when the overlay has not answered. Holds for `validMs`. */
  | {
      readonly kind: 'callerVerified'
      readonly id: RequestId
      readonly verified: boolean | undefined
      readonly validMs: Millis
    }
  /** Answer to `foreignContacts`; undefined when the overlay has not answered. */
  | {
      readonly kind: 'foreignContacts'
      readonly id: RequestId
      readonly contacts: readonly ForeignContact[] | undefined
    }
  | { readonly kind: 'published'; readonly id: RequestId; readonly outcome: PublishOutcome }
  | { readonly kind: 'peerFlow'; readonly id: RequestId; readonly outcome: PeerFlowOutcome }
  | { readonly kind: 'resolved'; readonly id: RequestId; readonly outcome: ResolveOutcome }
  /** The engine in front (`SipSettings.front`) is connected and takes SIP at these addresses. */
  | {
      readonly kind: 'frontUp'
      readonly addresses: readonly { readonly host: string; readonly port: number }[]
    }
  /** It is gone, and with it whatever it has asked. */
  | { readonly kind: 'frontDown' }
  /** It has a request outside of dialogs and asks what to do; `decide` answers. */
  | {
      readonly kind: 'asked'
      readonly id: QuestionId
      /** How the request came to the engine. */
      readonly transport: Transport
      readonly host: string
      readonly port: number
      readonly bytes: Uint8Array
    }
  /** The sender has cancelled what it asked about; the engine has answered that itself. */
  | { readonly kind: 'withdrawn'; readonly id: QuestionId }
  /** What became of a request that it was told to forward. */
  | { readonly kind: 'carriedOut'; readonly id: QuestionId; readonly status: number }
  /** False: REGISTER gets 503 + Retry-After, requests use local bindings only. */
  | { readonly kind: 'overlayAvailable'; readonly available: boolean }
  /** The accounts are others now: users without one are not served any more. */
  | { readonly kind: 'accounts' }
  /** What the journal holds from an earlier life of this node; once, after the accounts are known. */
  | { readonly kind: 'restored'; readonly records: readonly (readonly [string, Uint8Array])[] }
  /** Answer to `persist`. */
  | { readonly kind: 'persisted'; readonly token: number; readonly ok: boolean }
  /** From now on new REGISTER and dialog-forming requests get 503 + Retry-After. */
  | { readonly kind: 'drain' }
  /** After `drain`: the node goes now. Calls that nobody has answered are ended. */
  | { readonly kind: 'leave' }
  /** Other limits from now on; what is there already stays. */
  | { readonly kind: 'limits'; readonly limits: SipTunables }
  | { readonly kind: 'timeout' }

export type SipAction =
  | {
      readonly kind: 'sendDatagram'
      readonly listener: ListenerId
      readonly host: string
      readonly port: number
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'openFlow'
      readonly flow: FlowId
      readonly transport: Transport
      readonly host: string
      readonly port: number
      /** With TLS: the SIP domain that the far end's certificate has to name, not the host that DNS led to (RFC 5922 s.7.3). */
      readonly domain: string
    }
  | { readonly kind: 'sendFlow'; readonly flow: FlowId; readonly bytes: Uint8Array }
  | { readonly kind: 'closeFlow'; readonly flow: FlowId }
  /** Somebody waits for the peer at the far end of its flow: is it there? If not the flow is closed. */
  | { readonly kind: 'probePeer'; readonly flow: FlowId }
  /** Where else is this AOR? The core's own bindings are already known to it. */
  | {
      readonly kind: 'locate'
      readonly id: RequestId
      readonly aor: string
      /** False: a forwarding entry is an answer, and not followed. */
      readonly follow?: boolean
      readonly budgetMs: Millis
      /** Of the request that is waiting. */
      readonly callId: string
    }
  /** The bindings of `aor` are about to become these; the 200 waits for `published`. */
  | {
      readonly kind: 'publish'
      readonly id: RequestId
      readonly aor: string
      readonly bindings: readonly PublishedBinding[]
      /** Why: a REGISTER that is waiting, or what happened by itself (no answer is awaited). */
      readonly cause: 'register' | 'expired' | 'flowLost' | 'restored'
      /** Of the REGISTER; '' without one. */
      readonly callId: string
    }
  /** Connect to a peer address: one that `located` gave, `gr:<value>` of a Route, or `node:<hex>` of a Via. */
  | {
      readonly kind: 'openPeerFlow'
      readonly id: RequestId
      readonly address: string
      readonly secure: boolean
      readonly budgetMs: Millis
      /** Of the message that is waiting; '' when it is a response. */
      readonly callId: string
    }
  /** Is `peer` a node that the user `aor` is registered at (M-22)? */
  | {
      readonly kind: 'verifyCaller'
      readonly id: RequestId
      readonly aor: string
      readonly peer: string
      readonly budgetMs: Millis
    }
  /** Which other nodes, and what else, has the user named as the place to call? */
  | {
      readonly kind: 'foreignContacts'
      readonly id: RequestId
      readonly aor: string
      readonly budgetMs: Millis
    }
  /** Records to be kept; answered by `persisted` once they would survive the death of the process. */
  | { readonly kind: 'persist'; readonly token: number; readonly operations: readonly RecordOperation[] }
  /** RFC 3263: addresses of a host outside. Never asked for IP literals. */
  | {
      readonly kind: 'resolve'
      readonly id: RequestId
      readonly host: string
      readonly port: number | undefined
      readonly transport: Transport | undefined
      readonly secure: boolean
    }
  /** Answer to `asked`. */
  | DecisionAction

/** One record written or deleted. */
export type RecordOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }

/** A registration of a user that is not held here, as a Contact (M-09). */
export interface ForeignContact {
  /** An overlay GRUU of the AOR, or what calls are forwarded to. */
  readonly uri: string
  /** Seconds after which nobody answers for it. */
  readonly expiresS: number
}

/** What the overlay side may know of a binding; it never stores addresses. */
export interface PublishedBinding {
  readonly kind: 'device' | 'forward' | 'node' | 'tel'
  /** The Contact URI. */
  readonly contact: string
  /** Contact header parameters, lower-case names: feature tags (RFC 3840) and others. */
  readonly parameters: ReadonlyMap<string, string>
  readonly secure: boolean
  readonly expiresAt: Millis
}

export type PublishOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: number; readonly reason: string; readonly retryAfterS?: number }

/**
 * Sees every SIP message that comes in whole or goes out, retransmissions too. Must not throw, call back or keep `bytes`, which
 * may be part of a larger buffer. Nothing is spent on it when nobody is listening.
 */
export interface SipTap {
  message(now: Now, direction: 'in' | 'out', hop: Hop, bytes: Uint8Array): void
}
