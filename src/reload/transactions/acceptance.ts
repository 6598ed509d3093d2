import {
  ERROR_CODE,
  isWildcard,
  sameId,
  type Destination,
  type NodeId,
  type ResourceId,
} from '../codec/index.ts'

/** Whom a request was for: the last entry of its Destination List. */
export type RequestTarget =
  | { readonly kind: 'node'; readonly nodeId: NodeId }
  | { readonly kind: 'resource'; readonly resourceId: ResourceId }
  | { readonly kind: 'wildcard' }

/** What acceptance asks of the topology. */
export interface Closeness {
  /** Whether the node is at least as close to the resource as every entry of the neighbor table; true when that is empty. */
  asCloseAsNeighbors(nodeId: NodeId, resource: ResourceId): boolean
}

/** Undefined for a list that ends in something whose answer could not be checked. */
export function targetOf(destinations: readonly Destination[]): RequestTarget | undefined {
  // RFC 6940 s.6.1.1: a wildcard is consumed by whoever meets it, whatever follows it.
  for (const entry of destinations) {
    if (entry.kind === 'node' && isWildcard(entry.nodeId)) return { kind: 'wildcard' }
  }
  const last = destinations[destinations.length - 1]
  if (last?.kind === 'node') return { kind: 'node', nodeId: last.nodeId }
  if (last?.kind === 'resource') return { kind: 'resource', resourceId: last.resourceId }
  return undefined
}

/**
 * RFC 6940 s.6.3.4: an answer to a Node-ID has to come from it; one to a Resource-ID from a node at least as close as
 * every neighbor of ours; the wildcard may be answered by anyone. A joining node has no neighbors and believes
 * whoever answers for a resource.
 */
export function mayAnswer(target: RequestTarget, signer: NodeId, closeness: Closeness): boolean {
  switch (target.kind) {
    case 'node':
      return sameId(target.nodeId, signer)
    case 'resource':
      return closeness.asCloseAsNeighbors(signer, target.resourceId)
    case 'wildcard':
      return true
  }
}

/** Errors that any node on the way may report. */
export function isRoutingError(errorCode: number): boolean {
  return (
    errorCode === ERROR_CODE.ttlExceeded ||
    errorCode === ERROR_CODE.unsupportedForwardingOption ||
    errorCode === ERROR_CODE.messageTooLarge ||
    errorCode === ERROR_CODE.invalidMessage ||
    errorCode === ERROR_CODE.incompatibleWithOverlay
  )
}
