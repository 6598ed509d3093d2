/**
 * The way of the latest Stores, Fetches and Attaches that this node answered, so that whoever asked can be told by which peers his request came: the
 * via list is seen by the last node alone (RFC 6940 s.6.1.2). For people; nothing is decided by it.
 */
import { key, MESSAGE_CODE } from '../codec/index.ts'
import type { WallTime } from '../../common/time.ts'
import { methodLabel } from './instruments.ts'
import type { IncomingRequest } from './signal.ts'

export interface ServedRequest {
  readonly transactionId: bigint
  readonly method: string
  /** Nodes in hex that it passed, the one that sent it first. */
  readonly path: readonly string[]
  readonly at: WallTime
}

/** Judgement: at some 250 bytes each; some seconds of a busy peer, days of a small office. */
const SERVED_MAX = 1_024

/** What is done for a call or a registration; Pings, Updates and the like are many and nobody asks for their way. */
const OF_INTEREST: ReadonlySet<number> = new Set([
  MESSAGE_CODE.storeReq,
  MESSAGE_CODE.fetchReq,
  MESSAGE_CODE.attachReq,
  MESSAGE_CODE.appAttachReq,
])

export class ServedRequests {
  private readonly served = new Map<bigint, ServedRequest>()

  note({ message, previousHop }: IncomingRequest, at: WallTime): void {
    if (!OF_INTEREST.has(message.contents.messageCode)) return
    const { transactionId, viaList } = message.header
    const path: string[] = []
    for (const hop of viaList) if (hop.kind === 'node') path.push(key(hop.nodeId))
    path.push(key(previousHop))
    const method = methodLabel(message.contents.messageCode)
    this.served.set(transactionId, { transactionId, method, path, at })
    if (this.served.size <= SERVED_MAX) return
    const oldest = this.served.keys().next()
    if (oldest.done !== true) this.served.delete(oldest.value)
  }

  find(transactionId: bigint): ServedRequest | undefined {
    return this.served.get(transactionId)
  }
}
