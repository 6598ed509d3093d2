/** How a request of this node gets on its way: encoded and signed once, routed anew at every repetition (RFC 6940 s.6.2.1). */
import {
  CONFIGURATION_SEQUENCE_ANY,
  encodeContents,
  encodeMessage,
  FRAGMENT_NONE,
  HeaderView,
  MESSAGE_CODE,
  rewriteForForwarding,
  type Destination,
  type NodeId,
  type TransactionId,
} from '../codec/index.ts'
import { decide, type ForwardingContext } from '../forwarding/forward.ts'
import { signMessage } from '../security/message-signature.ts'
import type { Links } from './links.ts'
import type { NewRequest } from './new-request.ts'
import { endsHere, ownMessage } from './own-message.ts'
import type { PeerParts } from './parts.ts'

/** How messages of this node find their way. */
export interface OwnRouting {
  readonly own: ForwardingContext
  /** Past so many of the best next hops. */
  readonly detour: (by: number) => ForwardingContext
}

/** A request that has no answer yet. */
export interface Outgoing {
  readonly request: NewRequest
  /** Encoded and signed when it first leaves this node; a repetition is the very same message. */
  bytes: Uint8Array | undefined
  /** Over whose link it went the last time. */
  lastHop: NodeId | undefined
  /** The transmission that was sent once more to who had brought it back; 0 for none. */
  askedAgain: number
}

export class Transmission {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly routing: OwnRouting

  constructor(parts: PeerParts, links: Links, routing: OwnRouting) {
    this.parts = parts
    this.links = links
    this.routing = routing
  }

  /** `sends`: the how-manieth time this is. */
  transmit(outgoing: Outgoing, transactionId: TransactionId, sends: number): void {
    const { request } = outgoing
    if (this.keep(request, transactionId)) return
    const bytes = (outgoing.bytes ??= this.encode(request, transactionId))
    if (request.firstHop !== undefined) return this.over(request.firstHop, request, bytes)
    // Nobody has to say why there was no answer: a repetition goes another way (S-68, docs/adr/0009-ways-around.md).
    const { own, detour } = this.routing
    const decision = decide(this.parts.now.ms, bytes, undefined, sends > 1 ? detour(sends - 1) : own)
    switch (decision.kind) {
      case 'forward':
        outgoing.lastHop = decision.to
        this.links.send(decision.to, decision.bytes)
        return
      case 'deliver':
        // For ourselves (Trap 87): taken up after the current input, never over a link.
        this.parts.signal({ kind: 'message', bytes, previousHop: undefined })
        return
      case 'drop':
      case 'error':
        this.parts.trace({
          level: 'debug',
          area: 'reload',
          event: 'own_request_not_routed',
          reason: decision.detail,
        })
        return
    }
  }

  /** Once more, and this time by that way, which the destination itself has just used. */
  redirect(outgoing: Outgoing, transactionId: TransactionId, way: readonly Destination[]): void {
    const bytes = (outgoing.bytes ??= this.encode(outgoing.request, transactionId))
    const view = HeaderView.read(bytes)
    if (view === undefined) return
    const redirected = rewriteForForwarding(bytes, view, { ttl: view.ttl, replaceDestinations: way })
    const decision = decide(this.parts.now.ms, redirected, undefined, this.routing.own)
    if (decision.kind === 'forward') this.links.send(decision.to, decision.bytes)
  }

  /** Once more, to that very node. */
  ask(firstHop: NodeId, outgoing: Outgoing, transactionId: TransactionId): void {
    const bytes = (outgoing.bytes ??= this.encode(outgoing.request, transactionId))
    outgoing.lastHop = firstHop
    this.over(firstHop, {}, bytes)
  }

  /** Over the link to that node, or that very channel, and no other way. */
  private over(firstHop: NodeId, { channel }: Pick<NewRequest, 'channel'>, bytes: Uint8Array): void {
    const view = HeaderView.read(bytes)
    if (view === undefined || !this.links.connected(firstHop)) return
    const sent = rewriteForForwarding(bytes, view, { ttl: view.ttl - 1 })
    if (channel === undefined) this.links.send(firstHop, sent)
    else this.links.sendOver(channel, sent)
  }

  private encode(request: NewRequest, transactionId: TransactionId): Uint8Array {
    const { parts } = this
    const { configuration, overlay } = parts
    const contentsBytes = encodeContents({ messageCode: request.code, body: request.body, extensions: [] })
    const security = signMessage(parts.crypto, request.credential ?? parts.credential, {
      overlay,
      transactionId,
      contentsBytes,
      extraCertificates: request.certificates ?? [],
    })
    // RFC 6940 s.6.3.2.1: only a ConfigUpdate is for nodes of any sequence.
    const isConfigUpdate = request.code === MESSAGE_CODE.configUpdateReq
    const header = {
      overlay,
      configurationSequence: isConfigUpdate ? CONFIGURATION_SEQUENCE_ANY : configuration.sequence,
      ttl: isConfigUpdate ? this.updateTtl(request) : configuration.initialTtl,
      fragment: FRAGMENT_NONE,
      transactionId,
      maxResponseLength: 0,
      viaList: [],
      destinationList: request.destinations,
      options: [],
    }
    return encodeMessage(header, contentsBytes, security)
  }

  /** A document that raises initial-ttl has to pass those who have not got it; to a neighbor one hop is enough. */
  private updateTtl({ destinations }: NewRequest): number {
    const [to] = destinations
    const near = destinations.length === 1 && to?.kind === 'node' && this.links.connected(to.nodeId)
    return near ? 1 : this.parts.configuration.initialTtl
  }

  /** True when the request is for this node itself and was handed over without becoming bytes. */
  private keep(request: NewRequest, transactionId: TransactionId): boolean {
    const { code, body, destinations, firstHop } = request
    if (firstHop !== undefined || !endsHere(destinations, this.routing.own)) return false
    const own = ownMessage(this.parts, {
      transactionId,
      destinations,
      code,
      body,
      author: request.credential ?? this.parts.credential,
      certificates: request.certificates ?? [],
    })
    if (own === undefined) return false
    this.parts.signal({ kind: 'ownMessage', own })
    return true
  }
}
