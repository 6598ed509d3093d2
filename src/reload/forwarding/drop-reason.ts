/** Why a message goes no further. The values are the label `reason` of p2psip_overlay_dropped_total. */
export type DropReason = 'ttl' | 'loop' | 'no_route' | 'signature' | 'config' | 'rate' | 'malformed'

export const DROP_REASONS: readonly DropReason[] = [
  'ttl',
  'loop',
  'no_route',
  'signature',
  'config',
  'rate',
  'malformed',
]

/** The same, exactly: for traces and tests. */
export type DropDetail =
  /**
   * No forwarding header: token, version or lengths are wrong, the high bit of the fragment field is clear, or an entry
   * of a list is where or what it must not be.
   */
  | 'header'
  | 'otherOverlay'
  | 'tooLarge'
  /** A fragment for which there is no room, or that contradicts the others of its message. */
  | 'fragment'
  /** Received ttl above initial-ttl. */
  | 'ttlAboveInitial'
  | 'ttlExpired'
  | 'noDestination'
  /** A destination of a type that nobody can route to. */
  | 'unknownDestination'
  | 'duplicateDestination'
  /** An opaque id that this node did not issue, or no longer knows. */
  | 'staleOpaqueId'
  /** A Node-ID of our range that no connected node has. */
  | 'absentNode'
  | 'noNextHop'
  /** The next hop is where it came from, or it passed here too often. */
  | 'routingLoop'
  /** A critical forwarding option that is not understood, or any flag in a response. */
  | 'forwardingOption'
