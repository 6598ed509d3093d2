/** SIGUSR2: what a node is doing, as one log line. Numbers, Node-IDs and addresses of nodes; no user, no secret. */
import { without } from '../common/without.ts'
import type { NodeCore } from '../adapter/index.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import { clock } from '../reload/io/loop.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { NodeLoop } from './node-loop.ts'
import type { NodeStatus } from './node-status.ts'
import type { Provisioning } from './provisioning.ts'

/** Connections that are listed; the others are counted. */
const CONNECTIONS_MAX = 64

export interface DumpedParts {
  readonly core: NodeCore
  readonly loop: NodeLoop
  readonly writer: JournalWriter
  readonly provisioning: Provisioning
  readonly metrics: MetricsRegistry
}

export async function stateDump(status: NodeStatus, parts: DumpedParts): Promise<object> {
  const { core, loop, writer, provisioning, metrics } = parts
  // Names of users are not for the log.
  const peer = without(status.peer(), 'userName', 'certificates')
  const { connections, ...ring } = status.ring()
  const sip = core.sip?.snapshot()
  const { lookups, certificatesPending, missing } = core.adapter.snapshot(clock())
  return {
    peer,
    ring: {
      ...ring,
      connections: connections.slice(0, CONNECTIONS_MAX),
      connectionsAll: connections.length,
    },
    storage: status.storage(),
    checks: status.checks(),
    queues: {
      questions: loop.questions,
      journal: writer.waiting,
      enrollment: provisioning.waiting,
      lookups,
      certificatesPending,
      entriesMissing: missing,
      ...core.peer.load,
      ...(sip === undefined ? {} : { transactions: Object.fromEntries(sip.transactions), aors: sip.aors }),
    },
    counters: await metrics.values(),
  }
}
