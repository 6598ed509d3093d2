/**
 * Messages of this node to itself: most lookups of a small ring, and in any ring the share of resources that this node is
 * responsible for. They stay values: no bytes are encoded, signed, decoded and verified again. A signature would prove to
 * us that we hold our own key; RFC 6940 s.6.3.4 wants it for those in between and at the far end, of whom there are none.
 * Whatever else a message has to prove is looked at as for any other (receiver.ts, services.ts). Only the sending half of
 * this very node makes an OwnMessage: what comes over a link is bytes, and bytes are always verified.
 */
import {
  FRAGMENT_NONE,
  sameId,
  type Destination,
  type MessageContents,
  type Signature,
  type TransactionId,
} from '../codec/index.ts'
import type { OverlayConfiguration } from '../config/index.ts'
import type { ForwardingContext } from '../forwarding/forward.ts'
import { bucketOf } from '../security/message-signature.ts'
import type { Certificate, Credential } from '../security/port.ts'
import { OWN_MESSAGE_OVERHEAD_BYTES } from './constants.ts'
import type { OwnMessage } from './signal.ts'

/** What the header says of whoever sends it. */
export interface OwnPeer {
  readonly overlay: number
  readonly configuration: OverlayConfiguration
}

/** What an OwnMessage is made of. */
export interface OwnContents {
  readonly transactionId: TransactionId
  readonly destinations: readonly Destination[]
  readonly code: number
  readonly body: Uint8Array
  readonly author: Credential
  /** That the values inside need. */
  readonly certificates: readonly Certificate[]
}

/** Nobody signed it: whoever takes it for a message of somebody else finds no signer. */
const UNSIGNED: Signature = {
  hashAlgorithm: 0,
  signatureAlgorithm: 0,
  identity: { kind: 'none' },
  value: new Uint8Array(0),
}
const NO_BYTES = new Uint8Array(0)

/** Whether forwarding would deliver a message with this Destination List here at once (RFC 6940 s.6.1.1). */
export function endsHere(destinations: readonly Destination[], routing: ForwardingContext): boolean {
  const [only] = destinations
  if (only === undefined || destinations.length !== 1) return false
  if (only.kind === 'resource') return routing.routes.responsible(only.resourceId)
  return only.kind === 'node' && sameId(only.nodeId, routing.own)
}

/**
 * The message, or undefined when its encoded form might exceed max-message-size: then it takes the way of all messages, on
 * which that is measured, so that nothing can be stored here that no other peer could be sent.
 */
export function ownMessage(peer: OwnPeer, contents: OwnContents): OwnMessage | undefined {
  const { transactionId, destinations, code, body, author } = contents
  const { configuration } = peer
  const certificates = bucketOf(author, contents.certificates)
  let bytes = OWN_MESSAGE_OVERHEAD_BYTES + body.length
  for (const { certificate } of certificates) bytes += certificate.length
  if (bytes > configuration.maxMessageSize) return undefined
  const header = {
    overlay: peer.overlay,
    configurationSequence: configuration.sequence,
    ttl: configuration.initialTtl,
    fragment: FRAGMENT_NONE,
    length: 0,
    transactionId,
    maxResponseLength: 0,
    viaList: [],
    destinationList: destinations,
    options: [],
  }
  const messageContents: MessageContents = { messageCode: code, body, extensions: [] }
  const security = { certificates, signature: UNSIGNED }
  return { message: { header, contents: messageContents, security, contentsBytes: NO_BYTES }, author }
}
