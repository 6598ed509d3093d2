/** A channel and the node it leads to, as the Connection Table (connection-table.ts) shows them. */
import type { Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { Link } from './link.ts'

/** The same numbers as in peer/contract.ts, which this area does not see. */
export type ChannelId = number

/** handshaking: not yet secured, or with a certificate that leaves open which of its Node-IDs is meant; up, suspect and dead are those of the link. */
export type ConnectionState = 'handshaking' | 'up' | 'suspect' | 'dead'

/** Why the channel exists. `bootstrap` and `attach` become overlay links; `application` is handed over once up. */
export type ConnectionPurpose = 'bootstrap' | 'attach' | 'accepted' | 'application'

/** One channel. Changed only by the table. */
export interface Connection {
  readonly channel: ChannelId
  readonly purpose: ConnectionPurpose
  /** Ours in the TLS handshake. */
  readonly role: 'client' | 'server'
  readonly openedAt: Millis
  /** Node-ID that the far end has to prove, when an Attach named it (RFC 6940 s.6.5.1.13). */
  readonly expected: NodeId | undefined
  readonly state: ConnectionState
  /** Proved by the far end; undefined while handshaking. */
  readonly nodeId: NodeId | undefined
  /** Undefined before the certificate was seen, and on application channels, whose bytes are not ours. */
  readonly link: Link | undefined
}

/** What is known of a node that at least one channel leads to. */
export interface ConnectedNode {
  readonly nodeId: NodeId
  /** The connection that carries what we send. */
  readonly connection: Connection
  /** An Update came from it: it is a peer in the ring, so messages may be routed through it. */
  readonly updateReceived: boolean
}

export type ConnectionEvent =
  /** Take it out of the routing table; the node may still be reachable by another connection. */
  | { readonly kind: 'suspect'; readonly connection: Connection }
  /** Close the channel and forget it; the table already has. */
  | {
      readonly kind: 'closed'
      readonly connection: Connection
      readonly reason: 'handshakeTimeout' | 'dead' | 'surplus'
      /** No other connection leads to the node now. */
      readonly nodeLost: boolean
    }
