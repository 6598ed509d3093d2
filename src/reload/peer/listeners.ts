import { key, type NodeId } from '../codec/index.ts'
import type { ConnectionTable } from '../link/connection-table.ts'
import type { TransportAddress } from './contract.ts'

/** The overlay listener of each node with a link, as far as known. */
export class Listeners {
  private readonly table: ConnectionTable
  private readonly known = new Map<string, TransportAddress>()

  constructor(table: ConnectionTable) {
    this.table = table
  }

  /** Where a node with a link listens: we reached it there, or it said so. */
  note(nodeId: NodeId, address: TransportAddress): void {
    if (this.table.byNode(nodeId) !== undefined) this.known.set(key(nodeId), address)
  }

  /** The node has lost a link: what is known of one without any is not kept. */
  forgetUnlinked(nodeId: NodeId): void {
    if (this.table.byNode(nodeId) === undefined) this.known.delete(key(nodeId))
  }

  /** Where that node listens, as far as known. */
  of(nodeId: NodeId): TransportAddress | undefined {
    return this.known.get(key(nodeId))
  }

  /** The connected node that listens there. */
  nodeAt({ address, port }: TransportAddress): NodeId | undefined {
    for (const { nodeId } of this.table.connectedNodes()) {
      const listener = this.of(nodeId)
      if (listener?.address === address && listener.port === port && this.table.connected(nodeId))
        return nodeId
    }
    return undefined
  }
}
