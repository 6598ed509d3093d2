import type { Millis } from '../../common/time.ts'
import type { Destination, NodeId } from '../codec/index.ts'
import type { Certificate, Credential } from '../security/port.ts'
import type { ChannelId } from './contract.ts'
import type { RequestPurpose } from './purpose.ts'

/** What the other parts of a peer want asked. */
export interface NewRequest {
  readonly code: number
  readonly body: Uint8Array
  readonly destinations: readonly Destination[]
  readonly purpose: RequestPurpose
  /** The node's own when absent. */
  readonly credential?: Credential
  readonly certificates?: readonly Certificate[]
  /** Goes over this node's link and no other way, as Join, Leave, Update and the first Attach must. */
  readonly firstHop?: NodeId
  /** Goes over that very channel. */
  readonly channel?: ChannelId
  readonly timeoutMs?: Millis
}
