import type { KindId, NodeId, ResourceId } from '../codec/index.ts'
import type { CommandError, CommandId } from './contract.ts'
import type { FetchAttempt, StoreAttempt } from './store-attempt.ts'

/** Why this node sent a request: decides who gets its answer. */
export type RequestPurpose =
  | { readonly kind: 'attach'; readonly attempt: number }
  | { readonly kind: 'appAttach'; readonly node: string }
  | { readonly kind: 'join'; readonly to: NodeId }
  | { readonly kind: 'leave'; readonly to: NodeId }
  | { readonly kind: 'fingerSearch'; readonly index: number }
  /** Who is responsible for that node's own id in our ring? */
  | { readonly kind: 'ringCheck'; readonly nodeId: NodeId }
  /** Update, liveness Ping, ConfigUpdate: sent for its own sake. */
  | { readonly kind: 'notice' }
  | { readonly kind: 'replica'; readonly transfer: number }
  /** Fetch of newer data from a peer that refused our copy. */
  | { readonly kind: 'adopt'; readonly resource: ResourceId; readonly from: NodeId }
  | { readonly kind: 'store'; readonly attempt: StoreAttempt; readonly kinds: readonly KindId[] }
  /** Fetch of what a Store did not replace because it came with too small a storage_time. */
  | { readonly kind: 'catchUp'; readonly attempt: StoreAttempt; readonly error: CommandError }
  | { readonly kind: 'fetch'; readonly attempt: FetchAttempt }
  | { readonly kind: 'ping'; readonly id: CommandId }
  | { readonly kind: 'routeQuery'; readonly id: CommandId }
  | { readonly kind: 'probe'; readonly id: CommandId }
