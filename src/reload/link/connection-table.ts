/**
 * The Connection Table (RFC 6940 s.3): every channel from the moment it is opened, by channel and by the Node-ID that
 * its far end proved. Says who is connected and who may be routed through; the shell opens and closes what it is told.
 */
import { fail, ok, type Result } from '../../common/errors.ts'
import type { Millis } from '../../common/time.ts'
import { key, sameId, type NodeId } from '../codec/index.ts'
import { CONNECTIONS_MAX, HANDSHAKE_TIMEOUT_MS, SURPLUS_LINGER_MS } from './constants.ts'
import type { ChannelId, ConnectedNode, Connection, ConnectionEvent } from './connection.ts'
import { handshaking, type NewChannel, type Row } from './connection-row.ts'
import type { MessageLimits } from './framing.ts'
import { Link, type LinkReceipt } from './link.ts'
import { provedNodeId, type IdentifyFault } from './link-identity.ts'
import { NodeLinks } from './node-links.ts'
import { RowDeadlines } from './row-deadlines.ts'

export class ConnectionTable {
  private readonly own: NodeId
  private readonly limits: MessageLimits
  private readonly rows = new Map<ChannelId, Row>()
  private readonly nodes = new Map<string, NodeLinks>()
  private readonly deadlines = new RowDeadlines()
  /** Found last: whoever forwards asks whether a node is connected, and then for its link. */
  private lastFound: NodeLinks | undefined

  constructor(settings: { readonly own: NodeId; readonly limits: MessageLimits }) {
    this.own = settings.own
    this.limits = settings.limits
  }

  get size(): number {
    return this.rows.size
  }

  /** Nodes with at least one connection, in the order in which they were first identified. */
  get nodeCount(): number {
    return this.nodes.size
  }

  /** Enters a channel whose handshake begins. Undefined when the table is full or the channel is known. */
  open(now: Millis, channel: NewChannel): Connection | undefined {
    if (this.rows.size >= CONNECTIONS_MAX || this.rows.has(channel.channel)) return undefined
    const row = handshaking(now, channel)
    this.rows.set(row.channel, row)
    this.deadlines.handshake(row, now + HANDSHAKE_TIMEOUT_MS)
    return row
  }

  /**
   * The handshake is done and the certificate was found valid; `nodeIds` are those in it. On a failure the caller
   * closes the channel; the table keeps nothing of it, but for an accepted channel that is `ambiguousNodeId` (see `name`).
   */
  identify(now: Millis, channel: ChannelId, nodeIds: readonly NodeId[]): Result<Connection, IdentifyFault> {
    const row = this.rows.get(channel)
    if (row === undefined || row.state !== 'handshaking') return fail('unknownChannel')
    const nodeId = provedNodeId(this.own, row.expected, nodeIds)
    if (nodeId.ok) return this.become(now, row, nodeId.value)
    // Which one is meant its first message says; the deadline of the handshake is that of the message too.
    if (nodeId.error === 'ambiguousNodeId' && row.purpose === 'accepted')
      row.link = new Link(now, this.limits)
    else this.forget(row)
    return nodeId
  }

  /** A channel whose certificate has several Node-IDs (`ambiguousNodeId`) is the link of that one of them. */
  name(now: Millis, channel: ChannelId, nodeId: NodeId): Result<Connection, IdentifyFault> {
    const row = this.rows.get(channel)
    if (row?.link === undefined || row.nodeId !== undefined) return fail('unknownChannel')
    return this.become(now, row, nodeId)
  }

  private become(now: Millis, row: Row, nodeId: NodeId): Result<Connection, IdentifyFault> {
    if (row.purpose !== 'application' && !this.makeRoom(now, nodeId)) {
      this.forget(row)
      return fail('tooManyLinks')
    }
    row.nodeId = nodeId
    row.state = 'up'
    this.deadlines.cancel(row)
    if (row.purpose !== 'application') {
      row.link ??= new Link(now, this.limits)
      this.join(now, row, nodeId)
    }
    return ok(row)
  }

  /** Whether one more link to that node is taken; another may have to give way to it. */
  private makeRoom(now: Millis, nodeId: NodeId): boolean {
    const node = this.nodes.get(key(nodeId))
    if (node === undefined || !node.full) return true
    const displaced = node.displaceSilent(now)
    if (displaced !== undefined) this.deadlines.schedule(displaced)
    return displaced !== undefined
  }

  /** The links to a node of which nothing was heard lately, but for that one. */
  silentBeside(now: Millis, connection: Connection): Connection[] {
    const { nodeId } = connection
    const node = nodeId === undefined ? undefined : this.nodes.get(key(nodeId))
    return node?.silentBeside(now, connection) ?? []
  }

  /** Feeds bytes to a link. Undefined for a channel that is not up. After a fault the caller closes the channel. */
  receive(now: Millis, channel: ChannelId, bytes: Uint8Array): LinkReceipt | undefined {
    const row = this.rows.get(channel)
    if (row?.link === undefined) return undefined
    const receipt = row.link.receive(now, bytes)
    if (row.nodeId === undefined) return receipt
    if (row.state !== row.link.state) {
      row.state = row.link.state
      this.rank(now, row)
    }
    this.deadlines.schedule(row)
    return receipt
  }

  /** Frames a message for that connection; undefined when its link does not take it (link.ts). */
  send(now: Millis, channel: ChannelId, message: Uint8Array): Uint8Array | undefined {
    const row = this.rows.get(channel)
    const frame = row?.link?.send(now, message)
    if (row !== undefined && frame !== undefined) this.deadlines.schedule(row)
    return frame
  }

  byChannel(channel: ChannelId): Connection | undefined {
    return this.rows.get(channel)
  }

  byNode(nodeId: Uint8Array): ConnectedNode | undefined {
    return this.find(nodeId)?.asConnectedNode
  }

  /** RFC 6940 s.6.1.2: whether a message for that very node goes straight to it. */
  connected(nodeId: Uint8Array): boolean {
    return this.find(nodeId)?.connected === true
  }

  /** A link to that node was opened at or after that time and works, be it the one that carries what is sent or not. */
  linkedSince(nodeId: Uint8Array, since: Millis): boolean {
    const rows = this.find(nodeId)?.rows ?? []
    return rows.some(({ state, openedAt }) => state === 'up' && openedAt >= since)
  }

  /** A link is open, working or suspect, to a node that is no peer of the ring as far as is known: nothing else leads to it. */
  isOnlyWay(nodeId: Uint8Array): boolean {
    const node = this.find(nodeId)
    return node !== undefined && !node.updateReceived
  }

  /** RFC 6940 s.6.5.1 and s.10.7: without an Update from it, a node may be a client; nothing is routed through it. */
  routable(nodeId: Uint8Array): boolean {
    const node = this.find(nodeId)
    return node !== undefined && node.updateReceived && node.connected
  }

  /** An Update signed by that node came in over a link of its own. False when it is not connected. */
  noteUpdate(nodeId: Uint8Array): boolean {
    const node = this.nodes.get(key(nodeId))
    if (node === undefined) return false
    node.updateReceived = true
    return true
  }

  /** It left the ring (Leave) but keeps its link: from now on as a client. */
  noteLeave(nodeId: Uint8Array): void {
    const node = this.nodes.get(key(nodeId))
    if (node !== undefined) node.updateReceived = false
  }

  *connectedNodes(): IterableIterator<ConnectedNode> {
    for (const node of this.nodes.values()) yield node.asConnectedNode
  }

  connections(): IterableIterator<Connection> {
    return this.rows.values()
  }

  /** The channel is gone or will be closed by the caller. Tells what it was, and whether its node is lost with it. */
  close(channel: ChannelId): { readonly connection: Connection; readonly nodeLost: boolean } | undefined {
    const row = this.rows.get(channel)
    if (row === undefined) return undefined
    return { connection: row, nodeLost: this.forget(row) }
  }

  /** At or before the time at which `timeout` may have something to report. */
  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  timeout(now: Millis): ConnectionEvent[] {
    const events: ConnectionEvent[] = []
    for (let row = this.deadlines.pop(now); row !== undefined; row = this.deadlines.pop(now))
      this.due(now, row, events)
    return events
  }

  private due(now: Millis, row: Row, events: ConnectionEvent[]): void {
    if (row.state === 'handshaking') return this.drop(row, 'handshakeTimeout', events)
    const link = row.link as Link
    const change = link.expired(now)
    row.state = link.state
    if (change === 'dead') return this.drop(row, 'dead', events)
    if (change === 'suspect') {
      this.rank(now, row)
      events.push({ kind: 'suspect', connection: row })
    }
    if (now >= row.surplusAt) {
      if (row.displaced || this.nodeOf(row)?.isSpare(row) === true) return this.drop(row, 'surplus', events)
      row.surplusAt = now + SURPLUS_LINGER_MS
    }
    this.deadlines.schedule(row)
  }

  private drop(row: Row, reason: 'handshakeTimeout' | 'dead' | 'surplus', events: ConnectionEvent[]): void {
    events.push({ kind: 'closed', connection: row, reason, nodeLost: this.forget(row) })
  }

  private join(now: Millis, row: Row, nodeId: NodeId): void {
    const id = key(nodeId)
    const node = this.nodes.get(id)
    if (node === undefined) {
      this.nodes.set(id, new NodeLinks(this.own, nodeId, row))
      return
    }
    node.add(row)
    this.rank(now, row)
  }

  /** Puts the links of its node in order after `row` changed. */
  private rank(now: Millis, row: Row): void {
    const node = this.nodeOf(row)
    if (node?.rank(now) === true) for (const each of node.rows) this.deadlines.schedule(each)
  }

  private nodeOf({ nodeId }: Row): NodeLinks | undefined {
    return nodeId === undefined ? undefined : this.nodes.get(key(nodeId))
  }

  private find(nodeId: Uint8Array): NodeLinks | undefined {
    if (this.lastFound !== undefined && sameId(this.lastFound.nodeId, nodeId)) return this.lastFound
    const node = this.nodes.get(key(nodeId))
    if (node !== undefined) this.lastFound = node
    return node
  }

  /** Removes the row; true when its node has no other connection. */
  private forget(row: Row): boolean {
    this.rows.delete(row.channel)
    this.deadlines.cancel(row)
    const node = this.nodeOf(row)
    if (node?.remove(row) !== true) return false
    this.nodes.delete(key(node.nodeId))
    if (this.lastFound === node) this.lastFound = undefined
    return true
  }
}
