/** The bytes of the links: messages are framed and counted on their way out, taken in and held to a budget on their way in. */
import type { Counter } from '../../common/instruments.ts'
import { sameId, type NodeId } from '../codec/index.ts'
import type { Connection } from '../link/connection.ts'
import type { ConnectionTable } from '../link/connection-table.ts'
import type { FrameFault } from '../link/framing.ts'
import type { ChannelId } from './contract.ts'
import { LinkBudget } from './link-budget.ts'
import type { PeerParts } from './parts.ts'

export class LinkTraffic {
  private readonly parts: PeerParts
  private readonly table: ConnectionTable
  private readonly bytesIn: Counter
  private readonly bytesOut: Counter
  private readonly budgets = new Map<ChannelId, LinkBudget>()
  /** Links whose far end may be one of several nodes and has not attached to us: only Ping and Attach (unattached.ts). */
  private readonly unattached = new Set<ChannelId>()

  constructor(parts: PeerParts, table: ConnectionTable) {
    this.parts = parts
    this.table = table
    this.bytesIn = parts.instruments.bytes.counter('in')
    this.bytesOut = parts.instruments.bytes.counter('out')
  }

  /** A link: what comes over it from now on has a budget. */
  admit(channel: ChannelId, unattached: boolean): void {
    if (unattached) this.unattached.add(channel)
    this.budgets.set(channel, new LinkBudget(this.parts.now.ms))
  }

  /** An Attach made that link after all. */
  attached(channel: ChannelId): void {
    this.unattached.delete(channel)
  }

  /** An Attach with that node has succeeded. */
  attachedTo(nodeId: NodeId): void {
    for (const channel of this.unattached) {
      const named = this.table.byChannel(channel)?.nodeId
      if (named !== undefined && sameId(named, nodeId)) this.unattached.delete(channel)
    }
  }

  isUnattached(channel: ChannelId): boolean {
    return this.unattached.has(channel)
  }

  forget(channel: ChannelId): void {
    this.budgets.delete(channel)
    this.unattached.delete(channel)
  }

  /** False when the link does not take it (link.ts). */
  send(channel: ChannelId, message: Uint8Array): boolean {
    const frame = this.table.send(this.parts.now.ms, channel, message)
    if (frame === undefined) return false
    this.put(channel, frame)
    return true
  }

  /** The last message of a link that is closed after it. */
  farewell(channel: ChannelId, message: Uint8Array): void {
    const link = this.table.byChannel(channel)?.link
    if (link !== undefined) this.put(channel, link.farewell(message))
  }

  /** Takes in what came; its messages go on as signals. Returns why the channel cannot be read any further, if so. */
  receive(connection: Connection, bytes: Uint8Array): FrameFault | undefined {
    const { channel, nodeId } = connection
    const { instruments, now } = this.parts
    const receipt = this.table.receive(now.ms, channel, bytes)
    const unattached = this.unattached.has(channel)
    if (receipt === undefined || (nodeId === undefined && !unattached)) return undefined
    this.bytesIn.count += bytes.length
    for (const reply of receipt.replies) this.put(channel, reply)
    if (receipt.restored && nodeId !== undefined) this.parts.signal({ kind: 'linkRestored', nodeId })
    const budget = this.budgets.get(channel)
    for (const message of receipt.messages) {
      if (budget?.admits(now.ms, message.length) === false) {
        instruments.dropped.add('rate')
        continue
      }
      if (unattached) this.parts.signal({ kind: 'unattachedMessage', channel, bytes: message })
      else this.parts.signal({ kind: 'message', bytes: message, previousHop: nodeId })
    }
    if (receipt.fault !== undefined) {
      this.parts.trace({ level: 'warn', area: 'reload', event: 'link_fault', fault: receipt.fault.kind })
      instruments.dropped.add('malformed')
    }
    return receipt.fault
  }

  private put(channel: ChannelId, frame: Uint8Array): void {
    this.bytesOut.count += frame.length
    this.parts.outbox.push({ kind: 'sendChannel', channel, bytes: frame })
  }
}
