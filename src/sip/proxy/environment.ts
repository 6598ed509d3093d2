/** What every response context of one proxy works with. */
import type { Deadlines } from '../../common/deadlines.ts'
import type { Tally } from '../../common/instruments.ts'
import type { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import type { Transactions } from '../transaction/transactions.ts'
import type { ClientUser, ForkContext, ProxyTimer, Question } from './branch.ts'
import type { CallMeter } from './call-meter.ts'
import type { CalledUsers } from './called-users.ts'
import type { Lines } from './lines.ts'
import type { Outside } from './outside.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { HeldAddresses } from './held-addresses.ts'
import type { LargeRequests } from './large-requests.ts'
import type { ProxyPorts } from './ports.ts'
import type { RouteTokens } from './route-token.ts'
import type { StandIns } from './stand-ins.ts'
import type { SessionTimerPolicy } from './session-timer.ts'
import type { SipToSips } from './sips.ts'

export interface ProxySettings {
  readonly realm: string
  readonly maxForks: number
  readonly lookup: 'parallel' | 'overlayFirst' | 'localOnly'
  /** How far forwardings are followed, and how often the overlay is asked for one request (D-06). */
  readonly recursionDepth: number
  readonly recursionLocates: number
  readonly recurse3xx: boolean
  /** Peers that serve the same user: each phone by one of them, or one peer after the other (M-31). */
  readonly siblings: 'parallel' | 'serial'
  /** How long targets of equal q may ring before the next ones are tried. */
  readonly groupTimeoutMs: Millis
  readonly sipToSips: SipToSips
  /** Calls to other domains leave by the proxies of the own domain first. */
  readonly alwaysProxy: boolean
  /** Undefined: timers are a matter of the phones alone. */
  readonly sessionTimer: SessionTimerPolicy | undefined
  readonly peerFlowBudgetMs: { readonly invite: Millis; readonly other: Millis }
  readonly locateBudgetMs: { readonly invite: Millis; readonly other: Millis }
}

export interface ProxyEnvironment {
  readonly settings: ProxySettings
  readonly identity: OwnIdentity
  readonly outside: Outside
  readonly lines: Lines
  readonly tokens: RouteTokens
  readonly ports: ProxyPorts
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly deadlines: Deadlines<ProxyTimer>
  readonly meter: CallMeter
  /** Label C of p2psip_sip_transaction_timeouts_total. */
  readonly timeouts: Tally
  readonly questions: OpenQuestions<Question>
  readonly largeRequests: LargeRequests
  readonly held: HeldAddresses
  readonly calledUsers: CalledUsers
  readonly standIns: StandIns
}
