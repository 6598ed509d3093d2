/**
 * Every message that comes in: on its way to others it is passed on with nothing but its header read; for this node it
 * is decoded and verified, and then either an answer that somebody waits for or a request to be served.
 */
import { RateLimit } from '../../common/rate-limit.ts'
import type { Millis } from '../../common/time.ts'
import {
  decodeForwardingHeader,
  decodeMessage,
  ERROR_CODE,
  errorName,
  HeaderView,
  key,
  MESSAGE_CODE,
  sameId,
  type Message,
  type NodeId,
} from '../codec/index.ts'
import { decide, type ForwardingContext } from '../forwarding/forward.ts'
import type { DropReason } from '../forwarding/drop-reason.ts'
import { Reassembly } from '../forwarding/reassembly.ts'
import { verifyMessage } from '../security/message-signature.ts'
import type { Credential } from '../security/port.ts'
import { isRequest } from '../transactions/server.ts'
import type { Answers } from './answers.ts'
import { SIGNER_REQUESTS_ALLOWED } from './constants.ts'
import { MESSAGE_LABELS, methodLabel } from './instruments.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { IncomingRequest, OwnMessage } from './signal.ts'

export class Receiver {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly requests: Requests
  private readonly answers: Answers
  /** Routing for others: refuses to carry anything while this node is not in the ring. */
  private readonly transit: ForwardingContext
  private readonly own: ForwardingContext
  private readonly hosted = new Map<string, Credential>()
  private readonly fragments: Reassembly
  /** What each signer asks of this node. */
  private readonly askers = new RateLimit(SIGNER_REQUESTS_ALLOWED)

  constructor(
    components: {
      readonly parts: PeerParts
      readonly links: Links
      readonly requests: Requests
      readonly answers: Answers
    },
    routing: { readonly own: ForwardingContext; readonly transit: ForwardingContext },
  ) {
    this.parts = components.parts
    this.links = components.links
    this.requests = components.requests
    this.answers = components.answers
    this.own = routing.own
    this.transit = routing.transit
    this.fragments = new Reassembly(this.parts.limits)
    for (const credential of this.parts.init.hostedCredentials ?? [])
      this.hosted.set(key(credential.nodeId), credential)
  }

  /** Trap 79: users whose Node-ID is served here count as connected, so that [node, user] ends here. */
  hosts(nodeId: Uint8Array): boolean {
    return this.hosted.size > 0 && this.hosted.has(key(nodeId))
  }

  /** A request for this node comes back to be served; everything else is done with. */
  receive(bytes: Uint8Array, previousHop: NodeId | undefined): IncomingRequest | undefined {
    const context = previousHop === undefined ? this.own : this.transit
    const decision = decide(this.parts.now.ms, bytes, previousHop, context)
    switch (decision.kind) {
      case 'forward': {
        const hosted = this.hosted.size > 0 ? this.hosted.get(key(decision.to)) : undefined
        if (hosted !== undefined) {
          const view = HeaderView.read(bytes, this.parts.configuration.nodeIdLength)
          if (view?.whole === false) return this.fragment(bytes, view, previousHop)
          return this.deliver(this.kept(decision.bytes), this.parts.self, hosted)
        }
        if (this.links.send(decision.to, decision.bytes)) this.parts.instruments.forwarded.add()
        else this.drop('no_route', 'linkGone')
        return undefined
      }
      case 'deliver':
        if (!decision.view.whole) return this.fragment(bytes, decision.view, previousHop)
        return this.deliver(
          isPassing(decision.view.messageCode) ? bytes : this.kept(bytes),
          previousHop ?? this.parts.self,
          this.parts.credential,
        )
      case 'drop':
        this.drop(decision.reason, decision.detail)
        if (decision.detail === 'noNextHop' && previousHop !== undefined) this.lost(bytes, previousHop)
        return undefined
      case 'error':
        this.drop(decision.reason, decision.detail)
        if (previousHop !== undefined) this.complain(bytes, previousHop, decision.code)
        return undefined
    }
  }

  nextDeadline(): Millis {
    return this.fragments.nextDeadline()
  }

  /** Gives up messages of which fragments are missing. */
  timeout(): void {
    const incomplete = this.fragments.timeout(this.parts.now.ms)
    for (let i = 0; i < incomplete; i++) this.drop('malformed', 'fragment')
  }

  /** The same for a message of ours to ourselves, of which only the signature need not be looked at (own-message.ts). */
  receiveOwn({ message, author }: OwnMessage): IncomingRequest | undefined {
    const { parts } = this
    // The certificate has to stand as everybody else's: ours may have expired since, or be listed as bad.
    const judged = parts.trust.judge(author.certificate, author.chain ?? [], parts.now.wall)
    if (!judged.ok) {
      this.drop('signature', judged.error)
      return undefined
    }
    const signer = { certificate: judged.value, nodeId: author.nodeId }
    if (!isRequest(message.contents.messageCode)) {
      this.requests.answered(message, signer)
      return undefined
    }
    this.count(message)
    return { message, signer, previousHop: parts.self, credential: parts.credential, own: true }
  }

  /** RFC 6940 s.6.6: what to tell the far end whose request is larger than max-message-size. */
  tooLarge(head: Uint8Array | undefined, previousHop: NodeId): Uint8Array | undefined {
    const { nodeIdLength } = this.parts.configuration
    const view = head === undefined ? undefined : HeaderView.read(head, nodeIdLength)
    if (head === undefined || view?.overlay !== this.parts.overlay) return undefined
    if (view.messageCode === undefined || !isRequest(view.messageCode)) return undefined
    const header = decodeForwardingHeader(head, nodeIdLength)
    if (!header.ok) return undefined
    return this.answers.forLink(header.value, previousHop, ERROR_CODE.messageTooLarge)
  }

  /** With the last one that was missing comes the whole message, and is looked at as if it had come so. */
  private fragment(
    bytes: Uint8Array,
    view: HeaderView,
    previousHop: NodeId | undefined,
  ): IncomingRequest | undefined {
    const taken = this.fragments.take(this.parts.now.ms, bytes, view, previousHop ?? this.parts.self)
    if (typeof taken !== 'string') return this.receive(taken, previousHop)
    if (taken === 'dropped') this.drop('malformed', 'fragment')
    return undefined
  }

  private deliver(
    bytes: Uint8Array,
    previousHop: NodeId,
    credential: Credential,
  ): IncomingRequest | undefined {
    const { parts } = this
    const decoded = decodeMessage(bytes, parts.configuration.nodeIdLength)
    if (!decoded.ok) {
      this.drop('malformed', decoded.error.reason)
      return undefined
    }
    const message = decoded.value
    const forRequester = isRequest(message.contents.messageCode)
    // An answer nobody waits for is not worth the check of its signature.
    if (!forRequester && !this.requests.waitsFor(message.header.transactionId)) return undefined
    const signer = verifyMessage(parts.crypto, parts.trust, message, parts.now.wall)
    if (!signer.ok) {
      // RFC 6940 s.6.3.4: dropped without a word.
      this.drop('signature', signer.error)
      return undefined
    }
    if (sameId(signer.value.nodeId, previousHop)) this.links.signedBy(previousHop, signer.value.certificate)
    if (!forRequester) {
      this.requests.answered(message, signer.value)
      return undefined
    }
    if (this.askers.take(key(signer.value.nodeId), parts.now.ms) > 0) {
      this.drop('rate', 'signer')
      return undefined
    }
    this.count(message)
    return { message, signer: signer.value, previousHop, credential, own: false }
  }

  /** Values, tables and candidates are views on the message that brought them: without what else the socket read. */
  private kept(bytes: Uint8Array): Uint8Array {
    return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
  }

  /** There is no way on from here. A request of ours that has come back has another one: the node that brought it. */
  private lost(bytes: Uint8Array, previousHop: NodeId): void {
    const header = decodeForwardingHeader(bytes, this.parts.configuration.nodeIdLength)
    const ours =
      header.ok && isRequestBytes(bytes) && this.requests.cameBack(header.value.transactionId, previousHop)
    if (!ours) this.complain(bytes, previousHop, ERROR_CODE.notFound)
  }

  /** Tells the requester of a message that cannot be carried; only requests get here (forward.ts). */
  private complain(bytes: Uint8Array, previousHop: NodeId, code: number): void {
    const header = decodeForwardingHeader(bytes, this.parts.configuration.nodeIdLength)
    if (!header.ok || !isRequestBytes(bytes)) return
    this.answers.routingError(header.value, previousHop, code, errorName(code))
  }

  private count(message: Message): void {
    const method = methodLabel(message.contents.messageCode)
    this.parts.instruments.messages.add(MESSAGE_LABELS.in.request.of(method))
  }

  private drop(reason: DropReason, detail: string): void {
    this.parts.instruments.dropped.add(reason)
    this.parts.trace({ level: 'debug', area: 'reload', event: 'message_dropped', reason, detail })
  }
}

/** Nothing of these outlives their handling: whoever keeps what a Store brings copies it (held-value.ts, table.ts). */
function isPassing(code: number | undefined): boolean {
  switch (code) {
    case MESSAGE_CODE.pingReq:
    case MESSAGE_CODE.pingAns:
    case MESSAGE_CODE.storeReq:
    case MESSAGE_CODE.storeAns:
    case MESSAGE_CODE.fetchReq:
      return true
    default:
      return false
  }
}

function isRequestBytes(bytes: Uint8Array): boolean {
  const decoded = decodeMessage(bytes)
  return decoded.ok && isRequest(decoded.value.contents.messageCode)
}
