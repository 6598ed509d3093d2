/** Channels and the links on them: opens, judges who is at the far end, frames, and tells who came and went. */
import { NEVER, type Millis } from '../../common/time.ts'
import { key, sameId, type NodeId } from '../codec/index.ts'
import type { Connection, ConnectionPurpose } from '../link/connection.ts'
import { ConnectionTable } from '../link/connection-table.ts'
import type { Certificate } from '../security/port.ts'
import type { ChannelId, PeerInput, TransportAddress } from './contract.ts'
import { LinkBudget } from './link-budget.ts'
import type { PeerParts } from './parts.ts'

type ChannelOpened = Extract<PeerInput, { kind: 'channelOpened' }>

export interface LinkInfo {
  readonly address: TransportAddress
  readonly since: Millis
}

/** Judgement: links on certificates that have expired are looked for this often. */
const REVIEW_MS = 10_000

export class Links {
  readonly table: ConnectionTable
  private readonly parts: PeerParts
  /** Where each channel leads, for people and for finding lost neighbors again. */
  private readonly remotes = new Map<ChannelId, TransportAddress>()
  /** Overlay listener of each node with a link, as far as known. */
  private readonly listeners = new Map<string, TransportAddress>()
  /** What each far end showed in its handshake, leaf first. */
  private readonly shown = new Map<ChannelId, readonly [Certificate, ...Uint8Array[]]>()
  private reviewAt: Millis = NEVER
  private readonly budgets = new Map<ChannelId, LinkBudget>()
  /** Links whose far end may be one of several nodes and has not attached to us: only Ping and Attach (unattached.ts). */
  private readonly unattached = new Set<ChannelId>()
  /** The core numbers odd. */
  private nextChannel: ChannelId = 1

  constructor(parts: PeerParts) {
    this.parts = parts
    this.table = new ConnectionTable({
      own: parts.self,
      limits: parts.limits,
    })
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
    const { now } = this.parts
    if (role === 'server') {
      const entered = this.table.open(now.ms, {
        channel,
        purpose: purpose === 'application' ? 'application' : 'accepted',
        role,
      })
      if (entered === undefined) return this.refuse(channel, 'connection table full')
    }
    // RFC 6940 s.6.5.1.13: the handshake proves a Node-ID; TLS itself only proved possession of some key.
    const certificate = this.parts.trust.accept(input.certificates, now.wall)
    if (!certificate.ok) return this.refuse(channel, certificate.error)
    const identified = this.table.identify(now.ms, channel, certificate.value.nodeIds)
    if (!identified.ok && this.table.byChannel(channel)?.link !== undefined) {
      this.unattached.add(channel)
      this.admit(input, certificate.value)
      this.parts.signal({ kind: 'unattachedLink', channel, certificate: certificate.value })
      return
    }
    if (!identified.ok) return this.refuse(channel, identified.error)
    const connection = identified.value
    const nodeId = connection.nodeId as NodeId
    if (purpose === 'application') {
      if (role === 'server') this.remotes.set(channel, input.remote)
      this.parts.signal({ kind: 'applicationChannel', channel, role, nodeId, certificate: certificate.value })
      return
    }
    this.admit(input, certificate.value)
    const dialled = role === 'client' ? this.remotes.get(channel) : undefined
    if (dialled !== undefined) this.noteListener(nodeId, dialled)
    this.parts.signal({ kind: 'linkUp', nodeId, connection })
  }

  private admit({ channel, role, remote, certificates }: ChannelOpened, certificate: Certificate): void {
    if (role === 'server') this.remotes.set(channel, remote)
    this.shown.set(channel, [certificate, ...certificates.slice(1)])
    if (this.reviewAt === NEVER) this.reviewAt = this.parts.now.ms + REVIEW_MS
    this.budgets.set(channel, new LinkBudget(this.parts.now.ms))
  }

  /** The far end of an unattached link is that node; with `attached` it may send what any node may. */
  name(channel: ChannelId, nodeId: NodeId, attached: boolean): boolean {
    const named = this.table.name(this.parts.now.ms, channel, nodeId)
    if (!named.ok) {
      this.refuse(channel, named.error)
      return false
    }
    if (attached) this.unattached.delete(channel)
    this.parts.signal({ kind: 'linkUp', nodeId, connection: named.value })
    return true
  }

  /** An Attach with that node has succeeded. */
  attached(nodeId: NodeId): void {
    for (const channel of this.unattached) {
      const named = this.table.byChannel(channel)?.nodeId
      if (named !== undefined && sameId(named, nodeId)) this.unattached.delete(channel)
    }
  }

  isUnattached(channel: ChannelId): boolean {
    return this.unattached.has(channel)
  }

  /** Sends over that very channel. */
  sendOver(channel: ChannelId, message: Uint8Array): void {
    const frame = this.table.send(this.parts.now.ms, channel, message)
    if (frame === undefined) return
    this.parts.instruments.bytes.add('out', frame.length)
    this.parts.outbox.push({ kind: 'sendChannel', channel, bytes: frame })
  }

  /** Links to bootstrap nodes that no Attach has made are of no use any more. */
  closeBootstrapLinks(): void {
    for (const { channel, purpose, nodeId } of [...this.table.connections()])
      if (purpose === 'bootstrap' && nodeId !== undefined) this.close(channel)
  }

  failed(channel: ChannelId, reason: string): void {
    this.table.close(channel)
    this.forget(channel)
    this.parts.signal({ kind: 'dialFailed', channel, reason })
  }

  data(channel: ChannelId, bytes: Uint8Array): void {
    const connection = this.table.byChannel(channel)
    if (connection === undefined || connection.purpose === 'application') return
    const { nodeId } = connection
    const receipt = this.table.receive(this.parts.now.ms, channel, bytes)
    const unattached = this.unattached.has(channel)
    if (receipt === undefined || (nodeId === undefined && !unattached)) return
    this.parts.instruments.bytes.add('in', bytes.length)
    for (const reply of receipt.replies) {
      this.parts.instruments.bytes.add('out', reply.length)
      this.parts.outbox.push({ kind: 'sendChannel', channel, bytes: reply })
    }
    if (receipt.restored && nodeId !== undefined) this.parts.signal({ kind: 'linkRestored', nodeId })
    const budget = this.budgets.get(channel)
    for (const message of receipt.messages) {
      if (budget?.admits(this.parts.now.ms, message.length) === false) {
        this.parts.instruments.dropped.add('rate')
        continue
      }
      if (unattached) this.parts.signal({ kind: 'unattachedMessage', channel, bytes: message })
      else this.parts.signal({ kind: 'message', bytes: message, previousHop: nodeId })
    }
    if (receipt.fault !== undefined) {
      this.parts.trace({ level: 'warn', area: 'reload', event: 'link_fault', fault: receipt.fault.kind })
      this.parts.instruments.dropped.add('malformed')
      if (nodeId === undefined) return this.close(channel)
      const head = receipt.fault.kind === 'messageTooLarge' ? receipt.fault.head : undefined
      this.parts.signal({ kind: 'linkFault', channel, nodeId, head })
    }
  }

  /** Closes a channel that cannot be read any further, after telling the far end why. */
  closeWith(channel: ChannelId, message: Uint8Array | undefined): void {
    const link = this.table.byChannel(channel)?.link
    if (message !== undefined && link !== undefined) {
      const frame = link.farewell(message)
      this.parts.instruments.bytes.add('out', frame.length)
      this.parts.outbox.push({ kind: 'sendChannel', channel, bytes: frame })
    }
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
    const { trust, now } = this.parts
    for (const [channel, [{ der }, ...chain]] of [...this.shown]) {
      const accepted = trust.accept([der, ...chain], now.wall)
      if (!accepted.ok) this.cut(channel, accepted.error)
    }
  }

  /** The node at the far end has signed with a certificate that lasts longer than the one it showed: it was renewed. */
  signedBy(nodeId: NodeId, certificate: Certificate): void {
    const channel = this.table.byNode(nodeId)?.connection.channel
    const shown = channel === undefined ? undefined : this.shown.get(channel)
    if (channel === undefined || shown === undefined || shown[0].notAfter >= certificate.notAfter) return
    const [, ...chain] = shown
    this.shown.set(channel, [certificate, ...chain])
  }

  /**
   * Nothing that a node signs with an expired certificate is believed, so it cannot answer for its part of the ring: the
   * ring closes over it as if it were gone.
   */
  private cutExpired(): void {
    const { ms, wall } = this.parts.now
    if (ms < this.reviewAt) return
    for (const [channel, [{ notAfter }]] of [...this.shown])
      if (notAfter < wall) this.cut(channel, 'certificate expired')
    this.reviewAt = this.shown.size === 0 ? NEVER : ms + REVIEW_MS
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
    const frame = this.table.send(this.parts.now.ms, connection.channel, message)
    if (frame === undefined) return false
    this.parts.instruments.bytes.add('out', frame.length)
    this.parts.outbox.push({ kind: 'sendChannel', channel: connection.channel, bytes: frame })
    return true
  }

  remote(channel: ChannelId): TransportAddress | undefined {
    return this.remotes.get(channel)
  }

  /** Where a node with a link listens: we reached it there, or it said so. */
  noteListener(nodeId: NodeId, address: TransportAddress): void {
    if (this.table.byNode(nodeId) !== undefined) this.listeners.set(key(nodeId), address)
  }

  /** The node has lost a link: what is known of one without any is not kept. */
  forgetUnlinked(nodeId: NodeId): void {
    if (this.table.byNode(nodeId) === undefined) this.listeners.delete(key(nodeId))
  }

  /** Where that node listens, as far as known. */
  listener(nodeId: NodeId): TransportAddress | undefined {
    return this.listeners.get(key(nodeId))
  }

  /** The connected node that listens there. */
  nodeAt({ address, port }: TransportAddress): NodeId | undefined {
    for (const { nodeId } of this.table.connectedNodes()) {
      const listener = this.listener(nodeId)
      if (listener?.address === address && listener.port === port && this.connected(nodeId)) return nodeId
    }
    return undefined
  }

  nextDeadline(): Millis {
    return Math.min(this.table.nextDeadline(), this.reviewAt)
  }

  timeout(): void {
    this.cutExpired()
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
    this.shown.delete(channel)
    this.budgets.delete(channel)
    this.unattached.delete(channel)
  }

  private refuse(channel: ChannelId, reason: string): void {
    this.parts.trace({ level: 'warn', area: 'reload', event: 'link_refused', reason })
    this.table.close(channel)
    this.forget(channel)
    this.parts.outbox.push({ kind: 'closeChannel', channel })
    this.parts.signal({ kind: 'dialFailed', channel, reason })
  }
}

/** What a link has carried, for people. */
export function linkBytes(connection: Connection): { readonly in: number; readonly out: number } {
  const counters = connection.link?.counters
  return { in: counters?.bytesReceived ?? 0, out: counters?.bytesSent ?? 0 }
}
