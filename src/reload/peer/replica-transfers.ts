/** Resources on their way to other peers: as requests, of which one resource may need several, until the last of them is answered. */
import type { Millis } from '../../common/time.ts'
import { encodeStoreReq, key, MESSAGE_CODE, sameId, type NodeId } from '../codec/index.ts'
import type { Storage } from '../storage/storage.ts'
import { REPLICA_OVERHEAD_BYTES } from './constants.ts'
import { heldBy, type Copies } from './copies.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { RequestOutcome } from './signal.ts'

/** One resource on its way to one node, in as many requests as it takes. */
export interface Transfer {
  readonly id: number
  readonly copies: Copies
  readonly to: NodeId
  readonly version: number
  readonly startedAt: Millis
  requests: number
  error: number | 'timeout' | undefined
}

export class ReplicaTransfers {
  private readonly parts: PeerParts
  private readonly requests: Requests
  private readonly storage: Storage
  private readonly underWay = new Map<number, Transfer>()
  private latest = 0
  private finished: Transfer[] = []

  constructor(parts: PeerParts, requests: Requests, storage: Storage) {
    this.parts = parts
    this.requests = requests
    this.storage = storage
  }

  get size(): number {
    return this.underWay.size
  }

  /** Its number; undefined when the node has that state of the resource, or is just being sent it. */
  beginUnlessHeld(copies: Copies, to: NodeId, replicaNumber: number): number | undefined {
    if (heldBy(copies, to)) return undefined
    for (const transfer of this.underWay.values()) {
      if (transfer.copies === copies && sameId(transfer.to, to) && transfer.version === copies.version)
        return undefined
    }
    return this.begin(copies, to, replicaNumber)
  }

  /** The numbers of those that bring the present state of the resource to somebody. */
  bringing(copies: Copies): number[] {
    const ids: number[] = []
    for (const transfer of this.underWay.values())
      if (transfer.copies === copies && transfer.version === copies.version) ids.push(transfer.id)
    return ids
  }

  /** Its number; undefined when there is nothing to send any more. */
  begin(copies: Copies, to: NodeId, replicaNumber: number): number | undefined {
    const { parts } = this
    const bytesMax = Math.max(256, parts.configuration.maxMessageSize - REPLICA_OVERHEAD_BYTES)
    const stores = this.storage.replicaStores(copies.resource, { replicaNumber, bytesMax }, parts.now)
    if (stores.length === 0) {
      copies.holders.set(key(to), copies.version)
      return undefined
    }
    const id = ++this.latest
    const { version } = copies
    const startedAt = parts.now.ms
    this.underWay.set(id, { id, copies, to, version, startedAt, requests: stores.length, error: undefined })
    for (const { req, certificates } of stores) {
      // RFC 6940 s.10.4: addressed to that very peer, as the resource itself would lead elsewhere.
      this.requests.send({
        code: MESSAGE_CODE.storeReq,
        body: encodeStoreReq(req),
        destinations: [{ kind: 'node', nodeId: to }],
        purpose: { kind: 'replica', transfer: id },
        certificates,
      })
    }
    return id
  }

  /** One request of a transfer was answered, or not; the transfer when it was its last. */
  answered(id: number, outcome: RequestOutcome): Transfer | undefined {
    const transfer = this.underWay.get(id)
    if (transfer === undefined) return undefined
    transfer.requests--
    if (!outcome.ok) transfer.error = outcome.error.kind === 'reload' ? outcome.error.code : 'timeout'
    if (transfer.requests > 0) return undefined
    this.underWay.delete(id)
    this.finished.push(transfer)
    return transfer
  }

  /** Those that came to their end since the last call, whatever the end. */
  takeFinished(): Transfer[] {
    const taken = this.finished
    if (taken.length > 0) this.finished = []
    return taken
  }
}
