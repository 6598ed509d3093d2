import type { NodeId, ResourceId } from '../codec/index.ts'

/** What storage asks of the Topology Plug-in. */
export interface Responsibility {
  /** This peer owns the range in which `resource` lies. */
  responsibleFor(resource: ResourceId): boolean
  /**
   * RFC 6940 s.7.4.1.1 and s.10.4: this peer expects to hold a replica of `resource`, and `sender` may be its
   * Responsible Peer, or was a moment ago.
   */
  mayReplicate(sender: NodeId, resource: ResourceId): boolean
  /** The peers to which this one, being responsible, sends replicas of `resource`; for StoreAns (s.7.4.1.2). */
  replicaSet(resource: ResourceId): readonly NodeId[]
}
