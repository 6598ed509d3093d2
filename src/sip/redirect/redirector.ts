/**
 * The redirect server (RFC 3261 s.8.3, adapter-mapping s.6): answers where to go and never forwards. Does no I/O.
 */
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import { contactHeaders, OVERLAY_EXPIRES_S, proxyRoute, type RedirectContact } from './redirect-contacts.ts'
import { byProxies, ownFirst, tlsNaming, type TlsRoutes } from './by-proxies.ts'
import { RedirectRepeats } from './repeats.ts'
import { ProxyRecords } from './proxy-records.ts'
import { parseRedirectProxy, type RedirectProxy } from './redirect-proxies.ts'

/** The owner keeps the budget; only when it is silent for this long beyond it is a question given up. */
const ANSWER_GRACE_MS: Millis = 1_000

/** A binding as redirection sees it. */
export interface RedirectableBinding {
  readonly kind: 'device' | 'forward' | 'node' | 'other'
  readonly contact: string
  readonly q: number
  readonly direct: boolean
  /** Its host is a name that whoever calls it can look up as well (ADR 29). */
  readonly lookedUp: boolean
  readonly expiresAt: Millis
}

export type RedirectLocated =
  | {
      readonly kind: 'found'
      readonly targets: readonly (
        | {
            readonly kind: 'peer'
            readonly aor: string | undefined
            readonly secureOnly: boolean
            readonly node?: string
            readonly addresses?: readonly string[]
          }
        | { readonly kind: 'local'; readonly aor: string }
        | { readonly kind: 'uri'; readonly uri: string }
      )[]
      readonly userExists: boolean
      readonly loop: boolean
    }
  | RedirectFailure

interface RedirectFailure {
  readonly kind: 'failed'
  readonly status: number
  readonly reason: string
  readonly retryAfterS?: number
}

export interface RedirectAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: readonly (readonly [string, string])[]
}

export interface RedirectHost<T> {
  bindings(now: Millis, aor: string): readonly RedirectableBinding[]
  userHosted(aor: string): boolean
  locate(aor: string, invite: boolean, callId: string): { readonly id: number; readonly budgetMs: Millis }
  answer(now: Millis, ticket: T, answer: RedirectAnswer): void
}

export interface RedirectRequest<T> {
  readonly message: SipMessage
  readonly aor: string
  /** `;gr=...` of a GRUU, with what else belongs to it; those are not looked up (RFC 5627 s.6.1). */
  readonly gruu: string | undefined
  /** The phone that a GRUU of this node means, when it is registered. */
  readonly instance: readonly RedirectableBinding[] | undefined
  /** Came on a peer flow: only phones that the peer can reach itself are named. */
  readonly fromPeer: boolean
  /** From an authenticated phone of ours. */
  readonly ownPhone: boolean
  readonly ticket: T
}

const SIPS_NOT_ALLOWED: RedirectAnswer = {
  status: 480,
  reason: 'SIPS Not Possible',
  headers: [['Warning', '380 ringbridge "SIPS Not Allowed"']],
}

export class Redirector<T> {
  private readonly host: RedirectHost<T>
  /** By configuration; without any, those that say so in the overlay (M-30). */
  private readonly proxies: readonly RedirectProxy[]
  private readonly records: ProxyRecords<RedirectRequest<T>>
  private readonly use305: boolean
  private readonly localOnly: boolean
  private readonly tlsRoutes: TlsRoutes
  private readonly waiting = new OpenQuestions<Waiting<T>>()
  private readonly repeats = new RedirectRepeats()

  constructor(
    components: { readonly host: RedirectHost<T> },
    init: {
      readonly proxies: readonly string[]
      readonly use305: boolean
      readonly localOnly: boolean
      readonly tlsRoutes: TlsRoutes
    },
  ) {
    this.host = components.host
    this.proxies = init.proxies.flatMap((entry) => parseRedirectProxy(entry) ?? [])
    this.use305 = init.use305
    this.localOnly = init.localOnly
    this.tlsRoutes = init.tlsRoutes
    this.records = new ProxyRecords((aor) => this.host.locate(aor, false, ''))
  }

  request(now: Millis, request: RedirectRequest<T>): void {
    if (this.repeats.isLoop(now, request.message)) {
      this.host.answer(now, request.ticket, { status: 482, reason: 'Loop Detected', headers: [] })
    } else if (request.fromPeer && request.instance !== undefined) {
      this.answer(now, request, this.usable(now, request.instance), true)
    } else if (!request.fromPeer && !this.localOnly && this.proxies.length === 0) {
      const proxies = this.records.find(now, domainOf(request.aor), request)
      if (proxies !== undefined) this.begin(now, request, proxies)
    } else {
      this.begin(now, request, this.proxies)
    }
  }

  private begin(now: Millis, request: RedirectRequest<T>, proxies: readonly RedirectProxy[]): void {
    if (request.gruu !== undefined) {
      const naming = tlsNaming(this.tlsRoutes, request.message, false)
      this.answer(now, request, byProxies(request.aor, request.gruu, proxies, naming), true)
    } else if (request.fromPeer || this.localOnly) {
      this.answer(now, request, this.local(now, request.aor), this.host.userHosted(request.aor))
    } else {
      const { method, callId } = request.message
      const { id, budgetMs } = this.host.locate(request.aor, method === 'INVITE', callId)
      this.waiting.ask(id, { request, proxies }, now + budgetMs + ANSWER_GRACE_MS)
    }
  }

  located(now: Millis, id: number, outcome: RedirectLocated): void {
    const targets = outcome.kind === 'found' ? outcome.targets : undefined
    const ready = this.records.answered(now, id, targets)
    if (ready !== undefined) return this.resume(now, ready)
    const waiting = this.waiting.take(id)
    if (waiting !== undefined) this.answered(now, waiting, outcome)
  }

  /** It is known now which proxies there are. */
  private resume(now: Millis, requests: readonly RedirectRequest<T>[]): void {
    for (const request of requests) {
      const proxies = this.records.find(now, domainOf(request.aor), request)
      if (proxies !== undefined) this.begin(now, request, proxies)
    }
  }

  nextDeadline(): Millis {
    return Math.min(this.waiting.nextDeadline(), this.records.nextDeadline())
  }

  /** Requests whose question nobody has answered are answered with what is known here. */
  expire(now: Millis): void {
    const silence: RedirectLocated = { kind: 'failed', status: 504, reason: 'Locate Timeout' }
    // Who was not told which proxies there are would not be told either where a user is.
    for (const request of this.records.expire(now))
      this.answered(now, { request, proxies: NO_PROXIES }, silence)
    for (let lost = this.waiting.overdue(now); lost !== undefined; lost = this.waiting.overdue(now))
      this.answered(now, lost, silence)
  }

  private answered(now: Millis, { request, proxies }: Waiting<T>, outcome: RedirectLocated): void {
    if (outcome.kind === 'failed') return this.withoutOverlay(now, request, outcome)
    const elsewhere = outcome.targets.length > 0
    const contacts: RedirectContact[] = []
    let forwarded = false
    for (const target of outcome.targets) {
      forwarded ||= target.kind === 'uri' || (target.aor ?? request.aor) !== request.aor
      if (target.kind === 'peer') {
        const naming = tlsNaming(this.tlsRoutes, request.message, target.secureOnly)
        contacts.push(...byProxies(target.aor ?? request.aor, '', ownFirst(proxies, target.node), naming))
      } else if (target.kind === 'local') contacts.push(...this.local(now, target.aor))
      else contacts.push({ uri: target.uri, q: 1000, expiresS: OVERLAY_EXPIRES_S })
    }
    const own = this.host.bindings(now, request.aor)
    // Where a forwarding has been followed, its targets stand in its place: beside them it would have them called twice.
    const left = forwarded ? own.filter(({ kind }) => kind !== 'forward') : own
    contacts.unshift(...this.usable(now, left))
    const proxy = elsewhere ? this.proxyToUse(request, proxies) : undefined
    if (proxy !== undefined) {
      const contact = proxyRoute(proxy)
      this.host.answer(now, request.ticket, {
        status: 305,
        reason: 'Use Proxy',
        headers: [['Contact', contact]],
      })
      return
    }
    if (contacts.length === 0 && outcome.loop) {
      this.host.answer(now, request.ticket, { status: 482, reason: 'Loop Detected', headers: [] })
      return
    }
    const known = outcome.userExists || elsewhere || this.host.userHosted(request.aor)
    this.answer(now, request, contacts, known)
  }

  /** Phones registered here are known without the overlay. */
  private withoutOverlay(now: Millis, request: RedirectRequest<T>, failure: RedirectFailure): void {
    const contacts = this.local(now, request.aor)
    if (contacts.length > 0) return this.answer(now, request, contacts, true)
    const { status, reason, retryAfterS } = failure
    const headers: [string, string][] =
      retryAfterS === undefined ? [] : [['Retry-After', String(retryAfterS)]]
    this.host.answer(now, request.ticket, { status, reason, headers })
  }

  /** The one proxy of a 305, which is for phones of ours (adapter-mapping s.6). */
  private proxyToUse(
    { ownPhone, message }: RedirectRequest<T>,
    [proxy, ...others]: readonly RedirectProxy[],
  ): RedirectProxy | undefined {
    if (!this.use305 || !ownPhone || proxy === undefined || others.length > 0) return undefined
    // RFC 3261 s.26.2.2: a call to sips goes over TLS on every hop, or not at all.
    return message.uri?.scheme === 'sips' && proxy.transport !== 'tls' ? undefined : proxy
  }

  /** Phones registered here that others reach by their own address; what only this node reaches is left out. */
  private local(now: Millis, aor: string): RedirectContact[] {
    return this.usable(now, this.host.bindings(now, aor))
  }

  private usable(now: Millis, bindings: readonly RedirectableBinding[]): RedirectContact[] {
    const contacts: RedirectContact[] = []
    for (const { kind, contact, q, direct, lookedUp, expiresAt } of bindings) {
      const usable = kind === 'other' || kind === 'forward' || (kind === 'device' && (direct || lookedUp))
      if (usable)
        contacts.push({ uri: contact, q, expiresS: Math.max(0, Math.ceil((expiresAt - now) / 1000)) })
    }
    return contacts
  }

  private answer(
    now: Millis,
    request: RedirectRequest<T>,
    found: readonly RedirectContact[],
    known: boolean,
  ): void {
    const sips = request.message.uri?.scheme === 'sips'
    // RFC 5630 s.5.4: who asked for sips is not sent to sip.
    const contacts = sips ? found.filter(({ uri }) => !/^sip:/i.test(uri)) : found
    if (contacts.length === 0 && found.length > 0) {
      this.host.answer(now, request.ticket, SIPS_NOT_ALLOWED)
      return
    }
    const values = contactHeaders(contacts, request.message.requestUri)
    if (values.length > 0) {
      const headers = values.map((value): [string, string] => ['Contact', value])
      this.host.answer(now, request.ticket, { status: 302, reason: 'Moved Temporarily', headers })
    } else if (known && contacts.length === 0) {
      this.host.answer(now, request.ticket, { status: 480, reason: 'Temporarily Unavailable', headers: [] })
    } else {
      this.host.answer(now, request.ticket, { status: 404, reason: 'Not Found', headers: [] })
    }
  }
}

/** A request whose user is being looked up, and the proxies that can be named for it. */
interface Waiting<T> {
  readonly request: RedirectRequest<T>
  readonly proxies: readonly RedirectProxy[]
}

function domainOf(aor: string): string {
  return aor.slice(aor.lastIndexOf('@') + 1)
}

const NO_PROXIES: readonly RedirectProxy[] = []
