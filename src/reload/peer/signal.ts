/** What the parts of a peer leave for those above them; the root hands each on to whom it concerns (couplings.ts). */
import type { Millis } from '../../common/time.ts'
import type { Message, NodeId, ResourceId } from '../codec/index.ts'
import type { Connection } from '../link/connection.ts'
import type { Certificate, Credential } from '../security/port.ts'
import type { Signer } from '../security/trust.ts'
import type { LossCause } from '../topology/plugin.ts'
import type { ChannelId, CommandError, Journey } from './contract.ts'
import type { RequestPurpose } from './purpose.ts'

/** A message that never becomes bytes, and in whose name it was written. */
export interface OwnMessage {
  readonly message: Message
  readonly author: Credential
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
      readonly journey?: Journey | undefined
    }
  /** `signer` when a node answered with an error. */
  | {
      readonly ok: false
      readonly error: CommandError
      readonly signer: Signer | undefined
      readonly journey?: Journey | undefined
    }

export type Signal =
  /** An overlay link is up, the first or another one to that node. */
  | { readonly kind: 'linkUp'; readonly nodeId: NodeId; readonly connection: Connection }
  /** The answer to an Attach came behind its link, and said where that node listens. */
  | { readonly kind: 'linkDescribed'; readonly nodeId: NodeId; readonly wantsUpdate: boolean }
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
      readonly handshakeMs: Millis | undefined
    }
  | { readonly kind: 'applicationChannelClosed'; readonly channel: ChannelId }
  | { readonly kind: 'message'; readonly bytes: Uint8Array; readonly previousHop: NodeId | undefined }
  /** Over a link whose certificate has several Node-IDs and which no Attach has made (unattached.ts). */
  | { readonly kind: 'unattachedMessage'; readonly channel: ChannelId; readonly bytes: Uint8Array }
  /** Such a link is there. */
  | { readonly kind: 'unattachedLink'; readonly channel: ChannelId; readonly certificate: Certificate }
  | { readonly kind: 'ownMessage'; readonly own: OwnMessage }
  | { readonly kind: 'requestDone'; readonly purpose: RequestPurpose; readonly outcome: RequestOutcome }
  | { readonly kind: 'handOverDone'; readonly to: NodeId }
  /** Something is held here whose owner is none of the peers in the routing table. */
  | { readonly kind: 'ownerUnknown'; readonly resource: ResourceId }
  /** A link to that bootstrap node is up, to see whether it is in our ring. */
  | { readonly kind: 'bootstrapVisited'; readonly nodeId: NodeId }
  /** That node has another Configuration Document; `older` than ours, or newer. */
  | { readonly kind: 'otherDocument'; readonly nodeId: NodeId; readonly older: boolean }
  /** A newer document is in force (true), or this peer cannot follow it and has to go. */
  | { readonly kind: 'reconfigured'; readonly followed: boolean }
