import type { NodeId } from '../codec/index.ts'

/** What forwarding asks of the topology and the connection table. Ids are raw bytes of Node-IDs or Resource-IDs. */
export interface NextHop {
  /** Whether this node answers for the id (CHORD-RELOAD: it lies between the predecessor and us). */
  responsible(id: Uint8Array): boolean
  /**
   * The routing table's choice among peers that may be routed through, or undefined when there is none. `notBackTo`: the
   * message came from that peer unchanged, so it has no better way itself.
   */
  nextHop(id: Uint8Array, notBackTo?: NodeId): NodeId | undefined
  /** Whether a working link leads to exactly this node, be it peer or client. */
  connected(id: NodeId): boolean
  /** Whether a link is open to this node, a suspect one perhaps, which is the only way to it: it is no peer of the ring. */
  linked(id: NodeId): boolean
}
