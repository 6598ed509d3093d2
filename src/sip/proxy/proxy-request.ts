/** A request that may be forwarded, and where it wants to go. */
import type { Hop } from '../transaction/hop.ts'
import type { IncomingRequest } from '../transaction/incoming.ts'
import type { CallerIdentity } from './caller-identity.ts'
import type { LocalBinding } from './ports.ts'
import type { RouteDecision } from './route.ts'
import type { Target, TargetPath } from './targets.ts'

export type Goal =
  /** A hosted AOR; without `askOverlay` local bindings decide alone (M-20). */
  | { readonly kind: 'aor'; readonly aor: string; readonly askOverlay: boolean; readonly path: TargetPath }
  /** The registrations of one phone, by its GRUU; never none. `withPath` unless a Route says the way already. */
  | { readonly kind: 'instance'; readonly bindings: readonly LocalBinding[]; readonly withPath: boolean }
  | { readonly kind: 'hop'; readonly hop: Hop }
  | { readonly kind: 'peer'; readonly address: string; readonly secure: boolean }
  /** A host outside, named by this URI. */
  | { readonly kind: 'host'; readonly uri: string }
  /** All has been found already. */
  | { readonly kind: 'targets'; readonly targets: readonly Target[]; readonly path: TargetPath }

export interface ProxyRequest {
  readonly incoming: IncomingRequest
  /** `north` came on a peer flow. */
  readonly side: 'south' | 'north'
  readonly route: RouteDecision
  readonly goal: Goal
  readonly caller: CallerIdentity
}
