/** A request that may be forwarded, and where it wants to go. */
import type { Hop } from '../transaction/hop.ts'
import type { IncomingRequest } from '../transaction/incoming.ts'
import type { CallerIdentity } from './caller-identity.ts'
import type { Fallback } from './outside.ts'
import type { LocalBinding } from './ports.ts'
import type { RouteDecision } from './route.ts'
import type { Target, TargetPath } from './targets.ts'

export type Goal =
  /** A hosted AOR; without `askOverlay` local bindings decide alone (M-20). */
  | {
      readonly kind: 'aor'
      readonly aor: string
      /** Nodes of the overlay need to be told the AOR: the Request-URI says something else. */
      readonly renamed: boolean
      readonly askOverlay: boolean
      readonly path: TargetPath
      /** Where it goes when nobody inside is found, if the caller may go there. */
      readonly fallback: Fallback | undefined
      /** The caller may call numbers outside: then he also reaches those to which the user has his calls forwarded. */
      readonly mayLeave: boolean
    }
  /** The registrations of one phone, by its GRUU; never none. `withPath` unless a Route says the way already. */
  | { readonly kind: 'instance'; readonly bindings: readonly LocalBinding[]; readonly withPath: boolean }
  /** `line`: the trunk that the call goes by, where that is known. */
  | {
      readonly kind: 'hop'
      readonly hop: Hop
      readonly domain?: string | undefined
      readonly line?: string | undefined
    }
  | { readonly kind: 'peer'; readonly address: string; readonly secure: boolean }
  /** A host outside, named by this Route. */
  | { readonly kind: 'host'; readonly uri: string }
  /** Another domain, that of the Request-URI. */
  | { readonly kind: 'outside' }
  /** All has been found already. */
  | { readonly kind: 'targets'; readonly targets: readonly Target[]; readonly path: TargetPath }

export interface ProxyRequest {
  readonly incoming: IncomingRequest
  /** `north` came on a peer flow. */
  readonly side: 'south' | 'north'
  readonly route: RouteDecision
  readonly goal: Goal
  readonly caller: CallerIdentity
  /** Path value to add to a REGISTER (RFC 3327 s.5.2). */
  readonly path?: string
}
