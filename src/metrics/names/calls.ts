/** Calls, registrations, credentials, and what is refused. */
import { HOPS_BUCKETS } from '../../common/instruments.ts'
import { counter, gauge, histogram, product, type MetricDefinition } from '../define.ts'

const PATHS = 'local overlay dns gruu'

export const CALL_METRICS = {
  callAttempts: counter(
    'call_attempts_total',
    'INVITEs outside a dialog that were served; local when the callee has a binding here.',
    'path mode',
    product(PATHS, 'proxy redirect'),
  ),
  callResults: counter(
    'call_results_total',
    'How those INVITEs ended, under the path of their attempt; redirected: a redirect server said where to go.',
    'path result',
    product(PATHS, 'answered busy cancelled no_answer not_found failed redirected'),
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
  registrarBindings: gauge(
    'registrar_bindings',
    'Bindings held here.',
    'transport',
    product('udp tcp tls ws wss'),
  ),
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
  registrarWaiting: gauge(
    'registrar_waiting',
    'REGISTERs whose answer waits for the overlay, and how many first registrations may wait before more are sent away.',
    'what',
    product('now room'),
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
    product('udp ws wss'),
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
    product('auth source register admin'),
  ),
  scannerDropped: counter(
    'scanner_dropped_total',
    'Requests of sources that had been told often enough and got no answer any more.',
    'scope',
    product('source'),
  ),
  bansActive: gauge(
    'bans_active',
    'Sources refused for the moment, whatever they show; auth after too many wrong credentials.',
    'scope',
    product('auth'),
  ),
} as const satisfies Record<string, MetricDefinition>
