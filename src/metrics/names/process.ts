/** The process: what runs, since when, whether it is ready; certificates and enrollment. */
import { counter, gauge, product, type MetricDefinition } from '../define.ts'

export const PROCESS_METRICS = {
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
    product('joined selfTest journal certificate phoneCertificate draining sip'),
  ),
  draining: gauge('draining', '1 while the node hands over and leaves.'),
  certificateExpiry: gauge(
    'certificate_expiry_timestamp_seconds',
    'End of validity, seconds since 1970.',
    'use',
    product('sip_tls node enrollment_ca'),
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
  hepPackets: counter(
    'hep_packets_total',
    'Packets for the HEP collector.',
    'result',
    product('sent dropped'),
  ),
  traceBufferCalls: gauge('trace_buffer_calls', 'Calls whose trace is in memory.'),
} as const satisfies Record<string, MetricDefinition>
