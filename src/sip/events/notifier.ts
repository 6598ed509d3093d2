/**
 * The notifier of the `reg` event package (RFC 3680): holds the subscriptions, tells each what has changed for its AOR, not more than
 * once in five seconds, and lets it end. Bounded in number; does no I/O.
 */
import { Deadlines } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import { contactId, standing, type ContactState, type WatchedBinding } from './watched.ts'
import { REGINFO_TYPE, reginfoDocument, type GruuPair } from './reginfo.ts'
import {
  dialogTarget,
  stateHeader,
  type NotifierDialog,
  type Subscription,
  type SubscriptionState,
} from './subscription.ts'

/** RFC 3680 s.4.10. */
const NOTIFY_INTERVAL_MS: Millis = 5_000
/** After a refusal that says no time itself. Judgement. */
const RETRY_MS: Millis = 30_000
const AT_ONCE = { retryAfterS: 0 }
/** Refusals in a row after which nobody is believed to listen. Judgement. */
const REFUSALS_MAX = 3
/** Of one AOR: as many as it has phones, twice. Judgement. */
export const SUBSCRIPTIONS_PER_AOR_MAX = 20

/** RFC 6665 s.4.2.2: answers to a NOTIFY that end the subscription. */
const ENDING: ReadonlySet<number> = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])

export interface NotifyRequest<W> {
  readonly way: W
  readonly uri: string
  /** All but Via and Max-Forwards. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

/** How a NOTIFY ended. */
export type NotifyOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterS: number | undefined }
  | { readonly kind: 'unreachable' }
  /** Not reached by the way that it went, and there is another one now. */
  | { readonly kind: 'moved' }

export interface NotifierHost<W> {
  bindings(aor: string): readonly WatchedBinding[]
  gruuOf(aor: string, binding: WatchedBinding): GruuPair | undefined
  aorUri(aor: string): string
  /** Answered by `notified`. */
  notify(now: Millis, subscription: Subscription<W>, request: NotifyRequest<W>): void
}

export class RegNotifier<W> {
  private readonly host: NotifierHost<W>
  /** Read at every use: it may change. */
  private readonly limits: { readonly subscriptionsMax: number }
  private readonly byDialog = new Map<string, Subscription<W>>()
  private readonly byAor = new Map<string, Set<Subscription<W>>>()
  private readonly deadlines = new Deadlines<Subscription<W>>()

  constructor(components: { readonly host: NotifierHost<W> }, limits: { readonly subscriptionsMax: number }) {
    this.host = components.host
    this.limits = limits
  }

  get size(): number {
    return this.byDialog.size
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  find(key: string): Subscription<W> | undefined {
    return this.byDialog.get(key)
  }

  watches(aor: string): boolean {
    return this.byAor.has(aor)
  }

  /** No room for another subscription to this AOR. */
  full(aor: string): boolean {
    const ofAor = this.byAor.get(aor)?.size ?? 0
    return this.byDialog.size >= this.limits.subscriptionsMax || ofAor >= SUBSCRIPTIONS_PER_AOR_MAX
  }

  /** A new subscription, which `inform` tells everything. With 0 seconds it is told and forgotten (RFC 6665 s.4.4.3). */
  add(
    now: Millis,
    init: {
      readonly key: string
      readonly aor: string
      readonly event: string
      readonly dialog: NotifierDialog<W>
      readonly seconds: number
    },
  ): Subscription<W> {
    const { key, aor, event, dialog, seconds } = init
    const subscription: Subscription<W> = {
      key,
      aor,
      event,
      dialog,
      expiresAt: Math.floor(now) + 1000 * seconds,
      version: 0,
      news: 'full',
      foreign: [],
      nextAt: now,
      underWay: 0,
      refused: 0,
      over: false,
      deadline: undefined,
    }
    if (seconds === 0) return subscription
    this.byDialog.set(key, subscription)
    const ofAor = this.byAor.get(aor)
    if (ofAor === undefined) this.byAor.set(aor, new Set([subscription]))
    else ofAor.add(subscription)
    return subscription
  }

  /** RFC 6665 s.4.2.1.4: another life, and everything is told again at once. */
  refresh(now: Millis, subscription: Subscription<W>, seconds: number): void {
    subscription.expiresAt = Math.floor(now) + 1000 * seconds
    subscription.news = 'full'
  }

  /** Everything, now: after every 2xx to a SUBSCRIBE (RFC 6665 s.4.2.1.2). */
  inform(now: Millis, subscription: Subscription<W>): void {
    if (subscription.expiresAt <= now) this.end(now, subscription, { kind: 'terminated', reason: 'timeout' })
    else this.send(now, subscription, this.activeState(now, subscription))
  }

  /** Contacts of an AOR came or went. */
  changed(now: Millis, aor: string, contacts: readonly ContactState[]): void {
    if (contacts.length === 0) return
    for (const subscription of this.byAor.get(aor) ?? []) this.tell(now, subscription, contacts)
  }

  /** Where else the user is registered, as the overlay says. */
  foreignKnown(now: Millis, key: string, uris: readonly string[]): void {
    const subscription = this.byDialog.get(key)
    if (subscription === undefined) return
    const before = subscription.foreign
    subscription.foreign = uris.map(foreignContact)
    const left = new Set(subscription.foreign.map(({ id }) => id))
    const known = new Set(before.map(({ id }) => id))
    const gone = before.filter(({ id }) => !left.has(id))
    this.tell(now, subscription, [
      ...gone.map((state): ContactState => ({ ...state, active: false, event: 'expired' })),
      ...subscription.foreign.filter(({ id }) => !known.has(id)),
    ])
  }

  /** The answer to a NOTIFY, or that there is none. */
  notified(now: Millis, subscription: Subscription<W>, outcome: NotifyOutcome): void {
    subscription.underWay--
    if (subscription.over) return
    if (outcome.kind === 'answered' && outcome.status < 300) {
      subscription.refused = 0
      this.schedule(subscription)
      return
    }
    subscription.refused++
    const ended =
      outcome.kind === 'unreachable' || (outcome.kind === 'answered' && ENDING.has(outcome.status))
    if (ended || subscription.refused >= REFUSALS_MAX) {
      this.forget(subscription)
      return
    }
    // What that document said is lost: the next one says everything.
    subscription.news = 'full'
    const { retryAfterS } = outcome.kind === 'moved' ? AT_ONCE : outcome
    subscription.nextAt = now + (retryAfterS === undefined ? RETRY_MS : 1000 * retryAfterS)
    this.schedule(subscription)
  }

  /** The node leaves: who watches is told, and when to come back. */
  leave(now: Millis, retryAfterS: (low: number, high: number) => number): void {
    for (const subscription of [...this.byDialog.values()]) {
      this.end(now, subscription, {
        kind: 'terminated',
        reason: 'probation',
        retryAfterS: retryAfterS(5, 30),
      })
    }
  }

  /** There is no such user any more. */
  noResource(now: Millis, subscription: Subscription<W>): void {
    this.end(now, subscription, { kind: 'terminated', reason: 'noresource' })
  }

  expire(now: Millis): void {
    for (let due = this.deadlines.pop(now); due !== undefined; due = this.deadlines.pop(now)) {
      due.deadline = undefined
      if (due.expiresAt <= now) this.end(now, due, { kind: 'terminated', reason: 'timeout' })
      else if (hasNews(due) && due.nextAt <= now && due.underWay === 0)
        this.send(now, due, this.activeState(now, due))
      else this.schedule(due)
    }
  }

  private tell(now: Millis, subscription: Subscription<W>, contacts: readonly ContactState[]): void {
    if (contacts.length === 0) return
    if (subscription.news !== 'full') for (const state of contacts) subscription.news.set(state.id, state)
    if (subscription.nextAt <= now && subscription.underWay === 0)
      this.send(now, subscription, this.activeState(now, subscription))
    else this.schedule(subscription)
  }

  private activeState(now: Millis, { expiresAt }: Subscription<W>): SubscriptionState {
    return { kind: 'active', seconds: Math.max(0, Math.ceil((expiresAt - now) / 1000)) }
  }

  private end(now: Millis, subscription: Subscription<W>, state: SubscriptionState): void {
    subscription.news = 'full'
    this.send(now, subscription, state)
    this.forget(subscription)
  }

  private send(now: Millis, subscription: Subscription<W>, state: SubscriptionState): void {
    const { dialog, news, aor } = subscription
    const bindings = this.host.bindings(aor)
    const full = news === 'full'
    const contacts = full ? [...standing(bindings), ...subscription.foreign] : [...news.values()]
    const gone = !full && contacts.some(({ active }) => !active)
    // RFC 3680 s.4.7.1: a contact at another node makes the user no less registered.
    const registered = bindings.length > 0 || subscription.foreign.length > 0
    const body = reginfoDocument(now, {
      version: subscription.version++,
      full,
      aor: this.host.aorUri(aor),
      registrationId: contactId(aor),
      registration: registered ? 'active' : gone ? 'terminated' : 'init',
      contacts,
      gruuOf: (binding) => this.host.gruuOf(aor, binding),
    })
    subscription.news = new Map()
    subscription.nextAt = now + NOTIFY_INTERVAL_MS
    subscription.underWay++
    const { uri, routes } = dialogTarget(dialog)
    this.host.notify(now, subscription, {
      way: dialog.way,
      uri,
      headers: [
        ...routes.map((route) => ['Route', route] as const),
        ['From', dialog.local],
        ['To', dialog.remote],
        ['Call-ID', dialog.callId],
        ['CSeq', `${++dialog.localCseq} NOTIFY`],
        ['Contact', dialog.contact],
        ['Event', subscription.event],
        ['Subscription-State', stateHeader(state)],
        ['Content-Type', REGINFO_TYPE],
      ],
      body,
    })
    this.schedule(subscription)
  }

  /** When something is due: its end, or news that wait. News behind a NOTIFY under way are sent when that is over. */
  private schedule(subscription: Subscription<W>): void {
    if (!this.byDialog.has(subscription.key)) return
    const news = hasNews(subscription) && subscription.underWay === 0
    const at = news ? Math.min(subscription.expiresAt, subscription.nextAt) : subscription.expiresAt
    if (subscription.deadline?.at === at) return
    this.deadlines.cancel(subscription.deadline)
    subscription.deadline = this.deadlines.set(at, subscription)
  }

  private forget(subscription: Subscription<W>): void {
    subscription.over = true
    this.deadlines.cancel(subscription.deadline)
    subscription.deadline = undefined
    this.byDialog.delete(subscription.key)
    const ofAor = this.byAor.get(subscription.aor)
    if (ofAor?.delete(subscription) === true && ofAor.size === 0) this.byAor.delete(subscription.aor)
  }
}

function hasNews({ news }: Subscription<unknown>): boolean {
  return news === 'full' || news.size > 0
}

/** Adapter-mapping s.3.5: one contact a foreign entry, marked as such. */
function foreignContact(uri: string): ContactState {
  return {
    id: contactId(uri, 'remote'),
    event: 'created',
    active: true,
    uri,
    parameters: REMOTE,
    binding: undefined,
  }
}

const REMOTE: ReadonlyMap<string, string> = new Map([['remote', '']])
