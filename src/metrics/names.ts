/**
 * Every metric that the product has: name, help, type, labels, and the label values that exist from the start, so that an
 * alert can be written before the first event. Nothing here is labelled with an AOR, a Call-ID, a remote address or a
 * Node-ID other than our own.
 */
import { HOPS_BUCKETS, SECONDS_BUCKETS } from '../common/instruments.ts'

export interface MetricDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Label sets present with value 0 from the start, values joined with `|` in the order of `labels`. */
  readonly initial: readonly string[]
  /** Upper bounds of a histogram. */
  readonly buckets: readonly number[]
}

const SIP_METHODS =
  'INVITE ACK BYE CANCEL OPTIONS REGISTER MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO UPDATE PRACK other'
const SIP_CODES = '100 180 200 302 400 401 403 404 407 408 480 482 483 486 487 500 503 603'
const SIP_TRANSPORTS = 'udp tcp peer'
const RELOAD_METHODS =
  'probe attach appAttach store fetch stat find join leave update routeQuery ping configUpdate other'
const PATHS = 'local overlay dns gruu'
const KINDS = 'SIP-REGISTRATION CERTIFICATE_BY_NODE CERTIFICATE_BY_USER TURN-SERVICE other'

/** All label sets of lists of values, each list a text with blanks between the values. */
function product(...lists: readonly string[]): string[] {
  let sets = ['']
  for (const [index, list] of lists.entries()) {
    sets = sets.flatMap((set) => list.split(' ').map((value) => (index === 0 ? value : `${set}|${value}`)))
  }
  return sets
}

function counter(
  name: string,
  help: string,
  labels = '',
  initial: readonly string[] = [''],
): MetricDefinition {
  return define('counter', name, help, labels, initial, [])
}

function gauge(name: string, help: string, labels = '', initial: readonly string[] = ['']): MetricDefinition {
  return define('gauge', name, help, labels, initial, [])
}

function histogram(
  name: string,
  help: string,
  labels = '',
  initial: readonly string[] = [''],
  buckets: readonly number[] = SECONDS_BUCKETS,
): MetricDefinition {
  return define('histogram', name, help, labels, initial, buckets)
}

function define(
  type: MetricDefinition['type'],
  name: string,
  help: string,
  labels: string,
  initial: readonly string[],
  buckets: readonly number[],
): MetricDefinition {
  return {
    type,
    name: `p2psip_${name}`,
    help,
    labels: labels === '' ? [] : labels.split(' '),
    initial,
    buckets,
  }
}

/** The catalogue. Keys are what the app hangs its readings on. */
export const METRICS = {
  buildInfo: gauge('build_info', 'Constant 1, labelled with what is running.', 'version node commit', []),
  nodeInfo: gauge(
    'node_info',
    'Constant 1, labelled with who this node is and the algorithm of its overlay.',
    'node_id overlay algorithm',
    [],
  ),
  startTime: gauge('start_time_seconds', 'Start of the process, seconds since 1970.'),
  reloadSuccessful: gauge(
    'config_last_reload_successful',
    '1 when the last reload of the configuration worked.',
  ),
  reloadTime: gauge(
    'config_last_reload_success_timestamp_seconds',
    'When the configuration was last read, since 1970.',
  ),
  ready: gauge(
    'ready',
    '1 for each readiness check that passes.',
    'check',
    product('joined selfTest journal certificate draining sip'),
  ),
  draining: gauge('draining', '1 while the node hands over and leaves.'),

  sipRequestsReceived: counter(
    'sip_requests_received_total',
    'SIP requests that came in.',
    'method transport',
    product(SIP_METHODS, SIP_TRANSPORTS),
  ),
  sipRequestsSent: counter(
    'sip_requests_sent_total',
    'SIP requests that went out, retransmissions not counted.',
    'method transport',
    product(SIP_METHODS, SIP_TRANSPORTS),
  ),
  sipResponsesSent: counter(
    'sip_responses_sent_total',
    'SIP responses that went out, retransmissions not counted.',
    'method code transport',
    product('INVITE REGISTER', SIP_CODES, SIP_TRANSPORTS),
  ),
  sipResponsesReceived: counter(
    'sip_responses_received_total',
    'SIP responses that came in.',
    'method code transport',
    product('INVITE', SIP_CODES, SIP_TRANSPORTS),
  ),
  sipRetransmissions: counter(
    'sip_retransmissions_total',
    'SIP messages sent or seen again.',
    'kind direction',
    product('request response', 'in out'),
  ),
  sipMalformed: counter(
    'sip_malformed_messages_total',
    'SIP messages that broke the grammar.',
    'reason transport',
    ['syntax|udp', 'syntax|tcp'],
  ),
  sipTransactions: gauge(
    'sip_transactions_active',
    'Transactions held now, by kind (i/ni = INVITE or not, ct/st = client or server).',
    'kind',
    product('ict ist nict nist'),
  ),
  sipTransactionTimeouts: counter(
    'sip_transaction_timeouts_total',
    'Transactions that ended on a timer.',
    'timer',
    product('B F H C'),
  ),
  sipConnections: gauge(
    'sip_connections_active',
    'Stream connections of phones and peers.',
    'transport side',
    product('tcp peer', 'accepted connected'),
  ),
  sipConnectionsOpened: counter(
    'sip_connections_opened_total',
    'Stream connections that came up.',
    'transport side',
    product('tcp', 'accepted connected'),
  ),
  sipConnectionsClosed: counter(
    'sip_connections_closed_total',
    'Stream connections that ended.',
    'transport reason',
    product('tcp', 'remote local idle stuck error'),
  ),
  sipConnectionsRefused: counter(
    'sip_connections_refused_total',
    'Stream connections that were over a limit.',
    'transport limit',
    product('tcp', 'flows source'),
  ),
  sipSendFailures: counter(
    'sip_send_failures_total',
    'Datagrams that the system refused to send.',
    'reason',
    ['bad_port'],
  ),
  sipDialogs: gauge('sip_dialogs_active', 'Dialogs that passed here and have not ended.'),
  sipMtuSwitch: counter(
    'sip_mtu_switch_total',
    'Requests too long for UDP that were tried over TCP (RFC 3261 s.18.1.1).',
    'result',
    product('ok failed'),
  ),

  callAttempts: counter(
    'call_attempts_total',
    'INVITEs outside a dialog that were served; local when the callee has a binding here.',
    'path mode',
    product(PATHS, 'proxy redirect'),
  ),
  callResults: counter(
    'call_results_total',
    'How those INVITEs ended, under the path of their attempt.',
    'path result',
    product(PATHS, 'answered busy cancelled no_answer not_found failed'),
  ),
  callSetup: histogram(
    'call_setup_seconds',
    'From INVITE to the first ringing or answer.',
    'path',
    product(PATHS),
  ),
  callResolution: histogram(
    'call_resolution_seconds',
    'From INVITE until its targets were known.',
    'path cache',
    product('local overlay', 'hit miss'),
  ),
  callForkBranches: histogram('call_fork_branches', 'Branches tried for one INVITE.', '', [''], HOPS_BUCKETS),

  registrarBindings: gauge('registrar_bindings', 'Bindings held here.', 'transport', product('udp tcp')),
  registrarAors: gauge('registrar_aors', 'AORs with at least one binding here.'),
  registrarRequests: counter(
    'registrar_requests_total',
    'REGISTER requests by outcome.',
    'result',
    product('ok challenged rejected overload store_failed'),
  ),
  registrarSeconds: histogram(
    'registrar_register_seconds',
    'From REGISTER to its 200.',
    'kind',
    product('initial refresh'),
  ),
  registrarExpired: counter('registrar_expired_total', 'Bindings that ran out.'),
  registrarReplaced: counter(
    'registrar_replaced_total',
    'Bindings that a newer one of the same device replaced.',
  ),
  registrarFlowLost: counter('registrar_flow_lost_total', 'Bindings that ended with their connection.'),
  registrarKeepalive: counter(
    'registrar_keepalive_failures_total',
    'Flows given up for want of keep-alives.',
    'transport',
    product('udp tcp'),
  ),
  registrarSync: gauge(
    'registrar_overlay_sync',
    '1 when the overlay has confirmed every AOR registered here.',
  ),
  registrarMissing: gauge(
    'registrar_overlay_missing_aors',
    'AORs registered here that the overlay has not confirmed.',
  ),
  authAttempts: counter(
    'auth_attempts_total',
    'Requests that showed credentials, and those that were challenged.',
    'result algorithm',
    product('ok bad stale missing blocked', 'MD5 SHA-256'),
  ),

  rateLimited: counter(
    'rate_limited_total',
    'Requests refused by a rate limit.',
    'scope',
    product('auth source admin'),
  ),

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
  overlaySize: gauge('overlay_size_estimate', 'Peers in the overlay, estimated from the neighbor table.'),
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
    product('store fetch attach appAttach join update ping', 'ok error timeout'),
  ),
  overlayRequestHops: histogram(
    'overlay_request_hops',
    'Overlay hops of requests that were answered.',
    'method',
    product('store fetch attach appAttach ping'),
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
    product('2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19'),
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

  storageValues: gauge('storage_values', 'Values held.', 'kind role', product(KINDS, 'owner replica')),
  storageBytes: gauge('storage_bytes', 'Bytes of values held.', 'kind role', product(KINDS, 'owner replica')),
  storageRequests: counter(
    'storage_requests_total',
    'Requests served by the storage.',
    'op kind result',
    product('store fetch stat', KINDS, 'ok error'),
  ),
  storageReplicationLag: histogram(
    'storage_replication_lag_seconds',
    'From a Store to the answers of its replicas.',
  ),
  storageReplicaDeficit: gauge('storage_replica_deficit', 'Values that lack one of their replicas.'),
  journalWriteSeconds: histogram('journal_write_seconds', 'Time to make one batch of records durable.'),
  journalFailures: counter('journal_write_failures_total', 'Batches that could not be written.'),

  signatures: counter(
    'signatures_total',
    'Signatures made and checked.',
    'op result',
    product('sign verify', 'ok failed'),
  ),
  certificateExpiry: gauge(
    'certificate_expiry_timestamp_seconds',
    'End of validity, seconds since 1970.',
    'use',
    product('node enrollment_ca'),
  ),
  userCertificates: gauge(
    'user_certificates',
    'Certificates held for hosted users.',
    'state',
    product('ok expiring expired'),
  ),
  enrollments: counter(
    'enrollments_total',
    'Certificates asked for hosted users.',
    'result',
    product('ok failed'),
  ),
  certificateRenewals: counter(
    'certificate_renewals_total',
    'Certificates of the node and its hosted users asked for again before their end.',
    'result',
    product('ok failed'),
  ),
  enrollmentRequests: counter(
    'enrollment_requests_total',
    'Requests at the enrollment server of this node.',
    'result',
    product(
      'issued failed_authentication username_not_available Node-IDs_not_available bad_CSR malformed limited failed',
    ),
  ),
  documentRequests: counter(
    'configuration_requests_total',
    'Requests for the Configuration Document at this node.',
    'result',
    product('sent unchanged limited missing confidential'),
  ),
  enrollmentQueue: gauge(
    'enrollment_queue',
    'Hosted users waiting for a certificate.',
    'lane',
    product('urgent background'),
  ),
} as const satisfies Record<string, MetricDefinition>

/** Key of a metric of the catalogue. */
export type MetricKey = keyof typeof METRICS
