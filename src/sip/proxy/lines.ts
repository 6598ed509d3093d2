/** What the proxy asks of the owner of trunks: to whom a request is credited at the other side. */
import type { SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'

/** One header of credentials. */
export interface Credentials {
  readonly header: 'authorization' | 'proxy-authorization'
  readonly value: string
}

/** A request as far as credentials speak of it; `uri` is its Request-URI as it is sent. */
export interface CreditedRequest {
  readonly method: string
  readonly uri: string
  readonly body?: Uint8Array
}

export interface Lines {
  /** Name of the trunk whose other side is at this hop; where there are several, of the one that is `called`. */
  at(hop: Hop, called?: SipMessage): string | undefined
  /** A request is on its way to the trunk's other side, which is at this hop. */
  found(trunk: string, hop: Hop): void
  /** Credentials for a challenge that is known already. */
  credentials(trunk: string, request: CreditedRequest): Credentials | undefined
  /**
   * Credentials for the challenge of a 401 or 407, of which `tries` have been sent already. `refused`: those that we have are no good;
   * `none`: we have none, so that the challenge is for the caller.
   */
  answer(
    trunk: string,
    response: SipMessage,
    request: CreditedRequest,
    tries: number,
  ): Credentials | 'refused' | 'none'
}

export const NO_LINES: Lines = {
  at: () => undefined,
  found: () => undefined,
  credentials: () => undefined,
  answer: () => 'none',
}
