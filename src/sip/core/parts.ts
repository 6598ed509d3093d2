/** Builds the parts of the SIP core and joins them: what one asks of the core becomes an action or another part's input. */
import { Tally } from '../../common/instruments.ts'
import type { Outbox } from '../../common/outbox.ts'
import type { Random } from '../../common/random.ts'
import type { Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import type { ValidationRole } from '../message/index.ts'
import {
  CallMeter,
  NO_OUTSIDE_RULES,
  Outside,
  OwnIdentity,
  Proxy,
  RouteTokens,
  type ClientUser,
  type ForkContext,
} from '../proxy/index.ts'
import { Registrar } from '../registrar/index.ts'
import { Redirector } from '../redirect/index.ts'
import { Transactions } from '../transaction/index.ts'
import { AuthLog } from './auth-log.ts'
import { Authenticator, DIGEST_OFFERED_DEFAULT } from './authenticator.ts'
import { Callers } from './caller.ts'
import { CallerChecks } from './caller-checks.ts'
import type { Accounts, SipAction, SipSettings, SipTap, SipTunables } from './contract.ts'
import { Front } from '../engine/index.ts'
import { Flows } from './flows.ts'
import { HeldRequests, type HeldRequest } from './held-requests.ts'
import { instrumentsOf } from './part-instruments.ts'
import {
  askForeign,
  gruusOf,
  lostResponsePorts,
  proxyPorts,
  redirectHost,
  registrarHost,
} from './part-ports.ts'
import { proxySettings, registrarSettings, type Tuned } from './part-settings.ts'
import { natKeepAliveOf, regEventsOf, registerRelayOf, routerOf } from './part-services.ts'
import { Questions } from './questions.ts'
import { KeptBindings } from './kept-bindings.ts'
import { LostResponses } from './lost-responses.ts'
import type { SipInstruments } from './instruments.ts'
import { MergedRequests } from './merged-requests.ts'
import type { NatKeepAlive } from './nat-keep-alive.ts'
import { OwnRequests } from './own-requests.ts'
import { RandomText } from './random-text.ts'
import type { RegEvents } from './reg-events.ts'
import { isRegisteredPhone } from './registered-phone.ts'
import { TlsLog } from './tls-log.ts'
import { Trunks } from './trunks.ts'
import { RegisterGate } from './register-gate.ts'
import { RegisterHandler, type RegisterTicket } from './register-handler.ts'
import type { RegisterRelay } from './register-relay.ts'
import { Replies, type Reply } from './replies.ts'
import type { RedirectTicket } from './redirections.ts'
import type { Router } from './router.ts'
import { SOURCE_ALLOWANCES_DEFAULT, SourceLimit } from './source-limit.ts'
import { SourceTable } from './trusted-sources.ts'

/** Seconds of Retry-After in a 503 for want of room; the exact number is drawn so that callers spread. */
const OVERLOAD_RETRY_S = { low: 5, high: 30 }

export interface SipComponents {
  readonly accounts: Accounts
  readonly random: Random
  readonly trace: Trace
  readonly tap?: SipTap | undefined
}

export class SipParts {
  now: Now = { ms: 0, wall: 0 }
  overlayAvailable = false
  draining = false
  readonly identity: OwnIdentity
  /** The engine in front, if phones are served by one. */
  readonly front: Front | undefined
  readonly flows: Flows
  readonly tlsLog: TlsLog
  readonly transactions: Transactions<ForkContext, ClientUser>
  readonly replies: Replies
  readonly registrar: Registrar<RegisterTicket>
  readonly keptBindings: KeptBindings
  readonly registerHandler: RegisterHandler
  readonly registerGate: RegisterGate
  readonly natKeepAlive: NatKeepAlive
  readonly registerRelay: RegisterRelay | undefined
  readonly proxy: Proxy
  readonly redirector: Redirector<RedirectTicket>
  readonly router: Router
  readonly callers: Callers
  readonly trunks: Trunks
  readonly callerChecks: CallerChecks<HeldRequest>
  readonly held = new HeldRequests()
  readonly lostResponses: LostResponses
  readonly sources: SourceLimit
  readonly ownRequests: OwnRequests
  readonly regEvents: RegEvents | undefined
  readonly authenticator: Authenticator
  readonly instruments: SipInstruments
  readonly validation: ValidationRole
  /** Limits in force. */
  readonly tuned: Tuned
  readonly questions: Questions
  private readonly outbox: Outbox<SipAction>
  private readonly accounts: Accounts
  readonly settings: SipSettings
  private readonly random: Random

  constructor(components: SipComponents, settings: SipSettings, outbox: Outbox<SipAction>) {
    const { accounts, tap } = components
    const { domains, listeners, secret, peerIdentity, maxForks, maxBindings } = settings
    const limits = { ...settings.limits }
    const tuned = (this.tuned = { maxForks, maxBindings, limits })
    const realm = domains[0] ?? 'sip'
    this.outbox = outbox
    this.accounts = accounts
    const questions = (this.questions = new Questions(outbox))
    this.settings = settings
    this.random = components.random
    this.validation = { registrar: settings.roles.registrar, telRouting: settings.telDomain !== undefined }
    const texts = new RandomText(components.random)
    const { tlsRoutes = 'mirror' } = settings
    const trunkUris = new Map((settings.trunks ?? []).map(({ name, uri }) => [name, uri]))
    const outside = new Outside(settings.outside ?? NO_OUTSIDE_RULES, trunkUris)
    const aorRules = { telDomain: settings.telDomain, telContext: settings.outside?.telContext }
    this.identity = new OwnIdentity({ listeners, domains, peer: peerIdentity, tlsRoutes, aorRules })
    this.trunks = new Trunks(
      { random: components.random, texts, trace: components.trace, identity: this.identity },
      settings.trunks ?? [],
    )
    const { trunks } = this
    this.flows = new Flows(
      {
        outbox,
        orphaned: (hop, bytes) => this.lostResponses.take(this.now.ms, hop, bytes),
        sent: tap === undefined ? undefined : (hop, bytes) => tap.message(this.now, 'out', hop, bytes),
      },
      { listeners, limits },
    )
    this.tlsLog = new TlsLog(components.trace)
    this.lostResponses = new LostResponses(lostResponsePorts(this, tap), {
      peerFlowBudgetMs: settings.appAttachBudgetMs.other,
      limits,
    })
    const wire = this.flows
    this.transactions = new Transactions({ wire, seed: seedOf(secret) }, limits)
    const { transactions, identity, flows } = this
    const meter = new CallMeter()
    this.front = this.frontOf(settings, meter, texts)
    const { front } = this
    this.replies = new Replies({ front, wire, transactions, texts }, { secret })
    const { replies } = this
    const rateLimits = new Tally(['auth', 'source', 'register'])
    const authenticator = (this.authenticator = new Authenticator(
      { accounts, rateLimits, log: new AuthLog(components.trace) },
      {
        realm,
        secret,
        limits,
        algorithms: settings.digestAlgorithms ?? DIGEST_OFFERED_DEFAULT,
        qop: settings.digestQop,
        userHash: settings.digestUserHash,
        issuer: peerIdentity?.hex,
      },
    ))
    const gruus = gruusOf(this, accounts, components.random)
    this.registrar = new Registrar(
      { host: registrarHost(this, texts) },
      registrarSettings(settings, {
        tuned,
        gruuOwner: gruus?.ownerOf,
        ownAddresses: () => (front?.identity ?? identity).addresses,
      }),
    )
    this.keptBindings = new KeptBindings(
      { accounts, identity, outbox, registrar: this.registrar },
      { persist: settings.persistBindings ?? false, longestMs: 1000 * settings.maxExpiresS },
    )
    const callers = new Callers(
      {
        accounts,
        authenticator,
        identity,
        trusted: new SourceTable(settings.trusted ?? []),
        trunks,
        identitiesOf: (flow) => flows.identities(flow),
      },
      { auth: settings.auth, policy: settings.policy },
    )
    this.callers = callers
    this.sources = new SourceLimit(
      {
        rateLimits,
        trusts: (source) => callers.trusts(source),
        registered: (incoming) => isRegisteredPhone(this.registrar, identity, incoming),
      },
      limits.perSource ?? SOURCE_ALLOWANCES_DEFAULT,
    )
    const { sources } = this
    const merged = new MergedRequests()
    const registerGate = (this.registerGate = new RegisterGate(
      { random: components.random, rateLimits, waiting: () => this.registrar.waiting },
      limits,
    ))
    this.registerHandler = new RegisterHandler(
      {
        gate: registerGate,
        isRegisteredPhone: (incoming) => isRegisteredPhone(this.registrar, identity, incoming),
        askForeign: (aor) => askForeign(this, aor),
        front,
        accounts,
        authenticator,
        callers,
        flows,
        gruus,
        identity,
        merged,
        replies,
        sources,
        transactions,
      },
      settings,
    )
    const tokens = new RouteTokens({
      secret,
      run: components.random.bytes(4),
      dialledFor: (flow) => this.flows.get(flow)?.dialledFor,
    })
    this.proxy = new Proxy(
      {
        identity,
        outside,
        lines: trunks,
        tokens,
        ports: proxyPorts(this, accounts, texts, gruus),
        transactions,
        wire,
        meter,
        timeouts: transactions.timeouts,
      },
      proxySettings(settings, realm, tuned),
    )
    this.redirector = new Redirector(
      { host: redirectHost(this, accounts) },
      {
        proxies: settings.redirectProxies,
        use305: settings.redirectUse305,
        localOnly: settings.lookup === 'localOnly',
        tlsRoutes,
      },
    )
    this.callerChecks = new CallerChecks(
      { own: identity, ask: (aor, peer) => questions.verifyCaller(aor, peer, settings.locateBudgetMs.other) },
      { policy: settings.verifyCaller ?? 'tag', budgetMs: settings.locateBudgetMs.other },
    )
    const { proxy } = this
    this.ownRequests = new OwnRequests(
      {
        flows,
        identity,
        texts,
        transactions,
        largeRequests: proxy.largeRequests,
        held: proxy.held,
        openPeerFlow: (address, secure, budgetMs) => questions.openPeerFlow(address, secure, budgetMs, ''),
        resolve: ({ host, port, transport, secure }) => questions.resolve(host, port, transport, secure),
      },
      { peerFlowBudgetMs: settings.appAttachBudgetMs.other },
    )
    const { ownRequests } = this
    trunks.use(ownRequests)
    const overloaded = (reason: string): Reply => this.overloaded(reason)
    const shared = {
      accounts,
      random: components.random,
      texts,
      gruus,
      tokens,
      outside,
      merged,
      meter,
      overloaded,
    }
    this.natKeepAlive = natKeepAliveOf(this, shared)
    this.registerRelay = registerRelayOf(this, shared)
    this.regEvents = regEventsOf(this, shared)
    this.router = routerOf(this, shared)
    const { natKeepAlive, registrar, registerHandler } = this
    this.instruments = instrumentsOf({
      authenticator,
      flows,
      front,
      meter,
      natKeepAlive,
      proxy,
      rateLimits,
      registerHandler,
      registrar,
      sources,
      transactions,
    })
  }

  /** The machines read these objects at every use. */
  retune({ maxForks, maxBindings, limits }: SipTunables): void {
    this.tuned.maxForks = maxForks
    this.tuned.maxBindings = maxBindings
    Object.assign(this.tuned.limits, limits)
    this.sources.limit(limits.perSource ?? SOURCE_ALLOWANCES_DEFAULT)
  }

  /** Who has an account here, phones or not. */
  serves(aor: string): boolean {
    return this.accounts.byAor(aor) !== undefined
  }

  retryAfterS(low: number, high: number): number {
    return low + this.random.int(high - low + 1)
  }

  /** E54: 503 with Retry-After. */
  overloaded(reason: string): Reply {
    const seconds = this.retryAfterS(OVERLOAD_RETRY_S.low, OVERLOAD_RETRY_S.high)
    return { status: 503, reason, headers: [['Retry-After', String(seconds)]] }
  }

  private frontOf(settings: SipSettings, meter: CallMeter, texts: RandomText): Front | undefined {
    const { front, listeners } = settings
    if (front === undefined) return undefined
    const { outbox, transactions, identity } = this
    return new Front(
      {
        outbox,
        meter,
        unguessable: () => texts.hex(16),
        isSending: (branch, method) => transactions.isSending(branch, method),
      },
      { ...front, listeners, identity },
    )
  }
}

/** A number for hash tables that nobody outside knows. */
function seedOf(secret: Uint8Array): number {
  let seed = 0
  for (const byte of secret) seed = Math.imul(seed ^ byte, 0x01000193)
  return seed
}
