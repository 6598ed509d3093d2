/** Who may watch the registrations of a user (S3680-4-02): the owner, who may register for him, and sources that the operator vouches for. */
import type { Now } from '../../common/time.ts'
import { canonicalAor, parseNameAddr } from '../message/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
import type { Callers } from './caller.ts'
import type { CallerChecks } from './caller-checks.ts'
import type { Accounts } from './contract.ts'
import type { Flows } from './flows.ts'
import type { Reply } from './replies.ts'
import type { SourceLimit } from './source-limit.ts'

/** What becomes of a SUBSCRIBE for a user's registrations; as for `elsewhere`, whoever may send requests elsewhere may be sent some there. */
export type Admission =
  | { readonly kind: 'admitted'; readonly elsewhere: boolean }
  | { readonly kind: 'refused'; readonly reply: Reply }
  | { readonly kind: 'ignored' }

export interface WatcherComponents {
  readonly accounts: Accounts
  readonly callers: Callers
  readonly callerChecks: Pick<CallerChecks<never>, 'identity'>
  readonly flows: Flows
  readonly sources: SourceLimit
  overloaded(reason: string): Reply
}

const FORBIDDEN: Reply = { status: 403, reason: 'Not Your Registrations' }

export class WatcherAdmission {
  private readonly components: WatcherComponents

  constructor(components: WatcherComponents) {
    this.components = components
  }

  of(now: Now, incoming: IncomingRequest, aor: string): Admission {
    const { callers, sources, overloaded } = this.components
    const { source } = incoming
    if (source.transport === 'peer') return this.ofPeer(now, incoming, aor)
    const caller = callers.identify(now, incoming, 'www')
    switch (caller.kind) {
      case 'refused':
        return caller
      case 'trusted':
        return admitted(caller.mayCallOutside)
      case 'ownPhone': {
        sources.proven(now.ms, source)
        const [own] = caller.aors
        // With `auth: none` nobody has to be anybody.
        const may = own === undefined || caller.aors.includes(aor) || this.isDelegate(own, aor)
        return may ? admitted(caller.mayCallOutside) : refused(FORBIDDEN)
      }
      case 'stranger': {
        const judgement = sources.stranger(now.ms, source)
        if (judgement === 'ignored') return { kind: 'ignored' }
        return refused(judgement === 'refused' ? overloaded('Too Many Requests') : FORBIDDEN)
      }
    }
  }

  /** Peers are reached by their flow, wherever their Contact leads. */
  private ofPeer(now: Now, { message, source }: IncomingRequest, aor: string): Admission {
    const { flows, callerChecks } = this.components
    const user = flows.get(source.flow)?.user
    if (user === aor) return admitted(false)
    const caller = callerChecks.identity(now.ms, message, source.host, user)
    const named = caller.kind === 'asserted' ? parseNameAddr(caller.value) : undefined
    const owner = named === undefined ? undefined : canonicalAor(named.uri)
    return owner?.ok === true && owner.value === aor ? admitted(false) : refused(FORBIDDEN)
  }

  private isDelegate(own: string, aor: string): boolean {
    return this.components.accounts.byAor(own)?.delegates.includes(aor) === true
  }
}

function admitted(elsewhere: boolean): Admission {
  return { kind: 'admitted', elsewhere }
}

function refused(reply: Reply): Admission {
  return { kind: 'refused', reply }
}
