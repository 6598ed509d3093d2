/**
 * The way of the latest Stores, Fetches and Attaches that this node answered, so that whoever asked can be told by which peers his request came: the
 * via list is seen by the last node alone (RFC 6940 s.6.1.2). For people; nothing is decided by it.
 */
import { concatBytes } from '../../common/bytes.ts'
import { key, MESSAGE_CODE, type Destination, type NodeId } from '../codec/index.ts'
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
  /** A ring: what is noted takes the place of what was noted longest ago. */
  private readonly served: Noted[] = []
  private next = 0

  note({ message, previousHop }: IncomingRequest, at: WallTime): void {
    if (!OF_INTEREST.has(message.contents.messageCode)) return
    const { transactionId, viaList } = message.header
    const { messageCode } = message.contents
    this.served[this.next] = { transactionId, messageCode, via: idsOf(viaList), previousHop, at }
    this.next = (this.next + 1) % SERVED_MAX
  }

  find(transactionId: bigint): ServedRequest | undefined {
    const noted = this.served.find((each) => each.transactionId === transactionId)
    if (noted === undefined) return undefined
    const { messageCode, via, previousHop, at } = noted
    const bytes = previousHop.length
    const path: string[] = []
    for (let from = 0; from < via.length; from += bytes) path.push(key(via.subarray(from, from + bytes)))
    path.push(key(previousHop))
    return { transactionId, method: methodLabel(messageCode), path, at }
  }
}

/** Made into a `ServedRequest` when somebody asks, which is seldom. */
interface Noted {
  readonly transactionId: bigint
  readonly messageCode: number
  /** Node-IDs, one after the other. */
  readonly via: Uint8Array
  /** That of its link, which stays what it is. */
  readonly previousHop: NodeId
  readonly at: WallTime
}

/** A copy: the ids of the list are views on the message. A request from a node to the next has none. */
function idsOf(viaList: readonly Destination[]): Uint8Array {
  if (viaList.length === 0) return NOTHING
  return concatBytes(viaList.flatMap((hop) => (hop.kind === 'node' ? [hop.nodeId] : [])))
}

const NOTHING = new Uint8Array(0)
