/** What the SIP core is built with: who may do what, where it listens, what it is told by its configuration. */
import type { Millis } from '../../common/time.ts'
import type { Allowance } from '../../common/token-bucket.ts'
import type { DigestAlgorithm, DigestQop } from '../auth/index.ts'
import type { FrontSettings } from '../engine/index.ts'
import type { OutsideRules, SessionTimerPolicy } from '../proxy/index.ts'
import type { Transport } from '../transaction/index.ts'
import type { Trunk } from '../trunk/index.ts'
import type { SourceRule } from './trusted-sources.ts'

/** Index of a configured listener. */
export type ListenerId = number

export interface SipListener {
  readonly id: ListenerId
  readonly transport: Transport
  /** Address bound; may be 0.0.0.0. */
  readonly host: string
  readonly port: number
  /** Address that phones can reach, for Via, Record-Route and Contact. On TLS and WSS the certificate names it (RFC 5922 s.7.5). */
  readonly advertisedHost: string
  /** The same for phones that come over IPv6, where the listener takes both families. */
  readonly advertisedHost6?: string
}

/** A SIP account as the core needs it; digest hashes only, never the password. */
export interface Account {
  readonly username: string
  /** Lower-case hex H(username:realm:password) by digest algorithm name ("MD5", "SHA-256"), and H(username@realm:realm:password) by `withRealm` of it. */
  readonly ha1: ReadonlyMap<string, string>
  /** Canonical AORs this account may register and use in From; the first is its own. */
  readonly aors: readonly string[]
  /** Canonical AORs it may register for others (M-07). */
  readonly delegates: readonly string[]
  /** Whether its phones may call other domains; undefined leaves that to `callOutside`. */
  readonly mayCallOutside?: boolean
}

/** A source that the operator vouches for, such as a proxy of his own: what it says about callers is believed (RFC 3325 s.4). */
export interface TrustedSource extends SourceRule {
  /** Whether its requests may leave for other domains. Those for hosted users always pass. */
  readonly mayCallOutside: boolean
}

/** Who may do what, beyond credentials. */
export interface SipPolicy {
  /**
   * Whose phones may call other domains: those of every account that is not told otherwise, of accounts that are told so, of none.
   */
  readonly callOutside: 'all' | 'listed' | 'none'
  /** Whether callers without credentials of ours, from other domains, reach hosted users. */
  readonly strangers: 'allow' | 'refuse'
}

/** Hosted users. Answers from memory. */
export interface Accounts {
  byUsername(username: string): Account | undefined
  /** By lower-case hex of H(username:realm) of any digest algorithm; there where `digestUserHash` is offered. */
  byUserHash?(hash: string): Account | undefined
  /** The account whose own AOR this is. */
  byAor(aor: string): Account | undefined
}

export interface SipSettings {
  readonly roles: { readonly registrar: boolean; readonly proxy: boolean; readonly redirect: boolean }
  /** Hosted domains, lower-case. The first is the digest realm and the name of the overlay side. */
  readonly domains: readonly string[]
  readonly auth: 'digest' | 'none'
  /**
   * Digest algorithms offered, one challenge each in this order; accounts carry a hash for each. Default: MD5 alone, because phones that
   * meet any other challenge give up (docs/adr/0006-digest-algorithms.md).
   */
  readonly digestAlgorithms?: readonly DigestAlgorithm[]
  /** Offered; `auth-int` covers the body too, and is always taken. Default: `auth`. */
  readonly digestQop?: readonly DigestQop[]
  /** Whether hashed user names are offered and taken (RFC 7616 s.3.4.4). Default: no. */
  readonly digestUserHash?: boolean
  readonly listeners: readonly SipListener[]
  /** Another SIP stack that serves the phones and asks this node; it hands over at the first UDP listener. */
  readonly front?: FrontSettings | undefined
  /** How routes of ours bring phones back over TLS. Default: as they write it themselves (docs/adr/0012-routes-over-tls.md). */
  readonly tlsRoutes?: 'mirror' | 'sips' | 'transport'
  /** This node towards peers (adapter-mapping s.4.3): its name in hex and the `gr` value of its overlay GRUU. */
  readonly peerIdentity: { readonly overlay: string; readonly hex: string; readonly gr: string } | undefined
  readonly minExpiresS: number
  readonly defaultExpiresS: number
  readonly maxExpiresS: number
  readonly flowGraceS: number
  /**
   * How often phones on streams are to show that they are alive: Flow-Timer of RFC 5626, `keep` of RFC 6223. Silence for that long and the
   * grace time ends their flow. 0, the default: nothing is asked for.
   */
  readonly flowTimerS?: number
  /** Whether users of peers may register here over the overlay, with an account of this node. Default: not. */
  readonly registerFromOverlay?: boolean
  /** A tel Contact that is a user's only one is told to the overlay. Default: it stays here. */
  readonly publishTel?: boolean
  /** Whether a REGISTER without Contact is told of registrations at other nodes, too (M-09). Default: not. */
  readonly queryScope?: 'local' | 'overlay'
  /** How often phones on UDP that a NAT stands before are asked for a sign of life. 0, the default: never. */
  readonly natKeepAliveS?: number
  /** A REGISTER with Path and without `Supported: path` (RFC 3327 s.5.3). Default: accepted. */
  readonly pathWithoutSupported?: 'accept' | 'refuse'
  /** Contacts that want to be woken by a push service (RFC 8599), which nobody here asks. Default: accepted like any other. */
  readonly pushContacts?: 'accept' | 'refuse'
  /** SIP URI of the registrar to which a redirect server sends REGISTERs. Default: none, they are taken here. */
  readonly registerHome?: string
  /** Bindings are kept in a journal, so that phones on UDP are reached after a crash. Default: false. */
  readonly persistBindings?: boolean
  /** Domains elsewhere to whose registrars REGISTERs are passed on; none by default. */
  readonly relayRegister?: readonly string[]
  readonly maxForks: number
  readonly maxBindings: number
  readonly lookup: 'parallel' | 'overlayFirst' | 'localOnly'
  /** How far forwardings are followed, and how often the overlay is asked for one request (D-06). */
  readonly recursionDepth: number
  readonly recursionLocates: number
  readonly recurse3xx: boolean
  /**
   * Peers that serve the same user (M-31). `parallel`, the default: all phones at once, each by one peer. `serial`: one peer after the other,
   * the newest first.
   */
  readonly siblings?: 'parallel' | 'serial'
  /** How long phones of equal q ring before those of the next lower one do, too. Default: 20 s. */
  readonly groupTimeoutS?: number
  /** What a sip request to phones that registered with sips does (RFC 5630 s.5.3). Default: go as sip over TLS. */
  readonly sipToSips?: 'upgrade' | 'reject'
  /**
   * What a peer says about who is calling (adapter-mapping s.4.8). `tag`, the default: P-Asserted-Identity is passed on when the overlay
   * confirms it, and taken out otherwise. `reject`: who claims to be of a hosted domain and is not confirmed gets 403. `off`: peers are
   * believed.
   */
  readonly verifyCaller?: 'tag' | 'reject' | 'off'
  /** In order; the first that fits a source counts. Never challenged, except for REGISTER, and never throttled. Default: none. */
  readonly trusted?: readonly TrustedSource[]
  /** Default: everybody calls outside, and strangers may call in. */
  readonly policy?: SipPolicy
  /** How calls leave the overlay. Default: by DNS alone, numbers not at all. */
  readonly outside?: OutsideRules
  /** Hosted domain of the AORs that stand for tel URIs; without it those are refused with 416 (M-04). */
  readonly telDomain?: string
  /** Lines into other networks. Default: none. */
  readonly trunks?: readonly TrunkSettings[]
  /** Whether calls of peers may leave here, for callers that the overlay confirms. Default: no. */
  readonly overlayExit?: boolean
  /** Whether calls to other domains leave by proxies of the own domain that are such an exit, before DNS. Default: no. */
  readonly alwaysProxy?: boolean
  /** Session timers that the proxy asks for (RFC 4028). Default: none. */
  readonly sessionTimer?: SessionTimerPolicy | undefined
  /** AORs that the operator has moved, and the URIs where they are now: 301. Default: none. */
  readonly moved?: ReadonlyMap<string, string>
  readonly redirectProxies: readonly string[]
  readonly redirectUse305: boolean
  /** Whether callers of a user who forwards to another are redirected to that one's phones (the default), or to his name. */
  readonly redirectResolveUri?: boolean
  readonly appAttachBudgetMs: { readonly invite: Millis; readonly other: Millis }
  readonly locateBudgetMs: { readonly invite: Millis; readonly other: Millis }
  /** 32 random bytes that key nonces, flow tokens and deterministic tags. The same on every peer of the domain. */
  readonly secret: Uint8Array
  readonly limits: SipLimits
}

/**
 * A trunk and how its calls are known. Without any condition they are those that come from where requests to it went: by UDP from that port, by a
 * stream on the connection that this node has opened.
 */
export interface TrunkSettings extends Trunk, SourceRule {}

/** What may change while the core runs. */
export type SipTunables = Pick<SipSettings, 'maxForks' | 'maxBindings' | 'limits'>

export interface SipLimits {
  readonly headBytesMax: number
  readonly headersMax: number
  readonly viaMax: number
  readonly bodyBytesMax: number
  readonly transactionsMax: number
  /** First registrations that wait for the overlay at one time; more get 503. Default 1000. */
  readonly registersWaitingMax?: number
  readonly flowsMax: number
  /** Digest failures from one source in 60 s before 403. */
  readonly authFailuresMax: number
  /** Subscriptions to registrations at one time. Default 10000. */
  readonly subscriptionsMax?: number
  /**
   * Of one address that shows no credentials of ours: all requests, and those of them that are passed on for other domains. Default: 200 a
   * second and 1000 at once; 50 and 100.
   */
  readonly perSource?: { readonly requests: Allowance; readonly strangers: Allowance }
}
