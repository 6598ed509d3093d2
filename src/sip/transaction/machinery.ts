/** What the four machines share: their state records and what they may ask of the table that holds them. */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { Hop } from './hop.ts'

export type ClientState = 'calling' | 'trying' | 'proceeding' | 'completed' | 'accepted' | 'terminated'
export type ServerState = 'trying' | 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated'

/** The two timers of a state share one deadline: `nextAt` repeats, `endAt` ends. Keeps a transaction small. */
export interface Timed {
  interval: Millis
  endAt: Millis
  deadline: Deadline<AnyTransaction> | undefined
}

export interface ClientTransaction<U = unknown> extends Timed {
  readonly side: 'client'
  readonly invite: boolean
  readonly key: string
  readonly hop: Hop
  /** What is repeated: the request, later the ACK of a failure. */
  bytes: Uint8Array
  /** What it counts for among the requests without an answer, in bytes. */
  weight: number
  state: ClientState
  user: U | undefined
}

export interface ServerTransaction<U = unknown> extends Timed {
  readonly side: 'server'
  readonly invite: boolean
  method: string
  key: string
  /** Where responses go. Of a peer's request that is the flow by which it has come last. */
  hop: Hop
  /** Latest response, repeated for repeated requests. */
  response: Uint8Array | undefined
  state: ServerState
  /** A failure is sent once, and again only to an INVITE that is repeated: where it goes may be the address of somebody else than who asks. */
  once: boolean
  user: U | undefined
}

/** Its user still owes the final answer. */
export function isUnanswered({ state }: ServerTransaction): boolean {
  return state === 'trying' || state === 'proceeding'
}

export type AnyTransaction = ClientTransaction | ServerTransaction

export type ClientEvent = 'start' | 'provisional' | 'success' | 'failure' | 'timer' | 'transportError'
export type ServerEvent = 'request' | 'ack' | 'provisional' | 'success' | 'failure' | 'timer'

export type TimeoutTimer = 'B' | 'F' | 'H'

/** Implemented by the table. */
export interface Machinery {
  send(transaction: ClientTransaction): boolean
  /** Sends the ACK of a failure, which `bytes` are now. */
  acknowledge(transaction: ClientTransaction): void
  respond(transaction: ServerTransaction): void
  /** The latest response once more, if there is one. */
  respondAgain(transaction: ServerTransaction): void
  /** Sets the one deadline of a transaction. */
  arm(transaction: AnyTransaction, at: Millis): void
  disarm(transaction: AnyTransaction): void
  /** Ends it and forgets it. */
  terminate(transaction: AnyTransaction): void
  /** Tells the user of a client transaction that no answer will come; Timer H is only counted. */
  timedOut(transaction: AnyTransaction, timer: TimeoutTimer): void
  transportFailed(transaction: ClientTransaction): void
  retransmitted(kind: 'request' | 'response', direction: 'in' | 'out'): void
}
