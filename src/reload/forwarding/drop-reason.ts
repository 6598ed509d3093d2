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
  /** No forwarding header: token, version, lengths or lists are wrong. */
  | 'header'
  | 'otherOverlay'
  | 'tooLarge'
  /** RFC 6940 s.6.7: the high bit of the fragment field is clear. */
  | 'fragmentBit'
  /** One of several fragments; this node reassembles nothing yet. */
  | 'fragmented'
  /** Received ttl above initial-ttl. */
  | 'ttlAboveInitial'
  | 'ttlExpired'
  | 'noDestination'
  /** A destination of a type that nobody can route to. */
  | 'unknownDestination'
  | 'duplicateDestination'
  /** A Resource-ID followed by something. */
  | 'resourceNotLast'
  /** A Resource-ID, or nothing that parses, in the via list. */
  | 'viaList'
  /** An opaque id that this node did not issue, or no longer knows. */
  | 'staleOpaqueId'
  /** A Node-ID of our range that no connected node has. */
  | 'absentNode'
  | 'noNextHop'
  /** The next hop is where it came from, or it passed here too often. */
  | 'routingLoop'
  /** A critical forwarding option that is not understood, or any flag in a response. */
  | 'forwardingOption'
