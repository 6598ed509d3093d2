import type { SipMessage } from './sip-message.ts'

/** Why a message cannot be used, and everything needed to say so. See sip-requirements s.11 for the rows. */
export interface ParseFault {
  /** Status of the stateless reply; undefined means that the message is dropped without an answer. */
  readonly status: number | undefined
  /** Reason phrase of the reply, or for the log when there is none. */
  readonly reason: string
  /** Headers that the reply carries besides the copied ones. */
  readonly headers?: readonly (readonly [string, string])[]
  /** True when the stream cannot be trusted to be in step any more and must be closed after the reply. */
  readonly close: boolean
  /** What could be read of the message; `buildResponse` copies from it. */
  readonly partial: SipMessage | undefined
}
