/**
 * What a SIP stack can be asked to do. What it cannot is refused at start where it follows from the configuration, answered
 * with the status of the RFC where it follows from the request, or carried by the embedded stack behind it where that works.
 * docs/engines.md shows the same as a table.
 */
export interface EngineCapabilities {
  /** Targets of different q: groups that ring together, one group after the other. */
  readonly mixedForking: boolean
  /** Header fields that a phone has sent can be taken out of a request. */
  readonly headerRemoval: boolean
  /** Route header fields of our own (RFC 3327 Path, RFC 3261 s.16.6 item 6). */
  readonly routes: boolean
  /** Flow tokens, and the next flow of a phone when one has failed (RFC 5626). */
  readonly outbound: boolean
  /** Requests inside dialogs come back by the GRUU of a phone (RFC 5627). */
  readonly gruu: boolean
  /** Subscriptions that end here (RFC 3680): their NOTIFYs start at this node. */
  readonly subscriptions: boolean
  /** sips URIs (RFC 5630). */
  readonly sips: boolean
  /** More than one challenge in a response (RFC 8760). */
  readonly severalChallenges: boolean
  /** Requests over the overlay's own flows (AppAttach). */
  readonly peerFlows: boolean
  /** The next hop, its transport and TLS where the Request-URI does not name them: gateways and static routes. */
  readonly nextHops: boolean
  /** Challenges of a trunk's other side, which its account answers (RFC 3261 s.22). */
  readonly trunks: boolean
  /** Session timers that the proxy asks for (RFC 4028 s.8). */
  readonly sessionTimers: boolean
}

export const EMBEDDED_CAPABILITIES: EngineCapabilities = {
  mixedForking: true,
  headerRemoval: true,
  routes: true,
  outbound: true,
  gruu: true,
  subscriptions: true,
  sips: true,
  severalChallenges: true,
  peerFlows: true,
  nextHops: true,
  trunks: true,
  sessionTimers: true,
}

/**
 * drachtio-srf 5.0.29 and the drachtio server. One `proxy` command forks either at once or in turn, adds header fields and
 * removes none; Route is refused as a dialog-level header. drachtio-srf puts `sip:` before whatever is neither sip nor tel,
 * which makes `sip:sips:…`, and joins header fields of one name with commas, which for challenges is ambiguous.
 */
export const DRACHTIO_CAPABILITIES: EngineCapabilities = {
  mixedForking: false,
  headerRemoval: false,
  routes: false,
  outbound: false,
  gruu: false,
  subscriptions: false,
  sips: false,
  severalChallenges: false,
  peerFlows: false,
  nextHops: false,
  trunks: false,
  sessionTimers: false,
}
