/** What the overlay did for one call or registration, for people who look at it later. Ids are lower-case hex. */
import type { Millis } from '../common/time.ts'
import { key, type CommandError, type Journey } from '../reload/index.ts'
import { reasonOf } from './command-fault.ts'

/** How a request went through the overlay; see `Journey`. */
export interface JourneyNote {
  /** 64-bit transaction id. */
  readonly transaction: string
  readonly firstHop: string | undefined
  readonly responder: string | undefined
  readonly hops: number
  readonly rttMs: Millis
  readonly sends: number
}

/** All are noted at their end; `tookMs` before that they began. */
export type CallNote =
  /** Where is this AOR? `targets`: nodes, `local`, or URIs outside. */
  | {
      readonly kind: 'lookup'
      readonly aor: string
      readonly resource: string
      readonly tookMs: Millis
      readonly journey: JourneyNote | undefined
      readonly targets: readonly string[]
      readonly fault: string | undefined
    }
  /** The registration was made known to the overlay. */
  | {
      readonly kind: 'store'
      readonly resource: string
      readonly journey: JourneyNote | undefined
      readonly replicas: readonly string[]
      readonly fault: string | undefined
    }
  /** A flow to another node was wanted. `opened` by AppAttach and TLS, or there already, or not to be had. */
  | {
      readonly kind: 'flow'
      readonly node: string
      readonly how: 'opened' | 'reused' | 'failed'
      readonly tookMs: Millis
      readonly journey: JourneyNote | undefined
      readonly handshakeMs: Millis | undefined
      readonly fault: string | undefined
    }

export function journeyNote(journey: Journey | undefined): JourneyNote | undefined {
  if (journey === undefined) return undefined
  const { transactionId, firstHop, responder, hops, rttMs, sends } = journey
  return {
    transaction: transactionId.toString(16).padStart(16, '0'),
    firstHop: firstHop === undefined ? undefined : key(firstHop),
    responder: responder === undefined ? undefined : key(responder),
    hops,
    rttMs,
    sends,
  }
}

export function faultNote(error: CommandError | undefined): string | undefined {
  return error === undefined ? undefined : reasonOf(error)
}
