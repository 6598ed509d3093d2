/**
 * Whether a request may be forwarded, and as whose (adapter-mapping s.4.1 from row 6 on, s.4.8): who its caller is, whether he may leave the
 * overlay, and what nobody may ask for.
 */
import type { Now } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import {
  callerPreferences,
  NO_IDENTITY,
  type CallerIdentity,
  type OwnIdentity,
  type Proxy,
  type ProxyRequest,
  type Wish,
} from '../proxy/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
import type { ChallengeKind } from './authenticator.ts'
import type { Caller, Callers } from './caller.ts'
import { believedIdentity, phoneIdentity } from './caller-identity.ts'
import type { Errands } from './errands.ts'
import { NO_RELAY, type PeerAdmission, type PeerAdmissionOutcome } from './peer-admission.ts'
import type { Reply } from './replies.ts'
import type { SourceLimit } from './source-limit.ts'
import { NO_EVENTS, unsupported } from './uas.ts'

export interface AdmissionComponents {
  readonly callers: Callers
  readonly errands: Errands
  readonly identity: Pick<OwnIdentity, 'aorOf'>
  readonly peerAdmission: PeerAdmission
  readonly proxy: Pick<Proxy, 'hostsUser'>
  readonly sources: SourceLimit
  readonly transactions: { readonly crowded: boolean }
  /** 503 with Retry-After. */
  overloaded(reason: string): Reply
}

/** `ignored`: its source has asked for more than it is worth answering. */
export type Refused = { readonly kind: 'refused'; readonly reply: Reply } | { readonly kind: 'ignored' }

/** Who a request that may be forwarded says its caller is, and whether it may leave the overlay; or why it may not go on. */
export type Admitted =
  { readonly kind: 'admitted'; readonly identity: CallerIdentity; readonly mayLeave: boolean } | Refused

/** A phone of ours whose account is not for that. */
const NOT_OUTSIDE: Reply = { status: 403, reason: 'Calls Outside Not Allowed' }

/** RFC 5627 s.6.2. */
const NOT_YOURS: Reply = { status: 403, reason: 'Contact Is Not Yours' }

export class Admission {
  private readonly components: AdmissionComponents

  constructor(components: AdmissionComponents) {
    this.components = components
  }

  /** Whether a request may be forwarded, and as whose. */
  judge(
    now: Now,
    incoming: IncomingRequest,
    side: ProxyRequest['side'],
    wish: Wish,
    extensions: readonly string[],
  ): Admitted | PeerAdmissionOutcome {
    const { message } = incoming
    const { sources } = this.components
    if (message.maxForwards === 0) return refused({ status: 483, reason: 'Too Many Hops' })
    const extension = unsupported(message, 'proxy-require', extensions)
    if (extension !== undefined) return refused(extension)
    if (wish.kind === 'badRoute') return refused({ status: 403, reason: wish.reason })
    // Sealed by us for this very Call-ID: the way into a dialog that has been let through. Nobody has proven to be its caller.
    if (wish.kind === 'token') {
      sources.inCall(now.ms, incoming)
      return admitted(NO_IDENTITY, false)
    }
    const without = this.notForwarded(message, wish)
    if (side === 'north') {
      // Peers are no phones of ours: they reach users who are registered here (M-20), others only where this node is an exit.
      const admission = this.components.peerAdmission.judge(now.ms, incoming, wish)
      return without === undefined || admission.kind === 'refused' ? admission : refused(without)
    }
    const caller = this.caller(now, incoming, 'proxy')
    if (caller.kind === 'refused' || caller.kind === 'ignored') return caller
    const inside = wish.kind === 'aor' || wish.kind === 'gruu'
    // A Route to a node of the overlay, too: that one may let calls out, and asks only whether the caller is served here.
    if (!inside && !caller.mayCallOutside) {
      if (caller.kind === 'ownPhone') return refused(NOT_OUTSIDE)
      return refused(this.components.callers.refusal(now, incoming, caller, NO_RELAY))
    }
    if (without !== undefined) return refused(without)
    const unproven = caller.kind === 'stranger' ? this.outsideOnly(now, incoming, caller, wish) : undefined
    if (unproven !== undefined) return refused(unproven)
    const { mayCallOutside } = caller
    if (caller.kind === 'trusted') return admitted(believedIdentity(message), mayCallOutside)
    if (caller.kind !== 'ownPhone') return admitted(NO_IDENTITY, mayCallOutside)
    if (this.showsOthersGruu(now, message, caller.aors)) return refused(NOT_YOURS)
    return admitted(phoneIdentity(message, caller.aors, this.components.identity), mayCallOutside)
  }

  /** A number that a gateway is for: a stranger who does not say who he is has to, if he is one of ours. */
  private outsideOnly(now: Now, incoming: IncomingRequest, caller: Caller, wish: Wish): Reply | undefined {
    const { callers, errands } = this.components
    if (wish.kind !== 'aor' || !errands.leadsOut(now.ms, wish.aor)) return undefined
    const reply = callers.refusal(now, incoming, caller, NO_RELAY)
    return reply === NO_RELAY ? undefined : reply
  }

  /** Who sends a request of the south side; strangers count against what their source may ask for. */
  caller(now: Now, incoming: IncomingRequest, kind: ChallengeKind): Caller | Refused {
    const { callers, sources, transactions, overloaded } = this.components
    const caller = callers.identify(now, incoming, kind)
    if (caller.kind === 'ownPhone') sources.proven(now.ms, incoming.source)
    if (caller.kind !== 'stranger') return caller
    const judgement = sources.stranger(now.ms, incoming.source)
    if (judgement === 'ignored') return { kind: 'ignored' }
    if (judgement === 'refused') return refused(overloaded('Too Many Requests'))
    // What is under way has no room for more that is as long: those who belong here go first (E54).
    return transactions.crowded ? refused(overloaded('Overloaded')) : caller
  }

  /** RFC 5627 s.6.2: a GRUU in Contact has to be the caller's own. Nobody has proven anything where `aors` are empty. */
  private showsOthersGruu(now: Now, message: SipMessage, aors: readonly string[]): boolean {
    if (aors.length === 0 || !message.has('record-route')) return false
    const contacts = message.contacts()
    if (!contacts.ok || contacts.value === '*') return false
    return contacts.value.some(({ uri }) => {
      const user = this.components.errands.userOfContact(now.ms, uri)
      return user !== undefined && !aors.includes(user)
    })
  }

  /** What a user of ours cannot be asked; RFC 3903 s.6: there is no presence agent, and the phone of a user of ours is none either (adapter-mapping s.4.9). */
  private notForwarded(message: SipMessage, wish: Wish): Reply | undefined {
    if (wish.kind !== 'aor') return undefined
    const preferences = callerPreferences(message)
    if (preferences.kind === 'refused') return { status: 400, reason: preferences.reason }
    if (message.method !== 'PUBLISH') return undefined
    return this.components.proxy.hostsUser(wish.aor) ? NO_EVENTS : undefined
  }
}

function refused(reply: Reply): Extract<Refused, { kind: 'refused' }> {
  return { kind: 'refused', reply }
}

function admitted(identity: CallerIdentity, mayLeave: boolean): Admitted {
  return { kind: 'admitted', identity, mayLeave }
}
