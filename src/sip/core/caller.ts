/** Who is calling, and whether they may (adapter-mapping s.4.1 row 6 and s.4.8 for the south side). */
import type { Now } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import type { OwnIdentity } from '../proxy/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'
import type { Authenticator, ChallengeKind } from './authenticator.ts'
import { isAnonymous } from './caller-identity.ts'
import type { Account, Accounts, SipPolicy, TrustedSource } from './contract.ts'
import type { Reply } from './replies.ts'
import type { Trunk } from '../trunk/index.ts'
import type { SourceTable } from './trusted-sources.ts'
import type { Trunks } from './trunks.ts'

export type Caller =
  /** A phone of ours that has proven to be one of these AORs; with `auth: none` it need not, and is none for sure. */
  | { readonly kind: 'ownPhone'; readonly aors: readonly string[]; readonly mayCallOutside: boolean }
  /** A source that the operator vouches for; `trunk` when it is the other side of one. */
  | { readonly kind: 'trusted'; readonly mayCallOutside: boolean; readonly trunk: Trunk | undefined }
  /** Anybody else: may call hosted users, nothing more. */
  | {
      readonly kind: 'stranger'
      readonly mayCallOutside: false
      /** What to say of credentials that were no good, where more is wanted than strangers may. */
      readonly challenge?: Reply
    }
  | { readonly kind: 'refused'; readonly reply: Reply }

export const POLICY_DEFAULT: SipPolicy = { callOutside: 'all', strangers: 'allow' }

const STRANGER: Caller = { kind: 'stranger', mayCallOutside: false }
const NO_STRANGERS: Reply = { status: 403, reason: 'Strangers Not Allowed' }

export interface CallersComponents {
  readonly accounts: Accounts
  readonly authenticator: Authenticator
  readonly identity: OwnIdentity
  readonly trusted: SourceTable<TrustedSource>
  readonly trunks: Trunks
  /** Names that the certificate at the far end of a flow has proven. */
  readonly identitiesOf: (flow: number) => readonly string[]
}

export class Callers {
  private readonly components: CallersComponents
  private readonly auth: 'digest' | 'none'
  private readonly policy: SipPolicy

  constructor(
    components: CallersComponents,
    init: { readonly auth: 'digest' | 'none'; readonly policy: SipPolicy | undefined },
  ) {
    this.components = components
    this.auth = init.auth
    this.policy = init.policy ?? POLICY_DEFAULT
  }

  /** Whether the operator vouches for what is at this hop. */
  trusts(hop: Hop): boolean {
    const { trunks, identitiesOf } = this.components
    return this.rule(hop) !== undefined || (trunks.size > 0 && trunks.knows(hop, identitiesOf(hop.flow)))
  }

  /**
   * Who speaks in the name of a hosted domain must show credentials, whatever the method and whatever tags the request has (S-22,
   * S-23), unless a certificate has proven it or the source is trusted. A From of another domain makes a stranger, unless
   * credentials of ours come along.
   */
  identify(now: Now, incoming: IncomingRequest, kind: ChallengeKind): Caller {
    const { message, source } = incoming
    const rule = this.rule(source)
    const trunk = this.trunk(incoming)
    // What a trunk brings is for users here: who could send it on to others would call at our expense.
    if (trunk !== undefined) return { kind: 'trusted', mayCallOutside: false, trunk }
    if (rule !== undefined) return { kind: 'trusted', mayCallOutside: rule.mayCallOutside, trunk }
    const fromHost = message.from.parsedUri?.host
    const claimsUs = fromHost !== undefined && this.components.identity.isHostedDomain(fromHost)
    if (this.auth === 'none')
      return claimsUs
        ? { kind: 'ownPhone', aors: [], mayCallOutside: this.mayCallOutside(undefined) }
        : this.stranger()
    const certified = claimsUs ? this.certified(message, source) : undefined
    if (certified !== undefined) return this.ownPhone(certified)
    const header = kind === 'www' ? 'authorization' : 'proxy-authorization'
    // Where strangers are refused, who does not say who he is may be one of ours.
    const mustProve = claimsUs || (this.policy.strangers !== 'allow' && isAnonymous(message))
    if (!mustProve && !message.has(header)) return this.stranger()
    const outcome = this.components.authenticator.check(now, incoming, kind)
    if (outcome.kind === 'ok') {
      const from = this.components.identity.aorOf(message.from)
      if (from.ok && outcome.account.aors.includes(from.value)) return this.ownPhone(outcome.account)
      if (isAnonymous(message)) return this.ownPhone(outcome.account)
      return { kind: 'refused', reply: { status: 403, reason: 'From Is Not Yours' } }
    }
    if (outcome.kind === 'blocked')
      return { kind: 'refused', reply: { status: 403, reason: 'Too Many Failures' } }
    const challenge = challenged(kind, outcome.headers)
    if (mustProve) return challenge
    // Credentials for somebody else's realm: a stranger after all.
    const stranger = this.stranger()
    return stranger.kind === 'stranger' && isAnonymous(message)
      ? { ...stranger, challenge: challenge.reply }
      : stranger
  }

  /** What becomes of a stranger who wants what only phones of ours may: one who does not say who he is may be one of them. */
  refusal(now: Now, incoming: IncomingRequest, caller: Caller, otherwise: Reply): Reply {
    if (caller.kind !== 'stranger' || this.auth === 'none' || !isAnonymous(incoming.message)) return otherwise
    if (caller.challenge !== undefined) return caller.challenge
    const outcome = this.components.authenticator.check(now, incoming, 'proxy')
    return outcome.kind === 'challenge' ? challenged('proxy', outcome.headers).reply : otherwise
  }

  /** Whether the phones of an account may call other domains; undefined: one that nobody had to prove. */
  mayCallOutside(account: Account | undefined): boolean {
    const { callOutside } = this.policy
    return callOutside === 'none' ? false : (account?.mayCallOutside ?? callOutside === 'all')
  }

  /** The account that the phone's TLS certificate has proven, when From is an AOR of it (RFC 5922 s.7.1: SAN URI `sip:user@domain`). */
  certified(message: SipMessage, source: Hop): Account | undefined {
    const names = this.components.identitiesOf(source.flow)
    if (names.length === 0) return undefined
    const from = this.components.identity.aorOf(message.from)
    if (!from.ok) return undefined
    for (const name of names) {
      const account = name.includes('@') ? this.components.accounts.byAor(name) : undefined
      if (account?.aors.includes(from.value) === true) return account
    }
    return undefined
  }

  /** The trunk that a request came by. */
  trunk({ source, message }: IncomingRequest): Trunk | undefined {
    const { trunks, identitiesOf } = this.components
    return trunks.size === 0 ? undefined : trunks.from(source, identitiesOf(source.flow), message)
  }

  private rule({ transport, host, flow }: Hop): TrustedSource | undefined {
    const { trusted, identitiesOf } = this.components
    return trusted.size === 0 ? undefined : trusted.find({ transport, host }, identitiesOf(flow))
  }

  private ownPhone(account: Account): Caller {
    return { kind: 'ownPhone', aors: account.aors, mayCallOutside: this.mayCallOutside(account) }
  }

  private stranger(): Caller {
    return this.policy.strangers === 'allow' ? STRANGER : { kind: 'refused', reply: NO_STRANGERS }
  }
}

function challenged(
  kind: ChallengeKind,
  headers: readonly (readonly [string, string])[],
): Extract<Caller, { kind: 'refused' }> {
  const reply: Reply =
    kind === 'www'
      ? { status: 401, reason: 'Unauthorized', headers }
      : { status: 407, reason: 'Proxy Authentication Required', headers }
  return { kind: 'refused', reply }
}
