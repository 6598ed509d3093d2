/**
 * SUBSCRIBE for the registrations of a user who is served here (adapter-mapping s.4.9): who may watch, the dialog, the answer; then the
 * notifier's NOTIFYs on their way. Other packages are none of its business.
 */
import { detached, detachedUnicode } from '../../common/detached.ts'
import type { Millis, Now } from '../../common/time.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import {
  DIALOG_CHARS_MAX,
  dialogKey,
  dialogTexts,
  eventOf,
  grantedSeconds,
  REG_EVENT,
  RegNotifier,
  type NotifierDialog,
  type NotifyOutcome,
  type Subscription,
} from '../events/index.ts'
import { buildRequest, buildResponse, parseUri, type SipMessage } from '../message/index.ts'
import {
  aorUri,
  type ClientUser,
  type ForkContext,
  type OwnIdentity,
  type Way,
  type Wish,
} from '../proxy/index.ts'
import type { Binding, Gruus } from '../registrar/index.ts'
import type { Hop, IncomingRequest, Transactions } from '../transaction/index.ts'
import type { ForeignContact, RequestId } from './contract.ts'
import type { Flows } from './flows.ts'
import type { OwnRequests } from './own-requests.ts'
import type { RandomText } from './random-text.ts'
import type { Replies, Reply } from './replies.ts'
import { presentWay, reachable, type PresentState, type Reachable } from './subscriber-reach.ts'
import { unsupported, unusableBody } from './uas.ts'
import { WatcherAdmission, type WatcherComponents } from './watcher-admission.ts'

/** The owner keeps the budget; only when it is silent for this long beyond it is a question given up. */
const ANSWER_GRACE_MS: Millis = 1_000

const GONE: Reply = { status: 481, reason: 'Subscription Does Not Exist' }
const TOO_LONG: Reply = { status: 400, reason: 'Too Long To Be Kept' }
const NO_EXTENSIONS: readonly string[] = []

type Watched = Subscription<Reachable>

export interface RegEventComponents extends PresentState, WatcherComponents {
  readonly flows: Flows
  readonly gruus: Gruus | undefined
  readonly identity: OwnIdentity
  readonly ownRequests: OwnRequests
  readonly replies: Replies
  readonly texts: RandomText
  readonly transactions: Transactions<ForkContext, ClientUser>
  bindings(aor: string): readonly Binding[]
  /** Answered by `foreignKnown`; undefined while the overlay is away. */
  askForeign(aor: string): { readonly id: RequestId; readonly budgetMs: Millis } | undefined
}

export class RegEvents {
  readonly notifier: RegNotifier<Reachable>
  private readonly components: RegEventComponents
  private readonly admission: WatcherAdmission
  private readonly questions = new OpenQuestions<string>()

  constructor(components: RegEventComponents, limits: { readonly subscriptionsMax: number }) {
    this.components = components
    this.admission = new WatcherAdmission(components)
    const { gruus } = components
    this.notifier = new RegNotifier(
      {
        host: {
          bindings: (aor) => components.bindings(aor),
          gruuOf: (aor, binding) => gruus?.pair(aor, binding),
          aorUri: (aor) => `sip:${aorUri(aor)}`,
          notify: (now, subscription, { way, uri, headers, body }) => {
            this.notify(now, subscription, way, uri, headers, body)
          },
        },
      },
      limits,
    )
  }

  nextDeadline(): Millis {
    return Math.min(this.notifier.nextDeadline(), this.questions.nextDeadline())
  }

  expire(now: Millis): void {
    while (this.questions.overdue(now) !== undefined);
    this.notifier.expire(now)
  }

  /** A SUBSCRIBE that is for us: in a dialog of ours, or about the registrations of a user who is served here. */
  takes(message: SipMessage, wish: Wish): boolean {
    if (message.method !== 'SUBSCRIBE') return false
    if (message.to.params.has('tag') && this.notifier.find(dialogKey(message)) !== undefined) return true
    return (
      wish.kind === 'aor' &&
      eventOf(message) === REG_EVENT &&
      this.components.accounts.byAor(wish.aor) !== undefined
    )
  }

  request(now: Now, key: string, incoming: IncomingRequest, wish: Wish): void {
    const { message } = incoming
    if (message.to.params.has('tag')) {
      const subscription = this.notifier.find(dialogKey(message))
      if (subscription === undefined) this.components.replies.begin(now.ms, key, incoming, GONE)
      else this.refresh(now, key, incoming, subscription)
    } else if (wish.kind === 'aor') {
      this.begin(now, key, incoming, wish.aor)
    }
  }

  /** Answer to `askForeign`. */
  foreignKnown(now: Millis, id: RequestId, contacts: readonly ForeignContact[] | undefined): void {
    const key = this.questions.take(id)
    if (key === undefined || contacts === undefined) return
    this.notifier.foreignKnown(
      now,
      key,
      contacts.map(({ uri }) => uri),
    )
  }

  private begin(now: Now, key: string, incoming: IncomingRequest, aor: string): void {
    const { message } = incoming
    const { replies, transactions, overloaded } = this.components
    const admission = this.admission.of(now, incoming, aor)
    if (admission.kind === 'ignored') return
    if (admission.kind === 'refused') {
      replies.stateless(incoming, admission.reply)
      return
    }
    const contact = this.targetOf(message)
    const texts = contact === undefined ? undefined : dialogTexts(message, contact)
    const seconds = grantedSeconds(message)
    const fault =
      unsupported(message, 'require', NO_EXTENSIONS) ??
      unusableBody(message) ??
      (contact === undefined ? { status: 400, reason: 'Bad Contact' } : undefined) ??
      (texts === undefined ? TOO_LONG : undefined) ??
      (seconds.ok ? undefined : seconds.error) ??
      (seconds.ok && seconds.value > 0 && this.notifier.full(aor)
        ? overloaded('Too Many Subscriptions')
        : undefined)
    if (fault !== undefined || texts === undefined || !seconds.ok) {
      this.components.replies.begin(now.ms, key, incoming, fault ?? GONE)
      return
    }
    const tag = this.components.texts.hex(8)
    const { callId, routes, target } = texts
    const dialog: NotifierDialog<Reachable> = {
      callId,
      local: `${texts.to};tag=${tag}`,
      remote: texts.from,
      routes,
      contact: this.contactFor(incoming.source, message.uri?.scheme === 'sips', target),
      target,
      way: this.reachable(incoming, target, routes, admission.elsewhere),
      localCseq: 0,
      remoteCseq: message.cseq.number,
    }
    const subscription = this.notifier.add(now.ms, {
      key: `${callId}\0${tag}\0${texts.fromTag}`,
      aor: detachedUnicode(aor),
      event: texts.event,
      dialog,
      seconds: seconds.value,
    })
    const server = transactions.accept(key, 'SUBSCRIBE', incoming.replyTo)
    const { topVia } = incoming
    const bytes = buildResponse(message, 200, 'OK', {
      toTag: tag,
      topVia,
      copyRecordRoute: true,
      headers: this.acceptance(subscription, seconds.value),
    })
    transactions.answer(now.ms, server, 200, bytes)
    this.notifier.inform(now.ms, subscription)
    if (seconds.value > 0) this.ask(now.ms, subscription)
  }

  private refresh(now: Now, key: string, incoming: IncomingRequest, subscription: Watched): void {
    const { message } = incoming
    const { dialog, aor } = subscription
    // RFC 3261 s.12.2.2.
    if (message.cseq.number <= dialog.remoteCseq) {
      this.components.replies.begin(now.ms, key, incoming, { status: 500, reason: 'Out Of Order' })
      return
    }
    dialog.remoteCseq = message.cseq.number
    if (message.header('event')?.trim().toLowerCase() !== subscription.event.trim().toLowerCase()) {
      this.components.replies.begin(now.ms, key, incoming, GONE)
      return
    }
    if (this.components.accounts.byAor(aor) === undefined) {
      this.components.replies.begin(now.ms, key, incoming, { status: 404, reason: 'Not Found' })
      this.notifier.noResource(now.ms, subscription)
      return
    }
    const seconds = grantedSeconds(message)
    if (!seconds.ok) {
      this.components.replies.begin(now.ms, key, incoming, seconds.error)
      return
    }
    const target = this.targetOf(message)
    if (target !== undefined && target.length > DIALOG_CHARS_MAX) {
      this.components.replies.begin(now.ms, key, incoming, TOO_LONG)
      return
    }
    if (target !== undefined) dialog.target = detached(target)
    dialog.way = this.reachable(incoming, dialog.target, dialog.routes, dialog.way.elsewhere)
    this.notifier.refresh(now.ms, subscription, seconds.value)
    this.components.replies.begin(now.ms, key, incoming, {
      status: 200,
      reason: 'OK',
      headers: this.acceptance(subscription, seconds.value),
    })
    this.notifier.inform(now.ms, subscription)
    if (seconds.value > 0) this.ask(now.ms, subscription)
  }

  private acceptance(subscription: Watched, seconds: number): [string, string][] {
    return [
      ['Expires', String(seconds)],
      ['Contact', subscription.dialog.contact],
    ]
  }

  /** The one SIP URI in Contact (RFC 6665 s.4.1.2.1). */
  private targetOf(message: SipMessage): string | undefined {
    const contacts = message.contacts()
    const only =
      contacts.ok && contacts.value !== '*' && contacts.value.length === 1 ? contacts.value[0] : undefined
    const uri = only === undefined ? undefined : parseUri(only.uri)
    return uri?.scheme === 'sip' || uri?.scheme === 'sips' ? only?.uri : undefined
  }

  private reachable(
    incoming: IncomingRequest,
    target: string,
    routes: readonly string[],
    elsewhere: boolean,
  ): Reachable {
    const subscriber = this.components.identity.userOf(incoming.message.from)
    return reachable(
      incoming,
      target,
      routes,
      elsewhere,
      subscriber === undefined ? undefined : detachedUnicode(subscriber),
    )
  }

  private contactFor(source: Hop, sips: boolean, theirs: string): string {
    const { identity } = this.components
    if (source.transport !== 'peer') return identity.contact(source, sips, theirs)
    const { peer } = identity
    return peer === undefined ? '' : `<sip:${peer.overlay};gr=${peer.gr}>`
  }

  private ask(now: Millis, subscription: Watched): void {
    const question = this.components.askForeign(subscription.aor)
    if (question !== undefined)
      this.questions.ask(question.id, subscription.key, now + question.budgetMs + ANSWER_GRACE_MS)
  }

  private notify(
    now: Millis,
    subscription: Watched,
    reachable: Reachable,
    uri: string,
    headers: readonly (readonly [string, string])[],
    body: Uint8Array,
  ): void {
    const { ownRequests } = this.components
    const way = presentWay(now, reachable, this.components)
    ownRequests.send(now, {
      method: 'NOTIFY',
      uri,
      way,
      bytes: (via) =>
        buildRequest({
          method: 'NOTIFY',
          uri,
          headers: [['Via', via], ['Max-Forwards', '70'], ...headers],
          body,
        }),
      done: (at, response) => {
        const outcome =
          response === undefined
            ? this.unreached(at, reachable, way)
            : ({ kind: 'answered', status: response.status, retryAfterS: retryAfter(response) } as const)
        this.notifier.notified(at, subscription, outcome)
      },
    })
  }

  /** Nobody has answered by that way, by which the subscriber may not be reached any more. */
  private unreached(now: Millis, reachable: Reachable, way: Way): NotifyOutcome {
    const present = presentWay(now, reachable, this.components)
    if (way.kind !== 'hop') return { kind: 'unreachable' }
    // A flow to a peer that broke is opened again.
    const moved = present.kind === 'peer' || (present.kind === 'hop' && present.hop.flow !== way.hop.flow)
    return { kind: moved ? 'moved' : 'unreachable' }
  }
}

/** Seconds of a Retry-After, if there is one that can be read. */
function retryAfter(response: SipMessage): number | undefined {
  const seconds = Number.parseInt(response.header('retry-after') ?? '', 10)
  return Number.isInteger(seconds) && seconds >= 0 ? seconds : undefined
}
