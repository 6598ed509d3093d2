/** What the registrar and its owner say to each other. */
import type { Millis } from '../../common/time.ts'
import type { Binding } from './binding.ts'
import type { SavePlan } from './plan-save.ts'
import type { PublishableBinding } from './published.ts'
import type { RegisterRequest, Rejection } from './register-request.ts'

/** `restored`: they were held here in an earlier life of this node. */
export type PublishCause = 'register' | 'expired' | 'flowLost' | 'restored'

/** The end of a REGISTER. */
export type RegisterOutcome =
  | { readonly kind: 'saved'; readonly plan: SavePlan; readonly bindings: readonly Binding[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection; readonly storeFailed: boolean }

/** What the registrar asks of its owner. */
export interface RegistrarHost<T> {
  /** `callId` of the REGISTER, '' without one. */
  publish(aor: string, bindings: readonly PublishableBinding[], cause: PublishCause, callId: string): number
  finished(now: Millis, request: RegisterRequest<T>, outcome: RegisterOutcome): void
  isUp(flow: number): boolean
  /** False while the overlay is away: nothing new can be made known. */
  mayStore(): boolean
  /** The bindings of an AOR are others now; `gone` is what ended those that are not there any more. */
  changed(
    now: Millis,
    aor: string,
    before: readonly Binding[],
    after: readonly Binding[],
    gone: 'unregistered' | 'expired' | 'rejected',
  ): void
  /** Writes down the bindings of users; answered by `persisted` with the number that is returned. Asked with `persist` only. */
  write(users: readonly (readonly [aor: string, bindings: readonly Binding[]])[]): number
  /** Eight random hex digits. */
  freshEpoch(): string
  /** Pseudo-random seconds for Retry-After, so that phones do not come back together. */
  retryAfterS(low: number, high: number): number
}

/** Answer to a publication. */
export type PublicationResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: number; readonly reason: string; readonly retryAfterS?: number }
