/** One subscription and the dialog it lives in (RFC 6665 s.4.2, RFC 3261 s.12). */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import { parseNameAddr, parseUri, type SipMessage } from '../message/index.ts'
import type { ContactState } from './watched.ts'

/** The dialog as the notifier's side has it. `W` is how the subscriber is reached. */
export interface NotifierDialog<W> {
  readonly callId: string
  /** From of our requests, tag included. */
  readonly local: string
  /** To of our requests, tag included. */
  readonly remote: string
  /** Record-Route of the SUBSCRIBE in its order (RFC 3261 s.12.1.1). */
  readonly routes: readonly string[]
  /** Our Contact. */
  readonly contact: string
  /** Contact of the subscriber. */
  target: string
  way: W
  localCseq: number
  remoteCseq: number
}

export interface Subscription<W> {
  readonly key: string
  readonly aor: string
  /** The Event header as it came; its `id` belongs to the subscription. */
  readonly event: string
  readonly dialog: NotifierDialog<W>
  expiresAt: Millis
  /** Of the next document. */
  version: number
  /** What the next document has to tell: everything, or the contacts that changed since the last one. */
  news: 'full' | Map<string, ContactState>
  /** Contacts of other nodes as they were told last. */
  foreign: readonly ContactState[]
  /** No document before this time but the answer to a refresh (RFC 3680 s.4.10). */
  nextAt: Millis
  /** NOTIFYs without an answer yet. */
  underWay: number
  /** NOTIFYs in a row that were refused without ending the subscription. */
  refused: number
  over: boolean
  deadline: Deadline<Subscription<W>> | undefined
}

/** Key of the dialog that a request of the subscriber belongs to. */
export function dialogKey(message: SipMessage): string {
  const local = message.to.params.get('tag') ?? ''
  return `${message.callId}\0${local}\0${message.from.params.get('tag') ?? ''}`
}

/** `terminated` with its reason, or `active` with the time that is left (RFC 6665 s.4.1.3). */
export type SubscriptionState =
  | { readonly kind: 'active'; readonly seconds: number }
  | {
      readonly kind: 'terminated'
      readonly reason: 'timeout' | 'noresource' | 'probation'
      readonly retryAfterS?: number
    }

export function stateHeader(state: SubscriptionState): string {
  if (state.kind === 'active') return `active;expires=${state.seconds}`
  const { reason, retryAfterS } = state
  return `terminated;reason=${reason}${retryAfterS === undefined ? '' : `;retry-after=${retryAfterS}`}`
}

/** Request-URI and Route of a request inside a dialog (RFC 3261 s.12.2.1.1). */
export function dialogTarget(dialog: Pick<NotifierDialog<unknown>, 'target' | 'routes'>): {
  readonly uri: string
  readonly routes: readonly string[]
} {
  const { target, routes } = dialog
  const [first, ...rest] = routes
  if (first === undefined) return { uri: target, routes }
  const next = parseNameAddr(first)?.uri ?? ''
  if (parseUri(next)?.params.has('lr') !== false) return { uri: target, routes }
  // A strict router wants itself in the Request-URI.
  return { uri: next, routes: [...rest, `<${target}>`] }
}
