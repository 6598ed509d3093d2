/** Builds what stands on registrar and proxy: what keeps phones reachable, who hears of registrations, and the way of a request to whom it is for. */
import type { Random } from '../../common/random.ts'
import type { CallMeter, ClientUser, ForkContext, Outside, RouteTokens } from '../proxy/index.ts'
import type { Redirector } from '../redirect/index.ts'
import type { Gruus } from '../registrar/index.ts'
import type { Transactions } from '../transaction/index.ts'
import type { CallerChecks } from './caller-checks.ts'
import type { Accounts } from './contract.ts'
import { Errands } from './errands.ts'
import type { HeldRequest, HeldRequests } from './held-requests.ts'
import type { MergedRequests } from './merged-requests.ts'
import { NatKeepAlive } from './nat-keep-alive.ts'
import type { OwnRequests } from './own-requests.ts'
import { askForeign, type JoinedParts } from './part-ports.ts'
import type { Tuned } from './part-settings.ts'
import { PeerAdmission } from './peer-admission.ts'
import { returnedPhone } from './phone-in-call.ts'
import type { RandomText } from './random-text.ts'
import type { RedirectTicket } from './redirections.ts'
import { RegEvents } from './reg-events.ts'
import { RegisterRelay } from './register-relay.ts'
import type { Reply } from './replies.ts'
import { Router } from './router.ts'
import type { SourceLimit } from './source-limit.ts'

/** Subscriptions to registrations, unless the operator says otherwise: some kilobytes each. */
const SUBSCRIPTIONS_MAX_DEFAULT = 10_000

/** The parts that are there by then. */
export interface ServedParts extends JoinedParts {
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly redirector: Redirector<RedirectTicket>
  readonly callerChecks: CallerChecks<HeldRequest>
  readonly ownRequests: OwnRequests
  readonly sources: SourceLimit
  readonly held: HeldRequests
  readonly tuned: Tuned
}

/** What several of them use and nobody else asks for. */
export interface SharedByParts {
  readonly accounts: Accounts
  readonly random: Random
  readonly texts: RandomText
  readonly gruus: Gruus | undefined
  readonly tokens: RouteTokens
  readonly outside: Outside
  readonly merged: MergedRequests
  readonly meter: CallMeter
  readonly overloaded: (reason: string) => Reply
}

export function natKeepAliveOf(parts: ServedParts, { random, texts }: SharedByParts): NatKeepAlive {
  const { flows, front, ownRequests: requests, registrar, settings } = parts
  return new NatKeepAlive(
    {
      random,
      texts,
      requests,
      datagram: (hop, bytes) => flows.send(hop, bytes),
      bindings: (aor) => registrar.bindings(aor),
      lost: (now, aor, binding) => registrar.unanswered(now, aor, binding),
    },
    // An engine in front keeps its phones itself.
    {
      everyS: front === undefined ? (settings.natKeepAliveS ?? 0) : 0,
      domain: settings.domains[0] ?? 'sip',
    },
  )
}

/** Undefined where no REGISTER goes to another registrar. */
export function registerRelayOf(
  parts: ServedParts,
  { tokens, overloaded }: SharedByParts,
): RegisterRelay | undefined {
  const { identity, proxy, replies, sources, transactions, settings } = parts
  const { relayRegister = [], roles } = settings
  if (relayRegister.length === 0 || !roles.proxy) return undefined
  return new RegisterRelay(
    { identity, proxy, replies, sources, tokens, transactions, overloaded },
    relayRegister,
  )
}

/** Undefined where nobody registers. */
export function regEventsOf(
  parts: ServedParts,
  { accounts, gruus, texts, overloaded }: SharedByParts,
): RegEvents | undefined {
  if (!parts.settings.roles.registrar) return undefined
  const { callers, callerChecks, flows, identity, ownRequests, registrar, replies, sources } = parts
  const { transactions, tuned } = parts
  return new RegEvents(
    {
      ...{ accounts, callers, callerChecks, flows, gruus, identity, ownRequests },
      ...{ replies, sources, texts, transactions, overloaded },
      bindings: (aor) => registrar.bindings(aor),
      askForeign: (aor) => askForeign(parts, aor),
      successor: (flow, user, now) => registrar.successor(flow, user, now),
      replacement: (flow, user, now) => registrar.replacement(flow, user, now),
    },
    {
      get subscriptionsMax() {
        return tuned.limits.subscriptionsMax ?? SUBSCRIPTIONS_MAX_DEFAULT
      },
    },
  )
}

export function routerOf(parts: ServedParts, shared: SharedByParts): Router {
  const { callers, callerChecks, flows, front, held, identity, proxy, redirector, regEvents } = parts
  const { registrar, replies, settings, sources, transactions } = parts
  const { gruus, merged, meter, outside, overloaded, tokens } = shared
  const errands = new Errands({
    ...{ front, identity, flows, outside, proxy, gruus },
    moved: settings.moved ?? new Map(),
    successor: (flow, user, now) => registrar.successor(flow, user, now),
    replacement: (flow, user, now) => registrar.replacement(flow, user, now),
    returned: (contact, user, now) => returnedPhone(registrar.lookup(user, now), contact),
  })
  const peerAdmission = new PeerAdmission(
    { callerChecks, flows, errands },
    { overlayExit: settings.overlayExit === true, verifiedOnly: settings.verifyCaller === 'reject' },
  )
  return new Router(
    {
      ...{ front, identity, tokens, callers, transactions, replies, proxy, redirector, meter },
      ...{ callerChecks, merged, regEvents, peerAdmission, held, errands, sources, overloaded },
    },
    settings,
  )
}
