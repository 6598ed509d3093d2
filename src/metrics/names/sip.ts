/** SIP messages, transactions and connections. */
import { counter, gauge, product, type MetricDefinition } from '../define.ts'

const SIP_METHODS =
  'INVITE ACK BYE CANCEL OPTIONS REGISTER MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO UPDATE PRACK other'
/** What calls and registrations get, from this node or through it. */
const SIP_CODES =
  '100 180 183 200 300 301 302 305 400 401 403 404 405 407 408 415 416 420 421 423 430 439 480 481 482 483 484 486 487 488 491 500 501 503 504 513 555 600 603'
const OTHER_METHODS = 'BYE CANCEL OPTIONS MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO UPDATE PRACK other'
/** What this node itself answers to any of them. */
const OTHER_CODES =
  '100 200 202 400 401 403 404 405 407 408 415 416 420 430 480 481 482 483 500 501 503 504 513'
/** Of those that others send. */
const USUAL_CODES = '200 404 407 408 480 481'
/** Those that stand outside of a dialog may be sent elsewhere. */
const ROAMING_METHODS = 'OPTIONS MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO other'
const ROAMING_CODES = '300 301 302 305'
const EVENT_METHODS = 'SUBSCRIBE NOTIFY PUBLISH'
const EVENT_CODES = '406 423 489'
const SIP_TRANSPORTS = 'udp tcp tls ws wss peer'
const SIP_STREAMS = 'tcp tls ws wss'

export const SIP_METRICS = {
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
    responsesSent(),
  ),
  sipResponsesReceived: counter(
    'sip_responses_received_total',
    'SIP responses that came in.',
    'method code transport',
    responsesReceived(),
  ),
  sipTrunks: gauge(
    'sip_trunks',
    'Trunks by the state of their registration; none: nothing is registered there.',
    'state',
    product('none registering registered failed'),
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
    product('syntax invalid', 'udp tcp tls ws wss'),
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
    product(`${SIP_STREAMS} peer`, 'accepted connected'),
  ),
  sipConnectionsOpened: counter(
    'sip_connections_opened_total',
    'Stream connections that came up.',
    'transport side',
    product(SIP_STREAMS, 'accepted connected'),
  ),
  sipConnectionsClosed: counter(
    'sip_connections_closed_total',
    'Stream connections that ended.',
    'transport reason',
    product(SIP_STREAMS, 'remote local idle stuck error'),
  ),
  sipConnectionsRefused: counter(
    'sip_connections_refused_total',
    'Stream connections that were over a limit.',
    'transport limit',
    product(SIP_STREAMS, 'flows source'),
  ),
  sipTlsHandshakeFailures: counter(
    'sip_tls_handshake_failures_total',
    'TLS handshakes with phones and SIP servers that failed; identity: the certificate is of somebody else.',
    'reason',
    product('protocol no_certificate untrusted identity timeout closed'),
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
  engineConnected: gauge(
    'engine_connected',
    '1 while the SIP stack in front of this node (sip.engine) is connected; absent without one.',
    'engine',
    [],
  ),
  engineReconnects: counter(
    'engine_reconnects_total',
    'How often the connection to the SIP stack in front was made again.',
  ),
  engineDecisions: counter(
    'engine_decisions_total',
    'What the SIP stack in front was told to do with requests that it asked about; handOver is a request that this node carries on itself, passOn one that it had sent.',
    'decision',
    product('respond redirect forward handOver passOn'),
  ),
  engineFailures: counter(
    'engine_failures_total',
    'Decisions that the SIP stack in front did not carry out, and questions and calls that were open when its connection broke.',
    'reason',
    product('refused lost overload'),
  ),
} as const satisfies Record<string, MetricDefinition>

/** method|code|transport */
function responsesSent(): string[] {
  return [
    ...product('INVITE REGISTER', SIP_CODES, SIP_TRANSPORTS),
    ...product(OTHER_METHODS, OTHER_CODES, SIP_TRANSPORTS),
    ...product(ROAMING_METHODS, ROAMING_CODES, SIP_TRANSPORTS),
    ...product(EVENT_METHODS, EVENT_CODES, SIP_TRANSPORTS),
  ]
}

/** What comes is for others to choose: the usual ones, so that a scrape stays small. */
function responsesReceived(): string[] {
  return [
    ...product('INVITE REGISTER', SIP_CODES, SIP_TRANSPORTS),
    ...product(OTHER_METHODS, USUAL_CODES, SIP_TRANSPORTS),
  ]
}
