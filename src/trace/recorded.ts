/** What is known of a call here: the messages that passed and what the overlay did for it. */
import type { CallNote } from '../adapter/index.ts'
import type { WallTime } from '../common/time.ts'
import type { Capture } from './capture.ts'

/** Where a message came from or went to: a phone's address, or for `peer` the far node's name in hex. */
export interface TraceHop {
  readonly transport: string
  readonly host: string
  readonly port: number
  /** Listener of datagrams, flow of streams: which socket of this node it was. */
  readonly listener: number
  readonly flow: number
}

export interface RecordedMessage extends Capture {
  readonly kind: 'message'
  readonly at: WallTime
  readonly direction: 'in' | 'out'
  readonly hop: TraceHop
}

export interface RecordedNote {
  readonly kind: 'note'
  readonly at: WallTime
  readonly callId: string
  readonly note: CallNote
}

export type Recorded = RecordedMessage | RecordedNote

export interface RecordedCall {
  readonly callId: string
  /** Read, with all secrets covered, when it is asked for. */
  readonly entries: readonly Recorded[]
  /** Entries that were left out in the middle of a long call. */
  readonly skipped: number
  /** Entries recorded so far, those that were left out included: says whether anything is new. */
  readonly recorded: number
}
