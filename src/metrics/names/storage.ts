/** What this peer stores, and its journal. */
import { counter, gauge, histogram, product, type MetricDefinition } from '../define.ts'

const KINDS = 'SIP-REGISTRATION CERTIFICATE_BY_NODE CERTIFICATE_BY_USER TURN-SERVICE other'

export const STORAGE_METRICS = {
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
} as const satisfies Record<string, MetricDefinition>
