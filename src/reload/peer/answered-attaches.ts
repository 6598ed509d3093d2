/**
 * The Attaches of other nodes that this one has answered (RFC 6940 s.6.5.1.2). The answerer is active: it opens the
 * channel to the listener that the request named.
 */
import type { Millis } from '../../common/time.ts'
import { decodeAttachReqAns, encodeAttachReqAns, ERROR_CODE, sameId, type NodeId } from '../codec/index.ts'
import type { Answers } from './answers.ts'
import { attachBody, usableAddress } from './candidates.ts'
import { ANSWERED_ATTACHES_MAX, ANSWERED_ATTACHES_PER_NODE_MAX, ATTACH_BELIEVED_MS } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import { sameAddress } from './former-neighbors.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { IncomingRequest } from './signal.ts'

/** What an AttachReq asks for. */
interface AskedAttach {
  readonly address: TransportAddress
  readonly wantsUpdate: boolean
}

/** A channel that is being opened to whoever attached to us. */
interface AnsweredAttach {
  readonly nodeId: NodeId
  readonly address: TransportAddress
  readonly since: Millis
  wantsUpdate: boolean
}

export class AnsweredAttaches {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly answers: Answers
  private readonly channels = new Map<ChannelId, AnsweredAttach>()

  constructor(parts: PeerParts, links: Links, answers: Answers) {
    this.parts = parts
    this.links = links
    this.answers = answers
  }

  /** Channels that are being opened. */
  get size(): number {
    return this.channels.size
  }

  /** What the request asks for; undefined when nothing can come of it, which has been answered then. */
  read(request: IncomingRequest): AskedAttach | undefined {
    const decoded = decodeAttachReqAns(request.message.contents.body)
    if (!decoded.ok) {
      this.answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
      return undefined
    }
    if (sameId(request.signer.nodeId, this.parts.self)) {
      this.answers.error(request, ERROR_CODE.invalidMessage, 'an Attach of a node to itself')
      return undefined
    }
    const address = usableAddress(decoded.value.candidates)
    if (address === undefined) {
      this.answers.error(request, ERROR_CODE.incompatibleWithOverlay, 'no TLS-TCP-FH-NO-ICE host candidate')
      return undefined
    }
    return { address, wantsUpdate: decoded.value.sendUpdate }
  }

  /** Answers, and opens the channel. */
  answer(request: IncomingRequest, asked: AskedAttach): void {
    const { nodeId } = request.signer
    if (
      this.channels.size >= ANSWERED_ATTACHES_MAX ||
      this.underWayTo(nodeId) >= ANSWERED_ATTACHES_PER_NODE_MAX
    ) {
      return this.answers.error(request, ERROR_CODE.inProgress, 'too many Attaches at once')
    }
    const body = attachBody(this.parts.init.advertised.overlay, 'active', true)
    this.answers.answer(request, encodeAttachReqAns(body))
    this.dial(nodeId, asked)
  }

  private underWayTo(node: NodeId): number {
    let count = 0
    for (const { nodeId } of this.channels.values()) if (sameId(nodeId, node)) count++
    return count
  }

  /** One channel serves several Attaches of a node: one that joins asks for many fingers, of which we may be all. */
  private dial(nodeId: NodeId, { address, wantsUpdate }: AskedAttach): void {
    const { ms } = this.parts.now
    for (const underWay of this.channels.values()) {
      if (!sameId(underWay.nodeId, nodeId) || ms - underWay.since >= ATTACH_BELIEVED_MS) continue
      if (!sameAddress(underWay.address, address)) continue
      underWay.wantsUpdate ||= wantsUpdate
      return
    }
    const channel = this.links.dial(address, 'attach', nodeId)
    if (channel !== undefined) this.channels.set(channel, { nodeId, address, since: ms, wantsUpdate })
  }

  /** The link is up, or nothing came of the channel. Undefined when no Attach was answered with it. */
  take(channel: ChannelId): { readonly wantsUpdate: boolean } | undefined {
    const taken = this.channels.get(channel)
    this.channels.delete(channel)
    return taken
  }
}
