import type { Millis } from '../../common/time.ts'
import type { Destination, NodeId, TransactionId } from '../codec/index.ts'
import type { AttachPurpose } from '../topology/plugin.ts'
import { ATTACH_BELIEVED_MS, ATTACH_CHANNEL_WAIT_MS } from './constants.ts'
import type { TransportAddress } from './contract.ts'

/** Where an Attach begins, beside its destinations. */
export interface AttachOptions {
  /** When the list of destinations ends in a Node-ID. */
  readonly target?: NodeId
  readonly firstHop?: NodeId
}

/** An Attach of this node that has not come to its end (attach.ts). */
export interface AttachAttempt {
  readonly id: number
  readonly purpose: AttachPurpose
  readonly destinations: readonly Destination[]
  readonly options: AttachOptions
  /** Known from the start for an Attach to a Node-ID, from the answer for one to a resource. */
  target: NodeId | undefined
  readonly startedAt: Millis
  /**
   * asking: no answer yet. connecting: answered, the far end opens a channel to us. yielded: theirs goes on instead of
   * ours, so their AttachReq is still to be answered, should it come after their Error_In_Progress.
   */
  phase: 'asking' | AwaitingPhase
  /** When this phase began. */
  since: Millis
  transactionId: TransactionId | undefined
  /** The answer asked for an Update (Trap 61). */
  wantsUpdate: boolean
  /** Where the answerer listens, as its answer said. */
  listener: TransportAddress | undefined
}

/** The phases in which a channel has to come. */
export type AwaitingPhase = 'connecting' | 'yielded'

/** An Attach that came to its end. */
export type AttachEvent =
  | {
      readonly kind: 'attached'
      readonly purpose: AttachPurpose
      readonly nodeId: NodeId
      /** The link was up before this node knew that it came from an Attach of its own. */
      readonly linkWasUp: boolean
    }
  | { readonly kind: 'failed'; readonly purpose: AttachPurpose }

/** How long a channel is waited for. */
export function channelWaitMs(phase: AwaitingPhase): Millis {
  return phase === 'yielded' ? ATTACH_BELIEVED_MS : ATTACH_CHANNEL_WAIT_MS
}
