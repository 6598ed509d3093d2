/**
 * What the machines of a node count and hold, under the names of the catalogue. Nothing here touches the world, so simulated nodes
 * are read by the same lines as real ones.
 */
import type { NodeCore } from '../adapter/index.ts'
import type { Now } from '../common/time.ts'
import { ChurnEstimate } from '../metrics/churn-estimate.ts'
import type { Readings } from '../metrics/registry.ts'
import { key, registeredKind, type PeerState } from '../reload/index.ts'
import type { CallRecorder } from '../trace/recorder.ts'

export interface PeerParts {
  readonly peer: NodeCore['peer']
  now(): Now
  /** Of the peer, as it has told last. */
  state(): PeerState
  /** Of the Configuration Document in force. */
  stabilizationIntervalS(): number
}

export interface MachineParts extends Omit<PeerParts, 'peer'> {
  readonly core: NodeCore
  readonly recorder: CallRecorder | undefined
}

const STATES = ['starting', 'joining', 'joined', 'isolated', 'leaving', 'left'] as const satisfies PeerState[]

export function machineReadings(parts: MachineParts): Readings {
  const { core } = parts
  return {
    ...traceReadings(parts),
    ...peerReadings({ ...parts, peer: core.peer }),
    ...adapterReadings(parts),
    ...(core.sip === undefined ? {} : sipReadings(core.sip, parts.now)),
  }
}

function traceReadings({ recorder, now }: MachineParts): Readings {
  return {
    traceBufferCalls: () => recorder?.size ?? 0,
    sipDialogs: () => recorder?.dialogs.count(now().ms) ?? 0,
  }
}

function adapterReadings({ core: { adapter, instruments }, now }: MachineParts): Readings {
  return {
    overlaySelfTest: () => adapter.snapshot(now()).selfTest.successRatio,
    appFlows: () => Object.entries(adapter.snapshot(now()).flows),
    appFlowSetup: instruments.flowSetupSeconds,
    appFlowReused: instruments.flowsReused,
    registrarSync: () => (adapter.snapshot(now()).missing === 0 ? 1 : 0),
    registrarMissing: () => adapter.snapshot(now()).missing,
  }
}

/** A bare peer has these too. */
export function peerReadings({ peer, now, state, stabilizationIntervalS }: PeerParts): Readings {
  const { neighborChanges } = peer.instruments
  const churn = new ChurnEstimate(
    () => {
      const { successors, predecessors, sizeEstimate } = peer.snapshot()
      return {
        joins: neighborChanges.get('join'),
        leaves: neighborChanges.get('leave') + neighborChanges.get('timeout'),
        neighbors: new Set([...successors, ...predecessors].map(key)).size,
        size: sizeEstimate,
      }
    },
    () => now().ms,
  )
  const use = (of: 'values' | 'bytes') => () =>
    peer
      .snapshot()
      .storage.map(
        (each) => [`${registeredKind(each.kind)?.name ?? 'other'}|${each.role}`, each[of]] as const,
      )
  return {
    overlayState: () => STATES.map((each) => [each, each === state() ? 1 : 0] as const),
    overlayPeers: () => {
      const { successors, predecessors, fingers, connections } = peer.snapshot()
      return [
        ['successor', successors.length],
        ['predecessor', predecessors.length],
        ['finger', fingers.length],
        ['connection', connections.length],
      ]
    },
    overlaySize: () => peer.snapshot().sizeEstimate,
    overlayJoinRate: () => churn.perSecond('joins'),
    overlayLeaveRate: () => churn.perSecond('leaves'),
    overlayStabilization: () => stabilizationIntervalS(),
    overlayMessages: peer.instruments.messages,
    overlayBytes: peer.instruments.bytes,
    overlayForwarded: peer.instruments.forwarded,
    overlayDropped: peer.instruments.dropped,
    overlayRequestSeconds: peer.instruments.requestSeconds,
    overlayRequestHops: peer.instruments.requestHops,
    overlayRetries: peer.instruments.retries,
    overlayErrors: peer.instruments.errors,
    overlayRollbacks: peer.instruments.rollbacks,
    overlayNeighborChanges: neighborChanges,
    storageValues: use('values'),
    storageBytes: use('bytes'),
    storageRequests: peer.storageInstruments.requests,
    storageReplicationLag: peer.instruments.replicationLagSeconds,
    storageReplicaDeficit: () => peer.snapshot().replicaDeficit,
    signatures: peer.instruments.signatures,
  }
}

/** The SIP core names its instruments as the catalogue does. */
export function sipReadings(sip: NonNullable<NodeCore['sip']>, now: () => Now): Readings {
  const snapshot = () => sip.snapshot(now().ms)
  return {
    ...sip.instruments,
    rateLimited: sip.instruments.rateLimits,
    sipTransactions: () => snapshot().transactions,
    sipConnections: () => snapshot().connections,
    registrarBindings: () => snapshot().bindings,
    sipTrunks: () => snapshot().trunks,
    registrarAors: () => snapshot().aors,
    registrarWaiting: () => Object.entries(snapshot().registersWaiting),
    bansActive: () => [['auth', snapshot().blocked]],
  }
}
