/**
 * Channels and the links on them: opens and closes them, and tells who came and went. Who is at the far end is judged in
 * far-end.ts and shown-certificates.ts; what goes over a link is the business of link-traffic.ts.
 */
import type { Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { ConnectionPurpose } from '../link/connection.ts'
import { ConnectionTable } from '../link/connection-table.ts'
import type { Certificate } from '../security/port.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import { enterFarEnd, type ChannelOpened } from './far-end.ts'
import { LinkTraffic } from './link-traffic.ts'
import { Listeners } from './listeners.ts'
import type { PeerParts } from './parts.ts'
import { ShownCertificates } from './shown-certificates.ts'

export class Links {
  readonly table: ConnectionTable
  readonly listeners: Listeners
  private readonly parts: PeerParts
  /** Where each channel leads, for people and for finding lost neighbors again. */
  private readonly remotes = new Map<ChannelId, TransportAddress>()
  private readonly certificates: ShownCertificates
  private readonly traffic: LinkTraffic
  /** The core numbers odd. */
  private nextChannel: ChannelId = 1

  constructor(parts: PeerParts) {
    this.parts = parts
    this.table = new ConnectionTable({ own: parts.self, limits: parts.limits })
    this.listeners = new Listeners(this.table)
    this.certificates = new ShownCertificates(parts)
    this.traffic = new LinkTraffic(parts, this.table)
  }

  /** Begins a channel. Undefined when there are too many already. */
  dial(
    to: TransportAddress,
    purpose: Exclude<ConnectionPurpose, 'accepted'>,
    expected: NodeId | undefined,
  ): ChannelId | undefined {
    const channel = this.nextChannel
    const entered = this.table.open(this.parts.now.ms, {
      channel,
      purpose,
      role: 'client',
      ...(expected === undefined ? {} : { expected }),
    })
    if (entered === undefined) {
      this.parts.trace({ level: 'warn', area: 'reload', event: 'connection_table_full' })
      return undefined
    }
    this.nextChannel += 2
    this.remotes.set(channel, to)
    this.parts.outbox.push({
      kind: 'openChannel',
      channel,
      purpose: purpose === 'application' ? 'application' : 'overlay',
      to,
    })
    return channel
  }

  opened(input: ChannelOpened): void {
    const { channel, purpose, role } = input
    const farEnd = enterFarEnd(this.parts, this.table, input)
    if (farEnd.kind === 'refused') return this.refuse(channel, farEnd.reason)
    const { certificate } = farEnd
    if (farEnd.kind === 'oneOfSeveral') {
      this.admit(input, certificate, true)
      this.parts.signal({ kind: 'unattachedLink', channel, certificate })
      return
    }
    const { nodeId, connection } = farEnd
    if (purpose === 'application') {
      if (role === 'server') this.remotes.set(channel, input.remote)
      const { handshakeMs } = input
      this.parts.signal({ kind: 'applicationChannel', channel, role, nodeId, certificate, handshakeMs })
      return
    }
    this.admit(input, certificate, false)
    const dialled = role === 'client' ? this.remotes.get(channel) : undefined
    if (dialled !== undefined) this.listeners.note(nodeId, dialled)
    this.parts.signal({ kind: 'linkUp', nodeId, connection })
  }

  private admit(input: ChannelOpened, certificate: Certificate, unattached: boolean): void {
    const { channel, role, remote, certificates } = input
    if (role === 'server') this.remotes.set(channel, remote)
    this.certificates.note(channel, certificate, certificates.slice(1))
    this.traffic.admit(channel, unattached)
  }

  /** The far end of an unattached link is that node; with `attached` it may send what any node may. */
  name(channel: ChannelId, nodeId: NodeId, attached: boolean): boolean {
    const named = this.table.name(this.parts.now.ms, channel, nodeId)
    if (!named.ok) {
      this.refuse(channel, named.error)
      return false
    }
    if (attached) this.traffic.attached(channel)
    this.parts.signal({ kind: 'linkUp', nodeId, connection: named.value })
    return true
  }

  /** An Attach with that node has succeeded. */
  attached(nodeId: NodeId): void {
    this.traffic.attachedTo(nodeId)
  }

  isUnattached(channel: ChannelId): boolean {
    return this.traffic.isUnattached(channel)
  }

  /** Sends over that very channel. */
  sendOver(channel: ChannelId, message: Uint8Array): void {
    this.traffic.send(channel, message)
  }

  failed(channel: ChannelId, reason: string): void {
    this.table.close(channel)
    this.forget(channel)
    this.parts.signal({ kind: 'dialFailed', channel, reason })
  }

  data(channel: ChannelId, bytes: Uint8Array): void {
    const connection = this.table.byChannel(channel)
    if (connection === undefined || connection.purpose === 'application') return
    const fault = this.traffic.receive(connection, bytes)
    if (fault === undefined) return
    const { nodeId } = connection
    if (nodeId === undefined) return this.close(channel)
    const head = fault.kind === 'messageTooLarge' ? fault.head : undefined
    this.parts.signal({ kind: 'linkFault', channel, nodeId, head })
  }

  /** Closes a channel that cannot be read any further, after telling the far end why. */
  closeWith(channel: ChannelId, message: Uint8Array | undefined): void {
    if (message !== undefined) this.traffic.farewell(channel, message)
    this.close(channel)
  }

  /** The channel is gone. */
  closed(channel: ChannelId): void {
    const gone = this.table.close(channel)
    this.forget(channel)
    if (gone === undefined) return
    if (gone.connection.purpose === 'application') {
      this.parts.signal({ kind: 'applicationChannelClosed', channel })
      return
    }
    if (gone.connection.nodeId === undefined) {
      this.parts.signal({ kind: 'dialFailed', channel, reason: 'closed' })
    } else this.lost(gone.connection.nodeId)
  }

  /** Another document is in force: whoever it does not admit any more is cut off (RFC 6940 s.11.1, bad-node). */
  review(): void {
    for (const { channel, reason } of this.certificates.refused()) this.cut(channel, reason)
  }

  /** The node at the far end has signed with a certificate that lasts longer than the one it showed: it was renewed. */
  signedBy(nodeId: NodeId, certificate: Certificate): void {
    const channel = this.table.byNode(nodeId)?.connection.channel
    if (channel !== undefined) this.certificates.renewed(channel, certificate)
  }

  private cut(channel: ChannelId, reason: string): void {
    this.parts.trace({ level: 'warn', area: 'reload', event: 'link_cut', reason })
    this.close(channel)
  }

  /** Closes a channel ourselves. */
  close(channel: ChannelId): void {
    this.parts.outbox.push({ kind: 'closeChannel', channel })
    this.closed(channel)
  }

  closeAll(): void {
    for (const { channel } of [...this.table.connections()]) {
      this.table.close(channel)
      this.forget(channel)
      this.parts.outbox.push({ kind: 'closeChannel', channel })
    }
  }

  /** An application flow belongs to whoever asked for it from now on. */
  handOver(channel: ChannelId): void {
    this.table.close(channel)
    this.forget(channel)
  }

  connected(nodeId: Uint8Array): boolean {
    return this.table.connected(nodeId)
  }

  /** Sends over the best link to that node; false when none takes it. */
  send(nodeId: NodeId, message: Uint8Array): boolean {
    const connection = this.table.byNode(nodeId)?.connection
    if (connection === undefined) return false
    return this.traffic.send(connection.channel, message)
  }

  remote(channel: ChannelId): TransportAddress | undefined {
    return this.remotes.get(channel)
  }

  nextDeadline(): Millis {
    return Math.min(this.table.nextDeadline(), this.certificates.nextDeadline())
  }

  timeout(): void {
    for (const { channel, reason } of this.certificates.expired()) this.cut(channel, reason)
    for (const event of this.table.timeout(this.parts.now.ms)) {
      const { channel, nodeId, purpose } = event.connection
      if (event.kind === 'suspect') {
        if (nodeId !== undefined) this.lost(nodeId)
        continue
      }
      this.forget(channel)
      this.parts.outbox.push({ kind: 'closeChannel', channel })
      if (nodeId === undefined) this.parts.signal({ kind: 'dialFailed', channel, reason: event.reason })
      else if (purpose === 'application') this.parts.signal({ kind: 'applicationChannelClosed', channel })
      else this.lost(nodeId)
    }
  }

  /** RFC 6940 s.6.6.5: without a working link the node is out of the routing table. */
  private lost(nodeId: NodeId): void {
    if (!this.table.connected(nodeId)) this.parts.signal({ kind: 'linkDown', nodeId, cause: 'failure' })
  }

  private forget(channel: ChannelId): void {
    this.remotes.delete(channel)
    this.certificates.forget(channel)
    this.traffic.forget(channel)
  }

  private refuse(channel: ChannelId, reason: string): void {
    this.parts.trace({ level: 'warn', area: 'reload', event: 'link_refused', reason })
    this.table.close(channel)
    this.forget(channel)
    this.parts.outbox.push({ kind: 'closeChannel', channel })
    this.parts.signal({ kind: 'dialFailed', channel, reason })
  }
}
