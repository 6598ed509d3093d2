/**
 * The same request twice, by two ways through forking proxies (RFC 3261 s.8.2.2.2). Only for what is addressed to this node itself; a
 * proxy passes both on.
 */
import { detached } from '../../common/detached.ts'
import type { Millis } from '../../common/time.ts'
import { type SipMessage } from '../message/index.ts'
import { TIMER_J_MS } from '../transaction/index.ts'

/** Requests remembered; beyond that the oldest is forgotten. */
const REMEMBERED_MAX = 10_000

/**
 * Judgement: no phone has longer ones, and strangers' would fill the memory. A request with a longer one, or with a longer branch, is not recognized when it
 * comes twice.
 */
const NAME_CHARS_MAX = 1_024

interface Seen {
  /** Of its transaction. */
  readonly key: string
  readonly until: Millis
}

export class MergedRequests {
  /** In the order in which they came, which is that of their ends. */
  private readonly seen = new Map<string, Seen>()
  /** The one that came last: most are answered before the next one comes, and are never looked for by name. */
  private latest: (Seen & { readonly message: SipMessage }) | undefined = undefined

  get size(): number {
    return this.seen.size + (this.latest === undefined ? 0 : 1)
  }

  /** True when another transaction has brought this very request. Else it is remembered. */
  isMerged(now: Millis, message: SipMessage, key: string): boolean {
    if (message.to.params.has('tag')) return false
    this.keepLatest(now)
    if (this.seen.size > 0) {
      const name = nameOf(message)
      const seen = this.seen.get(name)
      if (seen !== undefined && seen.until > now) return seen.key !== key
      this.seen.delete(name)
    }
    this.latest = { message, key, until: now + TIMER_J_MS }
    return false
  }

  /** It has been answered, and what comes now is out of order instead (RFC 3261 s.10.3 item 7). */
  answered(message: SipMessage): void {
    if (this.latest?.message === message) this.latest = undefined
    else if (this.seen.size > 0) this.seen.delete(nameOf(message))
  }

  private keepLatest(now: Millis): void {
    const { latest } = this
    if (latest === undefined) return
    this.latest = undefined
    this.forget(now)
    const name = nameOf(latest.message)
    if (name.length + latest.key.length > NAME_CHARS_MAX) return
    // Texts of their own: what is cut out of a message keeps the whole message.
    this.seen.set(detached(name), { key: detached(latest.key), until: latest.until })
  }

  private forget(now: Millis): void {
    for (const [name, { until }] of this.seen) {
      if (until > now && this.seen.size < REMEMBERED_MAX) return
      this.seen.delete(name)
    }
  }
}

function nameOf({ from, callId, cseq, method }: SipMessage): string {
  return `${from.params.get('tag') ?? ''} ${callId} ${cseq.number} ${method}`
}
