/**
 * Links whose certificate has several Node-IDs and which no Attach has made (RFC 6940 s.6.1.2). Which node is at the far end its
 * first message says, by its signature. Until it has attached to us it may send Pings and Attaches, and answers; other
 * requests get Error_Forbidden.
 */
import {
  decodeForwardingHeader,
  decodeMessage,
  ERROR_CODE,
  HeaderView,
  MESSAGE_CODE,
  sameId,
  type NodeId,
} from '../codec/index.ts'
import { CONNECTIONS_PER_NODE_MAX } from '../link/constants.ts'
import { verifyMessage } from '../security/message-signature.ts'
import type { Certificate } from '../security/port.ts'
import { isRequest } from '../transactions/server.ts'
import type { Answers } from './answers.ts'
import type { Attaches } from './attach.ts'
import type { ChannelId } from './contract.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'

export class UnattachedLinks {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly attaches: Attaches
  private readonly answers: Answers
  /** What the far end of a link without a name has shown. */
  private readonly nameless = new Map<ChannelId, Certificate>()

  constructor(parts: PeerParts, links: Links, attaches: Attaches, answers: Answers) {
    this.parts = parts
    this.links = links
    this.attaches = attaches
    this.answers = answers
  }

  opened(channel: ChannelId, certificate: Certificate): void {
    const expected = this.attaches.expected(certificate.nodeIds)
    if (expected !== undefined) this.links.name(channel, expected, true)
    else if (this.hasEnough(certificate)) {
      const reason = 'the far end has too many links that have not said which of its nodes they are of'
      this.parts.trace({ level: 'warn', area: 'reload', event: 'link_refused', reason })
      this.links.close(channel)
    } else this.nameless.set(channel, certificate)
  }

  /** Before they have a name nobody counts them as links of a node, and they would take the places of all others. */
  private hasEnough({ fingerprint, nodeIds }: Certificate): boolean {
    let count = 0
    for (const shown of this.nameless.values()) if (shown.fingerprint === fingerprint) count++
    return count >= CONNECTIONS_PER_NODE_MAX * nodeIds.length
  }

  /** An Attach was answered, perhaps by somebody whose channel was faster than the answer. */
  attachAnswered(): void {
    for (const [channel, certificate] of this.nameless) {
      const expected = this.attaches.expected(certificate.nodeIds)
      if (expected === undefined) continue
      this.nameless.delete(channel)
      this.links.name(channel, expected, true)
    }
  }

  closed(channel: ChannelId): void {
    this.nameless.delete(channel)
  }

  receive(channel: ChannelId, bytes: Uint8Array): void {
    const certificate = this.nameless.get(channel)
    const nodeId = certificate === undefined ? this.nodeAt(channel) : this.signer(bytes, certificate)
    if (nodeId === undefined) {
      this.parts.instruments.dropped.add('signature')
      if (certificate !== undefined) this.links.close(channel)
      return
    }
    // An Attach may have succeeded since it came in.
    const barred = this.links.isUnattached(channel) && !allowed(bytes, nodeId.length)
    if (barred) {
      // It comes again, and then we know.
      if (certificate !== undefined && this.attaches.undecided) return
      return this.forbid(channel, nodeId, bytes)
    }
    if (certificate !== undefined) {
      this.nameless.delete(channel)
      if (!this.links.name(channel, nodeId, false)) return
    }
    this.parts.signal({ kind: 'message', bytes, previousHop: nodeId })
  }

  private nodeAt(channel: ChannelId): NodeId | undefined {
    return this.links.table.byChannel(channel)?.nodeId
  }

  /** The signer, when it is who the handshake has shown. */
  private signer(bytes: Uint8Array, { nodeIds, fingerprint }: Certificate): NodeId | undefined {
    const { parts } = this
    const decoded = decodeMessage(bytes, parts.configuration.nodeIdLength)
    if (!decoded.ok) return undefined
    const signer = verifyMessage(parts.crypto, parts.trust, decoded.value, parts.now.wall)
    if (!signer.ok || signer.value.certificate.fingerprint !== fingerprint) return undefined
    const { nodeId } = signer.value
    return nodeIds.some((id) => sameId(id, nodeId)) && !sameId(nodeId, parts.self) ? nodeId : undefined
  }

  private forbid(channel: ChannelId, nodeId: NodeId, bytes: Uint8Array): void {
    const header = decodeForwardingHeader(bytes, this.parts.configuration.nodeIdLength)
    const error = header.ok ? this.answers.forLink(header.value, nodeId, ERROR_CODE.forbidden) : undefined
    if (this.nodeAt(channel) === undefined) this.links.closeWith(channel, error)
    else if (error !== undefined) this.links.sendOver(channel, error)
  }
}

/** A fragment behind the first does not say what it is of; its first one does. */
function allowed(bytes: Uint8Array, nodeIdLength: number): boolean {
  const code = HeaderView.read(bytes, nodeIdLength)?.messageCode
  if (code === undefined || !isRequest(code)) return true
  return code === MESSAGE_CODE.pingReq || code === MESSAGE_CODE.attachReq
}
