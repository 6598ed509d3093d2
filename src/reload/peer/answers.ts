/** Answers of this node: built, signed, kept for repetitions, and sent back the way the request came. */
import { utf8 } from '../../common/bytes.ts'
import {
  encodeContents,
  encodeErrorResponse,
  encodeMessage,
  ERROR_CODE,
  errorName,
  HeaderView,
  MESSAGE_CODE,
  rewriteForForwarding,
  type ForwardingHeader,
  type NodeId,
} from '../codec/index.ts'
import { decide, type ForwardingContext } from '../forwarding/forward.ts'
import { returnList } from '../forwarding/via-list.ts'
import { signMessage } from '../security/message-signature.ts'
import type { Certificate, Credential } from '../security/port.ts'
import type { Signer } from '../security/trust.ts'
import { AnswerCache } from '../transactions/answer-cache.ts'
import { requestLifetimeMs } from '../transactions/constants.ts'
import { answerCodeOf, answerHeader, responseLimitError } from '../transactions/server.ts'
import { MESSAGE_LABELS, methodLabel } from './instruments.ts'
import type { Links } from './links.ts'
import { ownMessage } from './own-message.ts'
import type { PeerParts } from './parts.ts'
import type { IncomingRequest } from './signal.ts'

/** A second answer says the same as the first, and most of what comes is a Ping: those are not kept. */
function answersAlike(code: number): boolean {
  return code === MESSAGE_CODE.pingReq
}

export class Answers {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly routing: ForwardingContext
  private readonly cache: AnswerCache

  constructor(parts: PeerParts, links: Links, routing: ForwardingContext) {
    this.parts = parts
    this.links = links
    this.routing = routing
    this.cache = new AnswerCache({ lifetimeMs: requestLifetimeMs(parts.configuration.reliabilityTimerMs) })
  }

  /** Answers kept for requests that come again. */
  get kept(): number {
    return this.cache.size
  }

  /** In a quiet overlay no request comes that would do it, and what the last busy time left behind would stay. */
  timeout(): void {
    this.cache.expire(this.parts.now.ms)
  }

  /** True for a request that is new; a repeated one has been dealt with (RFC 6940 s.6.2.1). */
  admit(request: IncomingRequest): boolean {
    const { header, contents } = request.message
    if (answersAlike(contents.messageCode)) return true
    const admission = this.cache.admit(this.parts.now.ms, request.signer.nodeId, header.transactionId)
    if (admission.kind === 'answered') {
      // Signature and contents stand; only the way back may be another one.
      const view = HeaderView.read(admission.signedPart)
      if (view !== undefined) {
        const list = returnList(request.previousHop, header.viaList)
        this.route(
          rewriteForForwarding(admission.signedPart, view, { ttl: view.ttl, replaceDestinations: list }),
        )
      }
    }
    return admission.kind === 'new'
  }

  answer(request: IncomingRequest, body: Uint8Array, certificates: readonly Certificate[] = []): void {
    const { messageCode } = request.message.contents
    this.parts.instruments.messages.add(MESSAGE_LABELS.out.answer.of(methodLabel(messageCode)))
    if (this.keep(request, answerCodeOf(messageCode), body, certificates)) return
    const bytes = this.encode(request, answerCodeOf(messageCode), body, certificates)
    const limit = responseLimitError(request.message.header.maxResponseLength, bytes.length)
    if (limit !== undefined) return this.error(request, limit, 'the answer exceeds max_response_length')
    if (bytes.length > this.parts.configuration.maxMessageSize) {
      return this.error(request, ERROR_CODE.responseTooLarge, 'the answer exceeds max-message-size')
    }
    this.finish(request, bytes)
  }

  error(request: IncomingRequest, code: number, info: string | Uint8Array): void {
    const method = methodLabel(request.message.contents.messageCode)
    this.parts.instruments.messages.add(MESSAGE_LABELS.out.error.of(method))
    const errorInfo = typeof info === 'string' ? utf8(info) : info
    const body = encodeErrorResponse({ errorCode: code, errorInfo })
    if (this.keep(request, MESSAGE_CODE.error, body, [])) return
    this.finish(request, this.encode(request, MESSAGE_CODE.error, body, []))
  }

  /** An error about a message on its way, whose contents are none of our business; nothing of it is kept. */
  routingError(header: ForwardingHeader, previousHop: NodeId, code: number, reason: string): void {
    const body = encodeErrorResponse({ errorCode: code, errorInfo: utf8(reason) })
    this.route(this.encodeFor(header, previousHop, this.parts.credential, MESSAGE_CODE.error, body, []))
  }

  /** The same for a link that is about to be closed: as it goes out on that very link. */
  forLink(header: ForwardingHeader, previousHop: NodeId, code: number): Uint8Array | undefined {
    const body = encodeErrorResponse({ errorCode: code, errorInfo: utf8(errorName(code)) })
    const bytes = this.encodeFor(header, previousHop, this.parts.credential, MESSAGE_CODE.error, body, [])
    const view = HeaderView.read(bytes)
    return view === undefined ? undefined : rewriteForForwarding(bytes, view, { ttl: view.ttl - 1 })
  }

  /** True when it answers a request of our own and was handed over without becoming bytes. */
  private keep(
    { own, message, signer, credential }: IncomingRequest,
    code: number,
    body: Uint8Array,
    certificates: readonly Certificate[],
  ): boolean {
    if (!own) return false
    const { transactionId } = message.header
    const destinations = [{ kind: 'node', nodeId: this.parts.self }] as const
    const answer = ownMessage(this.parts, {
      transactionId,
      destinations,
      code,
      // A copy: who asked may keep what is in it, and the bytes only pass through.
      body: body.slice(),
      author: credential,
      certificates,
    })
    if (answer === undefined) return false
    // It cannot get lost, so nothing is kept for a repetition.
    this.cache.forget(signer.nodeId, transactionId)
    this.parts.signal({ kind: 'ownMessage', own: answer })
    return true
  }

  private finish(
    { message, signer }: { message: IncomingRequest['message']; signer: Signer },
    bytes: Uint8Array,
  ): void {
    if (!answersAlike(message.contents.messageCode))
      this.cache.answered(this.parts.now.ms, signer.nodeId, message.header.transactionId, bytes)
    this.route(bytes)
  }

  private encode(
    request: IncomingRequest,
    code: number,
    body: Uint8Array,
    certificates: readonly Certificate[],
  ): Uint8Array {
    const { message, previousHop, credential } = request
    return this.encodeFor(message.header, previousHop, credential, code, body, certificates)
  }

  private encodeFor(
    request: ForwardingHeader,
    previousHop: NodeId,
    credential: Credential,
    code: number,
    body: Uint8Array,
    certificates: readonly Certificate[],
  ): Uint8Array {
    const { parts } = this
    const contentsBytes = encodeContents({ messageCode: code, body, extensions: [] })
    const security = signMessage(parts.crypto, credential, {
      overlay: parts.overlay,
      transactionId: request.transactionId,
      contentsBytes,
      extraCertificates: certificates,
    })
    const header = answerHeader(request, previousHop, {
      configurationSequence: parts.configuration.sequence,
      initialTtl: parts.configuration.initialTtl,
    })
    return encodeMessage(header, contentsBytes, security)
  }

  private route(bytes: Uint8Array): void {
    const decision = decide(this.parts.now.ms, bytes, undefined, this.routing)
    if (decision.kind === 'forward') {
      if (!this.links.send(decision.to, decision.bytes)) this.parts.instruments.dropped.add('no_route')
    } else if (decision.kind === 'deliver')
      this.parts.signal({ kind: 'message', bytes, previousHop: undefined })
    else this.parts.instruments.dropped.add(decision.reason)
  }
}
