/** The overlay: messages, routing, links, flows to other peers, signatures. */
import { HOPS_BUCKETS } from '../../common/instruments.ts'
import { counter, gauge, histogram, product, type MetricDefinition } from '../define.ts'

const RELOAD_METHODS =
  'probe attach appAttach store fetch stat find join leave update routeQuery ping configUpdate other'

export const OVERLAY_METRICS = {
  overlayState: gauge(
    'overlay_state',
    '1 for the state the peer is in.',
    'state',
    product('starting joining joined isolated leaving left'),
  ),
  overlayPeers: gauge(
    'overlay_peers',
    'Entries of the routing tables.',
    'table',
    product('successor predecessor finger connection'),
  ),
  overlaySize: gauge(
    'overlay_size_estimate',
    'Peers in the overlay, estimated from the neighbor table; 0 at a client.',
  ),
  overlayJoinRate: gauge(
    'overlay_join_rate_estimate',
    'Peers a second that join the whole overlay, estimated from those that became neighbors.',
  ),
  overlayLeaveRate: gauge(
    'overlay_leave_rate_estimate',
    'Peers a second that leave the whole overlay or die, estimated from lost neighbors.',
  ),
  overlayStabilization: gauge(
    'overlay_stabilization_interval_seconds',
    'Time between two periodic Updates to neighbors (RFC 6940 s.10.7.4).',
  ),
  overlayMessages: counter(
    'overlay_messages_total',
    'RELOAD messages of this node, forwarded ones not counted.',
    'direction method kind',
    product('in out', RELOAD_METHODS, 'request answer error'),
  ),
  overlayBytes: counter('overlay_bytes_total', 'Bytes on overlay links.', 'direction', product('in out')),
  overlayForwarded: counter('overlay_forwarded_total', 'RELOAD messages passed on for others.'),
  overlayDropped: counter(
    'overlay_dropped_total',
    'RELOAD messages thrown away.',
    'reason',
    product('ttl loop no_route signature config rate malformed'),
  ),
  overlayRequestSeconds: histogram(
    'overlay_request_seconds',
    'From a request to its answer.',
    'method result',
    product(RELOAD_METHODS, 'ok error timeout'),
  ),
  overlayRequestHops: histogram(
    'overlay_request_hops',
    'Overlay hops of requests that were answered.',
    'method',
    product(RELOAD_METHODS),
    HOPS_BUCKETS,
  ),
  overlayRetries: counter(
    'overlay_request_retries_total',
    'Requests sent again end to end.',
    'method',
    product(RELOAD_METHODS),
  ),
  overlayErrors: counter(
    'overlay_errors_total',
    'RELOAD error answers received, by code.',
    'code',
    product('2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20'),
  ),
  overlayRollbacks: counter(
    'overlay_rollbacks_total',
    'Fetched values older than what an earlier Fetch gave (RFC 6940 s.13.5.3).',
  ),
  overlayNeighborChanges: counter(
    'overlay_neighbor_changes_total',
    'Changes of the neighbor table.',
    'event',
    product('join leave timeout'),
  ),
  overlaySelfTest: gauge(
    'overlay_selftest_success_ratio',
    'Share of recent self-tests through the overlay that worked.',
  ),
  linksActive: gauge('links_active', 'TLS channels that are up.', 'transport', product('tls')),
  linkSetup: histogram(
    'link_setup_seconds',
    'TCP and TLS handshake of links opened here.',
    'transport',
    product('tls'),
  ),
  linkFailures: counter(
    'link_failures_total',
    'Links that did not come up or were cut off.',
    'transport stage',
    product('tls', 'tcp tls no_certificate stuck limit'),
  ),
  iceChecks: counter(
    'ice_checks_total',
    'Connectivity checks of ICE, by the kind of local candidate.',
    'result candidate',
    product('ok failed', 'host srflx relay'),
  ),
  appFlows: gauge('appattach_flows_active', 'SIP flows to other peers.', 'app', product('sip sips')),
  appFlowSetup: histogram(
    'appattach_setup_seconds',
    'From AppAttach to a flow that can be used.',
    'app',
    product('sip sips'),
  ),
  appFlowReused: counter(
    'appattach_reused_total',
    'Requests that found a flow already there.',
    'app',
    product('sip sips'),
  ),
  signatures: counter(
    'signatures_total',
    'Signatures made and checked.',
    'op result',
    product('sign verify', 'ok failed'),
  ),
} as const satisfies Record<string, MetricDefinition>
