/** XML namespaces of the Configuration Document (RFC 6940 s.11.1, RFC 7904 s.3.4). */
export const BASE_NS = 'urn:ietf:params:xml:ns:p2p:config-base'
export const CHORD_NS = 'urn:ietf:params:xml:ns:p2p:config-chord'
export const SIP_NS = 'urn:ietf:params:xml:ns:p2p:config-base:sip'

/** Extensions that this node understands; any other mandatory-extension keeps it from joining. */
export const SUPPORTED_NAMESPACES: ReadonlySet<string> = new Set([BASE_NS, CHORD_NS, SIP_NS])
