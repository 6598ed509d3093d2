/** What registrar, proxy and redirect server ask of the other parts of the core, and who answers it. */
import { changes } from '../events/index.ts'
import type { Random } from '../../common/random.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { Front } from '../engine/index.ts'
import { Gruus, SiblingMarks, isLive, type Registrar, type RegistrarHost } from '../registrar/index.ts'
import type { OwnIdentity, Proxy, ProxyPorts } from '../proxy/index.ts'
import type { RedirectHost } from '../redirect/index.ts'
import type { Callers } from './caller.ts'
import type { Accounts, RequestId, SipSettings, SipTap } from './contract.ts'
import type { Flows } from './flows.ts'
import type { KeptBindings } from './kept-bindings.ts'
import type { LostResponsesPorts } from './lost-responses.ts'
import type { NatKeepAlive } from './nat-keep-alive.ts'
import { phoneInCall } from './phone-in-call.ts'
import type { Questions } from './questions.ts'
import type { RandomText } from './random-text.ts'
import type { RegEvents } from './reg-events.ts'
import type { RegisterHandler, RegisterTicket } from './register-handler.ts'
import type { Replies } from './replies.ts'
import type { RedirectTicket } from './redirections.ts'

/** The parts, as far as they are asked here. Those that are made later than who asks are there when it asks. */
export interface JoinedParts {
  readonly now: Now
  readonly overlayAvailable: boolean
  readonly settings: SipSettings
  readonly questions: Questions
  readonly identity: OwnIdentity
  readonly registrar: Registrar<RegisterTicket>
  readonly registerHandler: RegisterHandler
  readonly keptBindings: KeptBindings
  readonly natKeepAlive: NatKeepAlive
  readonly regEvents: RegEvents | undefined
  readonly proxy: Proxy
  readonly flows: Flows
  readonly front: Front | undefined
  readonly callers: Callers
  readonly replies: Replies
  retryAfterS(low: number, high: number): number
}

/** What the registrar asks of the others. */
export function registrarHost(parts: JoinedParts, texts: RandomText): RegistrarHost<RegisterTicket> {
  const { questions } = parts
  return {
    publish: (aor, bindings, cause, callId) => {
      return questions.publish(aor, bindings, cause, callId)
    },
    finished: (_now, request, outcome) => parts.registerHandler.finished(parts.now, request, outcome),
    isUp: (flow) => parts.flows.isUp(flow),
    changed: (now, aor, before, after, gone) => {
      if (after.length > 0) parts.proxy.registered(now, aor)
      parts.natKeepAlive.watch(now, aor, after)
      const notifier = parts.regEvents?.notifier
      if (notifier?.watches(aor) === true) notifier.changed(now, aor, changes(before, after, gone))
    },
    write: (users) => parts.keptBindings.write(parts.now, users),
    freshEpoch: () => texts.hex(4),
    mayStore: () => parts.overlayAvailable,
    retryAfterS: (low, high) => parts.retryAfterS(low, high),
  }
}

/** What the proxy asks of the others. */
export function proxyPorts(
  parts: JoinedParts,
  accounts: Accounts,
  texts: RandomText,
  gruus: Gruus | undefined,
): ProxyPorts {
  const { questions } = parts
  return {
    locate: (aor, budgetMs, callId) => questions.locate(aor, budgetMs, callId),
    openPeerFlow: (address, secure, budgetMs, callId) =>
      questions.openPeerFlow(address, secure, budgetMs, callId),
    resolve: (host, port, transport, secure) => questions.resolve(host, port, transport, secure),
    bindings: (now, aor) => {
      const held = parts.registrar.lookup(aor, now)
      return parts.front?.reachable(held) ?? held
    },
    userHosted: (aor) => accounts.byAor(aor) !== undefined,
    phoneInCall: (now, aor, contact) => {
      const held = parts.registrar.lookup(aor, now)
      const bindings = parts.front?.reachable(held) ?? held
      return phoneInCall(
        bindings,
        aor,
        contact,
        (uri) => gruus?.meaning(now, uri, aor) ?? { kind: 'unknown' },
      )
    },
    marks: new SiblingMarks(parts.settings.secret),
    dial: (hop, domain) => parts.flows.dial(hop, domain),
    probePeer: (flow) => questions.probePeer(flow),
    flowHop: (flow) => parts.flows.get(flow)?.hop,
    successor: (now, flow, user) => parts.registrar.successor(flow, user, now),
    replacement: (now, flow, user) => parts.registrar.replacement(flow, user, now),
    peerHop: (hex) => parts.flows.peerHop(hex),
    trusts: (hop) => parts.callers.trusts(hop),
    branchId: () => texts.hex(8),
    tag: () => texts.hex(6),
  }
}

/** What the redirect server asks of the others. */
export function redirectHost(parts: JoinedParts, accounts: Accounts): RedirectHost<RedirectTicket> {
  const { invite, other } = parts.settings.locateBudgetMs
  return {
    bindings: (now, aor) => parts.registrar.bindings(aor).filter((binding) => isLive(binding, now)),
    userHosted: (aor) => accounts.byAor(aor) !== undefined,
    locate: (aor, isInvite, callId) => {
      const budgetMs = isInvite ? invite : other
      return {
        id: parts.questions.locate(aor, budgetMs, callId, parts.settings.redirectResolveUri),
        budgetMs,
      }
    },
    answer: (now, { server, incoming, ended }, answer) => {
      ended(answer.status)
      parts.replies.send(now, server, incoming, answer)
    },
  }
}

/** What responses whose way back is gone ask of the others. */
export function lostResponsePorts(parts: JoinedParts, tap: SipTap | undefined): LostResponsesPorts {
  const { flows, questions, identity } = parts
  return {
    successor: (flow, asker) => parts.registrar.successor(flow, identity.userOf(asker), parts.now.ms),
    answerHalfOpen: (now, hop, bytes) => {
      if (!flows.halfOpen.answer(now, hop, bytes)) return false
      tap?.message(parts.now, 'out', hop, bytes)
      return true
    },
    openPeerFlow: (address, budgetMs) => questions.openPeerFlow(address, false, budgetMs, ''),
    resolve: (host, port, transport) => questions.resolve(host, port, transport, transport === 'tls'),
    peerHop: (flow) => flows.get(flow)?.hop,
    dial: (hop, domain) => flows.dial(hop, domain),
    isUp: (flow) => flows.isUp(flow),
    send: (hop, bytes) => flows.send(hop, bytes),
  }
}

/** The GRUUs of this node; undefined where it is no registrar, or no peer whose name they could carry. */
export function gruusOf(parts: JoinedParts, accounts: Accounts, random: Random): Gruus | undefined {
  const { peerIdentity, roles, secret } = parts.settings
  if (peerIdentity === undefined || !roles.registrar) return undefined
  return new Gruus(
    {
      bindings: (aor) => parts.registrar.bindings(aor),
      userHosted: (aor) => accounts.byAor(aor) !== undefined,
      nonce: () => random.bytes(12),
    },
    { secret, gr: peerIdentity.gr },
  )
}

/** Asks which phones of a user other nodes have; undefined while the overlay is away, or is not to be asked. */
export function askForeign(
  { overlayAvailable, settings, questions }: JoinedParts,
  aor: string,
): { readonly id: RequestId; readonly budgetMs: Millis } | undefined {
  if (!overlayAvailable || settings.lookup === 'localOnly') return undefined
  const budgetMs = settings.locateBudgetMs.other
  return { id: questions.foreignContacts(aor, budgetMs), budgetMs }
}
