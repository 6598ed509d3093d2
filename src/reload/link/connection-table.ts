/**
 * The Connection Table (RFC 6940 s.3): every channel from the moment it is opened, by channel and by the Node-ID that
 * its far end proved. Says who is connected and who may be routed through; the shell opens and closes what it is told.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { key, sameId, type NodeId } from '../codec/index.ts'
import {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_NODE_MAX,
  HANDSHAKE_TIMEOUT_MS,
  LINK_QUIET_MS,
  SURPLUS_LINGER_MS,
} from './constants.ts'
import type {
  ChannelId,
  ConnectedNode,
  Connection,
  ConnectionEvent,
  ConnectionPurpose,
  ConnectionState,
} from './connection.ts'
import type { MessageLimits } from './framing.ts'
import { Link, type LinkReceipt } from './link.ts'
import { compareLinks } from './link-choice.ts'
import { provedNodeId, type IdentifyFault } from './link-identity.ts'

interface Row {
  channel: ChannelId
  purpose: ConnectionPurpose
  role: 'client' | 'server'
  openedAt: Millis
  expected: NodeId | undefined
  state: ConnectionState
  nodeId: NodeId | undefined
  link: Link | undefined
  /** At or before the time at which this row has to be looked at. */
  deadline: Deadline<Row> | undefined
  /** Set on a link that lost against another: when to try to close it. */
  surplusAt: Millis
  /** A newer link has taken its place: it is closed whatever the others are worth. */
  displaced: boolean
}

interface NodeRow {
  readonly nodeId: NodeId
  /** Best first; never empty. */
  readonly rows: Row[]
  updateReceived: boolean
}

export class ConnectionTable {
  private readonly own: NodeId
  private readonly limits: MessageLimits
  private readonly rows = new Map<ChannelId, Row>()
  private readonly nodes = new Map<string, NodeRow>()
  private readonly deadlines = new Deadlines<Row>()
  /** Found last: whoever forwards asks whether a node is connected, and then for its link. */
  private lastFound: NodeRow | undefined

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
  open(
    now: Millis,
    channel: {
      readonly channel: ChannelId
      readonly purpose: ConnectionPurpose
      readonly role: 'client' | 'server'
      readonly expected?: NodeId
    },
  ): Connection | undefined {
    if (this.rows.size >= CONNECTIONS_MAX || this.rows.has(channel.channel)) return undefined
    const row: Row = {
      channel: channel.channel,
      purpose: channel.purpose,
      role: channel.role,
      openedAt: now,
      expected: channel.expected,
      state: 'handshaking',
      nodeId: undefined,
      link: undefined,
      deadline: undefined,
      surplusAt: NEVER,
      displaced: false,
    }
    this.rows.set(row.channel, row)
    row.deadline = this.deadlines.set(now + HANDSHAKE_TIMEOUT_MS, row)
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
    this.deadlines.cancel(row.deadline)
    row.deadline = undefined
    if (row.purpose !== 'application') {
      row.link ??= new Link(now, this.limits)
      this.join(now, row, nodeId)
    }
    return ok(row)
  }

  /** Whether one more link to that node is taken. The least of those that are silent gives way: its far end may have restarted. */
  private makeRoom(now: Millis, nodeId: NodeId): boolean {
    const rows = this.nodes.get(key(nodeId))?.rows.filter(({ displaced }) => !displaced) ?? []
    if (rows.length < CONNECTIONS_PER_NODE_MAX) return true
    const silent = rows.findLast(({ link }) => (link as Link).heardAtMs <= now - LINK_QUIET_MS)
    if (silent === undefined) return false
    silent.displaced = true
    silent.surplusAt = now
    this.schedule(silent)
    return true
  }

  /** The links to a node of which nothing was heard lately, but for that one. */
  silentBeside(now: Millis, { nodeId, channel }: Connection): Connection[] {
    const rows = nodeId === undefined ? undefined : this.nodes.get(key(nodeId))?.rows
    if (rows === undefined) return []
    return rows.filter(
      (row) =>
        row.channel !== channel && row.state === 'up' && (row.link as Link).heardAtMs <= now - LINK_QUIET_MS,
    )
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
    this.schedule(row)
    return receipt
  }

  /** Frames a message for that connection; undefined when its link does not take it (link.ts). */
  send(now: Millis, channel: ChannelId, message: Uint8Array): Uint8Array | undefined {
    const row = this.rows.get(channel)
    const frame = row?.link?.send(now, message)
    if (row !== undefined && frame !== undefined) this.schedule(row)
    return frame
  }

  byChannel(channel: ChannelId): Connection | undefined {
    return this.rows.get(channel)
  }

  byNode(nodeId: Uint8Array): ConnectedNode | undefined {
    const node = this.find(nodeId)
    return node === undefined ? undefined : asConnectedNode(node)
  }

  /** RFC 6940 s.6.1.2: whether a message for that very node goes straight to it. */
  connected(nodeId: Uint8Array): boolean {
    const node = this.find(nodeId)
    return node !== undefined && (node.rows[0] as Row).state === 'up'
  }

  /** RFC 6940 s.6.5.1 and s.10.7: without an Update from it, a node may be a client; nothing is routed through it. */
  routable(nodeId: Uint8Array): boolean {
    const node = this.find(nodeId)
    return node !== undefined && node.updateReceived && (node.rows[0] as Row).state === 'up'
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
    for (const node of this.nodes.values()) yield asConnectedNode(node)
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
    for (let row = this.deadlines.pop(now); row !== undefined; row = this.deadlines.pop(now)) {
      row.deadline = undefined
      this.due(now, row, events)
    }
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
      if (row.displaced || this.isSpare(row)) return this.drop(row, 'surplus', events)
      row.surplusAt = now + SURPLUS_LINGER_MS
    }
    this.schedule(row)
  }

  /**
   * Whether the better link has been heard of since this one was opened. Before that it may be the remains of a far
   * end that restarted, and this one the only link that works.
   */
  private isSpare(row: Row): boolean {
    const best = this.nodes.get(key(row.nodeId as NodeId))?.rows[0]
    return (
      best !== undefined &&
      best !== row &&
      best.state === 'up' &&
      (best.link as Link).heardAtMs > row.openedAt
    )
  }

  private drop(row: Row, reason: 'handshakeTimeout' | 'dead' | 'surplus', events: ConnectionEvent[]): void {
    events.push({ kind: 'closed', connection: row, reason, nodeLost: this.forget(row) })
  }

  private join(now: Millis, row: Row, nodeId: NodeId): void {
    const id = key(nodeId)
    const node = this.nodes.get(id)
    if (node === undefined) {
      this.nodes.set(id, { nodeId, rows: [row], updateReceived: false })
      return
    }
    node.rows.push(row)
    this.rank(now, row)
  }

  /** Puts the node's links in order after `row` changed, and marks those that lost. */
  private rank(now: Millis, row: Row): void {
    const node = row.nodeId === undefined ? undefined : this.nodes.get(key(row.nodeId))
    if (node === undefined || node.rows.length < 2) return
    node.rows.sort((a, b) => compareLinks(this.own, node.nodeId, a as RankedRow, b as RankedRow))
    node.rows.forEach((each, index) => {
      if (index === 0 && !each.displaced) each.surplusAt = NEVER
      else if (each.surplusAt === NEVER) each.surplusAt = now + SURPLUS_LINGER_MS
      this.schedule(each)
    })
  }

  private find(nodeId: Uint8Array): NodeRow | undefined {
    if (this.lastFound !== undefined && sameId(this.lastFound.nodeId, nodeId)) return this.lastFound
    const node = this.nodes.get(key(nodeId))
    if (node !== undefined) this.lastFound = node
    return node
  }

  /** Removes the row; true when its node has no other connection. */
  private forget(row: Row): boolean {
    this.rows.delete(row.channel)
    this.deadlines.cancel(row.deadline)
    row.deadline = undefined
    const node = row.nodeId === undefined ? undefined : this.nodes.get(key(row.nodeId))
    const index = node?.rows.indexOf(row) ?? -1
    if (node === undefined || index < 0) return false
    node.rows.splice(index, 1)
    if (node.rows.length === 0) {
      this.nodes.delete(key(node.nodeId))
      if (this.lastFound === node) this.lastFound = undefined
      return true
    }
    ;(node.rows[0] as Row).surplusAt = NEVER
    return false
  }

  /**
   * Keeps one table entry a row, at or before the row's true deadline. One that comes early is cheaper than moving
   * it with every message: `timeout` finds nothing due and sets the next.
   */
  private schedule(row: Row): void {
    if (row.link === undefined) return
    const at = Math.min(row.link.nextDeadline(), row.surplusAt)
    if (row.deadline !== undefined) {
      if (row.deadline.at <= at) return
      this.deadlines.cancel(row.deadline)
      row.deadline = undefined
    }
    if (at !== NEVER) row.deadline = this.deadlines.set(at, row)
  }
}

/** A row that is in a node's list: its link exists, so its state is one of a link. */
type RankedRow = Row & { state: 'up' | 'suspect' | 'dead' }

function asConnectedNode(node: NodeRow): ConnectedNode {
  return { nodeId: node.nodeId, connection: node.rows[0] as Row, updateReceived: node.updateReceived }
}
