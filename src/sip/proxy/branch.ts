/** One branch of a response context: a target on its way (RFC 3261 s.16.6 and s.16.7). */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { ClientFailure } from '../transaction/transactions.ts'
import type { ClientTransaction } from '../transaction/machinery.ts'
import type { LocateOutcome, PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
import type { Credentials } from './lines.ts'
import type { Target } from './targets.ts'

/**
 * `connecting`: waits for a flow or an address. `calling`: sent, nothing heard. `proceeding`: a provisional response came.
 * `done`: has a final response or will never have one.
 */
export type BranchState = 'connecting' | 'calling' | 'proceeding' | 'done'

/** Takes further 2xx of a request that has been answered already (RFC 6026 s.7.2). */
export interface LateAnswers {
  pass(now: Millis, response: SipMessage, from: Hop | undefined): void
}

/** Whom a client transaction of the proxy belongs to. */
export type ClientUser = Branch | LateAnswers

export class Branch {
  readonly context: ForkContext
  readonly target: Target
  /** Share of Max-Breadth (RFC 5393 s.5.3). */
  readonly breadth: number
  state: BranchState = 'connecting'
  client: ClientTransaction<ClientUser> | undefined = undefined
  branchId = ''
  /** Further addresses of the target, tried when one fails (RFC 3263 s.4.3). */
  alternatives: Hop[] = []
  /** A peer flow that broke is opened once more (adapter-mapping s.7.2). */
  reconnected = false
  /** How often another flow has taken the place of the one that broke while it rang (docs/adr/0035). */
  resumed = 0
  /** The connection of a phone that rang, where the INVITE has gone to the address in its Contact since that broke. */
  rangBy: Hop | undefined = undefined
  /** It fits into no datagram, and nothing else led there. */
  tooLarge = false
  /** Where a large request that went over TCP goes by UDP when that fails (RFC 3261 s.18.1.1). */
  datagramHop: Hop | undefined = undefined
  cancelSent = false
  /** For the trunk that it goes to; `challenges` counts those that were answered. */
  credentials: Credentials | undefined = undefined
  challenges = 0
  /**
   * Was silent for so long that another branch was started in its place. Should it be heard of after all, it is cancelled; what it fails with
   * interests nobody.
   */
  superseded = false
  /** Was superseded, and is waited for a little longer since nobody is left in its place (docs/adr/0019). */
  lastChance = false
  /** Of a call: has been silent for as long as a connection may take. */
  doubtful = false
  timerC: Deadline<ProxyTimer> | undefined = undefined
  silence: Deadline<ProxyTimer> | undefined = undefined
  sibling: Deadline<ProxyTimer> | undefined = undefined

  constructor(context: ForkContext, target: Target, breadth: number) {
    this.context = context
    this.target = target
    this.breadth = breadth
  }
}

/** Who has asked where else a user is. */
export interface LocateAsker {
  located(now: Millis, question: LocateQuestion, answer: LocateOutcome): void
}

/** What a branch and the proxy's tables know of the response context they belong to. */
export interface ForkContext extends LocateAsker {
  responded(now: Millis, branch: Branch, response: SipMessage): void
  failed(now: Millis, branch: Branch, cause: ClientFailure<ClientUser>['cause']): void
  timer(now: Millis, timer: ProxyTimer): void
  connected(now: Millis, branch: Branch, answer: PeerFlowOutcome): void
  resolved(now: Millis, branch: Branch, answer: ResolveOutcome): void
  /** The caller has given up, for these reasons (RFC 3326). */
  cancel(now: Millis, reasons: readonly string[]): void
  /** E56: a fault of our own has broken off what was being done for it. Nothing of it may wait for ever. */
  giveUp(now: Millis): void
}

export interface LocateQuestion {
  readonly kind: 'locate'
  readonly context: LocateAsker
  readonly aor: string
  /** How many forwardings led here. */
  readonly depth: number
  /** Of the Contact of a 3xx that named this user, in thousandths; undefined when none did. */
  readonly q?: number | undefined
}

/** Who has asked for a flow to the peer that a call came from; `hop` is undefined when there is none. */
export interface OriginAsker {
  reached(now: Millis, hop: Hop | undefined): void
}

/** A question to the owner that is under way, by its number. */
export type Question =
  | LocateQuestion
  | { readonly kind: 'branch'; readonly branch: Branch }
  | { readonly kind: 'origin'; readonly origin: OriginAsker }
  /** A request without a transaction (an ACK) that waits for a peer flow. */
  | {
      readonly kind: 'stateless'
      readonly send: (hop: Hop) => void
      /** The peer cannot be reached. */
      readonly lost?: ((now: Millis) => void) | undefined
    }

/** `C` as in RFC 3261 s.16.6; `silence` of a branch that has further addresses, `sibling` of one whose
 * phones another peer has; `group`: the next lower q-value's turn; `ringing`: whether the peers of a call that rings are still there; `lost`: phones
 * whose connection broke have had time to come back. */
export type ProxyTimer =
  | { readonly kind: 'C' | 'silence' | 'sibling'; readonly context: ForkContext; readonly branch: Branch }
  | { readonly kind: 'group'; readonly context: ForkContext }
  | { readonly kind: 'ringing'; readonly context: ForkContext }
  | { readonly kind: 'lost'; readonly context: ForkContext }
