/** What a response context begins with. */
import type { ServerTransaction } from '../transaction/machinery.ts'
import type { ForkContext } from './branch.ts'
import type { OutgoingRequest } from './branch-sender.ts'
import type { CallRecord } from './call-record.ts'
import type { Disposition } from './disposition.ts'
import type { ExitSearch } from './exits.ts'
import type { InCall } from './silent-peers.ts'

export interface ContextInit {
  readonly outgoing: OutgoingRequest
  readonly server: ServerTransaction<ForkContext>
  /** Set for an initial INVITE: it is counted as a call. */
  readonly call: CallRecord | undefined
  /** One target at a time (M-23). */
  readonly serial: boolean
  readonly disposition: Disposition
  /** The user whose phones are rung, also those that register meanwhile; undefined when it is not about a user. */
  readonly aor: string | undefined
  /** Set for a request of a call that is up which goes to this peer next. */
  readonly inCall: InCall | undefined
  /** By which proxies it leaves the overlay, to be looked up first. */
  readonly exits: ExitSearch | undefined
  /** Meant for one phone and no other, by its GRUU: nothing is forwarded elsewhere (RFC 5627 s.6.1). */
  readonly oneInstance: boolean
}
