import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../src/metrics/names.ts'

/** Every metric of the specification: name without prefix, type, labels, and label values that it spells out. */
const SPECIFIED: readonly (readonly [
  name: string,
  type: string,
  labels: string,
  values?: Readonly<Record<string, string>>,
])[] = [
  ['build_info', 'gauge', 'version node commit'],
  ['node_info', 'gauge', 'node_id overlay algorithm'],
  ['start_time_seconds', 'gauge', ''],
  ['config_last_reload_successful', 'gauge', ''],
  ['config_last_reload_success_timestamp_seconds', 'gauge', ''],
  ['ready', 'gauge', 'check'],
  ['draining', 'gauge', ''],
  ['sip_requests_received_total', 'counter', 'method transport'],
  ['sip_requests_sent_total', 'counter', 'method transport'],
  ['sip_responses_sent_total', 'counter', 'method code transport'],
  ['sip_responses_received_total', 'counter', 'method code transport'],
  ['sip_retransmissions_total', 'counter', 'kind direction', { kind: 'request response' }],
  ['sip_malformed_messages_total', 'counter', 'reason transport'],
  ['sip_transactions_active', 'gauge', 'kind', { kind: 'ict ist nict nist' }],
  ['sip_transaction_timeouts_total', 'counter', 'timer', { timer: 'B F H C' }],
  ['sip_connections_active', 'gauge', 'transport side'],
  ['sip_connections_opened_total', 'counter', 'transport side'],
  ['sip_connections_closed_total', 'counter', 'transport reason'],
  ['sip_tls_handshake_failures_total', 'counter', 'reason'],
  ['sip_dialogs_active', 'gauge', ''],
  ['sip_mtu_switch_total', 'counter', 'result'],
  ['call_attempts_total', 'counter', 'path mode', { path: 'local overlay dns gruu', mode: 'proxy redirect' }],
  [
    'call_results_total',
    'counter',
    'path result',
    { result: 'answered busy cancelled no_answer not_found failed' },
  ],
  ['call_setup_seconds', 'histogram', 'path'],
  ['call_resolution_seconds', 'histogram', 'path cache', { cache: 'hit miss' }],
  ['call_fork_branches', 'histogram', ''],
  ['registrar_bindings', 'gauge', 'transport'],
  ['registrar_aors', 'gauge', ''],
  [
    'registrar_requests_total',
    'counter',
    'result',
    { result: 'ok challenged rejected overload store_failed' },
  ],
  ['registrar_register_seconds', 'histogram', 'kind', { kind: 'initial refresh' }],
  ['registrar_expired_total', 'counter', ''],
  ['registrar_replaced_total', 'counter', ''],
  ['registrar_flow_lost_total', 'counter', ''],
  ['registrar_keepalive_failures_total', 'counter', 'transport'],
  ['registrar_overlay_sync', 'gauge', ''],
  ['registrar_overlay_missing_aors', 'gauge', ''],
  ['auth_attempts_total', 'counter', 'result algorithm'],
  ['rate_limited_total', 'counter', 'scope'],
  ['scanner_dropped_total', 'counter', 'scope'],
  ['bans_active', 'gauge', 'scope'],
  ['overlay_state', 'gauge', 'state', { state: 'joining joined isolated leaving' }],
  ['overlay_peers', 'gauge', 'table', { table: 'successor predecessor finger connection' }],
  ['overlay_size_estimate', 'gauge', ''],
  ['overlay_join_rate_estimate', 'gauge', ''],
  ['overlay_leave_rate_estimate', 'gauge', ''],
  ['overlay_stabilization_interval_seconds', 'gauge', ''],
  ['overlay_messages_total', 'counter', 'direction method kind', { kind: 'request answer error' }],
  ['overlay_bytes_total', 'counter', 'direction'],
  ['overlay_forwarded_total', 'counter', ''],
  ['overlay_dropped_total', 'counter', 'reason', { reason: 'ttl loop no_route signature config rate' }],
  ['overlay_request_seconds', 'histogram', 'method result'],
  ['overlay_request_hops', 'histogram', 'method'],
  ['overlay_request_retries_total', 'counter', 'method'],
  ['overlay_errors_total', 'counter', 'code'],
  ['overlay_neighbor_changes_total', 'counter', 'event', { event: 'join leave timeout' }],
  ['overlay_selftest_success_ratio', 'gauge', ''],
  ['links_active', 'gauge', 'transport'],
  ['link_setup_seconds', 'histogram', 'transport'],
  ['link_failures_total', 'counter', 'transport stage', { stage: 'tls' }],
  ['ice_checks_total', 'counter', 'result candidate', { candidate: 'host srflx relay' }],
  ['appattach_flows_active', 'gauge', 'app', { app: 'sip sips' }],
  ['appattach_setup_seconds', 'histogram', 'app'],
  ['appattach_reused_total', 'counter', 'app'],
  ['storage_values', 'gauge', 'kind role', { role: 'owner replica' }],
  ['storage_bytes', 'gauge', 'kind role'],
  ['storage_requests_total', 'counter', 'op kind result', { op: 'store fetch stat' }],
  ['storage_replication_lag_seconds', 'histogram', ''],
  ['storage_replica_deficit', 'gauge', ''],
  ['signatures_total', 'counter', 'op result', { op: 'sign verify' }],
  ['certificate_expiry_timestamp_seconds', 'gauge', 'use', { use: 'sip_tls node enrollment_ca' }],
  ['user_certificates', 'gauge', 'state', { state: 'ok expiring expired' }],
  ['hep_packets_total', 'counter', 'result', { result: 'sent dropped' }],
  ['trace_buffer_calls', 'gauge', ''],
]

/** Nothing here checks connectivity by ICE (docs/requirements/open-gaps.md). */
const STANDING_STILL = ['p2psip_ice_checks_total']

/** Names in the titles of tests that watch metrics move, `moved-*.test.ts`. */
function watched(): Set<string> {
  const folder = import.meta.dirname
  const files = readdirSync(folder).filter((name) => /^moved-.*\.test\.ts$/.test(name))
  const titles = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/\bit\('([^\n]*)'/g)].map(
      ([, title]) => title ?? '',
    ),
  )
  return new Set(titles.flatMap((title) => title.match(/p2psip_\w+/g) ?? []))
}

describe('metrics of the specification', () => {
  it('each is seen to move in a test', () => {
    const seen = watched()
    const unseen = SPECIFIED.map(([name]) => `p2psip_${name}`).filter((name) => !seen.has(name))
    expect(unseen).toEqual(STANDING_STILL)
  })

  const byName = new Map(Object.values(METRICS).map((metric) => [metric.name as string, metric]))

  for (const [name, type, labels, values] of SPECIFIED) {
    it(`p2psip_${name}`, () => {
      const metric = byName.get(`p2psip_${name}`)
      expect(metric?.type).toBe(type)
      expect(metric?.labels.join(' ')).toBe(labels)
      const wanted = Object.entries(values ?? {})
      for (const [label, texts] of wanted) {
        const at = (metric?.labels as readonly string[]).indexOf(label)
        const present = new Set(metric?.initial.map((set) => set.split('|')[at]))
        for (const text of texts.split(' ')) expect(present, label).toContain(text)
      }
    })
  }
})
