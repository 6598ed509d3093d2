/**
 * Keeps the Configuration Document current: asks the configuration server at start, from time to time and in good time
 * before the document expires, and decides what to believe of its answers. Pure.
 */
import { Outbox } from '../common/outbox.ts'
import type { Random } from '../common/random.ts'
import { NEVER, type Millis, type Now } from '../common/time.ts'
import type { CryptoPort } from '../reload/security/index.ts'
import { backOffMs } from './back-off.ts'
import { judgeDocument, type OverlayDocument } from './judge-document.ts'

/** What came of a GET. */
export type FetchOutcome =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'document'; readonly bytes: Uint8Array; readonly etag: string | undefined }
  | { readonly kind: 'failed'; readonly reason: string }

export type KeeperInput =
  /** Ask the server now: at start, and when a person wants it. */
  | { readonly kind: 'start' }
  | { readonly kind: 'fetched'; readonly outcome: FetchOutcome }
  /** A document that came another way: a ConfigUpdate of a peer, a file. Judged like a fetched one. */
  | { readonly kind: 'offered'; readonly bytes: Uint8Array }
  | { readonly kind: 'timeout' }

export type KeeperAction =
  /** GET, with If-None-Match when there is an entity tag. Answered by `fetched`. */
  | { readonly kind: 'fetch'; readonly etag: string | undefined }
  /** In force from now on; to be kept on disk. */
  | { readonly kind: 'adopted'; readonly document: OverlayDocument; readonly etag: string | undefined }
  /** The server answered and has nothing newer. */
  | { readonly kind: 'confirmed' }
  /** The document in force stays. */
  | { readonly kind: 'failed'; readonly reason: string; readonly failures: number }

export interface KeeperInit {
  readonly instanceName: string
  /** The last good document and the entity tag it came with. */
  readonly current: OverlayDocument | undefined
  readonly etag: string | undefined
  /** Time between two questions when all is well. */
  readonly intervalMs?: Millis
}

/** A new sequence reaches every node within hours even where no peer passes it on; costs a 304 now and then. */
const INTERVAL_MS = 6 * 3_600_000
const BACK_OFF = { firstMs: 2_000, mostMs: 15 * 60_000 }
/** The wall clock may jump; the expiration is looked at this often. */
const LOOK_AGAIN_MS = 3_600_000

export class DocumentKeeper {
  private readonly crypto: CryptoPort
  private readonly random: Random
  private readonly instanceName: string
  private readonly intervalMs: Millis
  private readonly outbox = new Outbox<KeeperAction>()
  private document: OverlayDocument | undefined
  private etag: string | undefined
  private failures = 0
  private fetching = false
  /** When the next question is due, and when to look at the clocks at the latest. */
  private askAt: Millis = NEVER
  private lookAt: Millis = NEVER

  constructor(components: { readonly crypto: CryptoPort; readonly random: Random }, init: KeeperInit) {
    this.crypto = components.crypto
    this.random = components.random
    this.instanceName = init.instanceName
    this.document = init.current
    this.etag = init.current === undefined ? undefined : init.etag
    this.intervalMs = init.intervalMs ?? INTERVAL_MS
  }

  get current(): OverlayDocument | undefined {
    return this.document
  }

  step(now: Now, input: KeeperInput): void {
    switch (input.kind) {
      case 'start':
        return this.fetch()
      case 'offered':
        return this.judge(now, input.bytes, undefined, 'another')
      case 'fetched':
        return this.fetched(now, input.outcome)
      case 'timeout':
        return this.look(now)
    }
  }

  drain(): KeeperAction[] {
    return this.outbox.drain()
  }

  nextDeadline(): Millis {
    return this.fetching ? NEVER : Math.min(this.askAt, this.lookAt)
  }

  private fetched(now: Now, outcome: FetchOutcome): void {
    this.fetching = false
    if (outcome.kind === 'failed') this.failed(outcome.reason)
    else if (outcome.kind === 'document') this.judge(now, outcome.bytes, outcome.etag, 'server')
    else if (this.document === undefined)
      this.failed('the server says "not modified" of a document never fetched')
    else this.confirmed()
    this.plan(now)
  }

  private judge(now: Now, bytes: Uint8Array, etag: string | undefined, from: 'server' | 'another'): void {
    const { instanceName, document: current } = this
    const verdict = judgeDocument(this.crypto, { bytes, instanceName, current, wall: now.wall })
    if (verdict.kind === 'discard') {
      // What others offer must not make this node ask its server more often or less.
      if (from === 'server') this.failures++
      return this.report(`the document is discarded: ${verdict.reason}`)
    }
    if (verdict.kind === 'same') {
      this.etag = etag ?? this.etag
      return this.confirmed()
    }
    this.document = verdict.document
    this.etag = etag
    this.failures = 0
    this.outbox.push({ kind: 'adopted', document: verdict.document, etag })
  }

  private confirmed(): void {
    this.failures = 0
    this.outbox.push({ kind: 'confirmed' })
  }

  private failed(reason: string): void {
    this.failures++
    this.report(reason)
  }

  private report(reason: string): void {
    this.outbox.push({ kind: 'failed', reason, failures: this.failures })
  }

  private fetch(): void {
    if (this.fetching) return
    this.fetching = true
    this.outbox.push({ kind: 'fetch', etag: this.etag })
  }

  private look(now: Now): void {
    if (this.fetching || now.ms < Math.min(this.askAt, this.lookAt)) return
    // Only the hour has passed: the expiration may be nearer than the monotonic clock knows.
    if (now.ms < this.askAt && !this.nearExpiration(now)) this.lookAt = now.ms + LOOK_AGAIN_MS
    else this.fetch()
  }

  private plan(now: Now): void {
    this.lookAt = now.ms + LOOK_AGAIN_MS
    const chance = this.random.float()
    if (this.failures > 0) {
      this.askAt = now.ms + backOffMs(BACK_OFF, this.failures, chance)
      return
    }
    // Spread, so that the nodes of an overlay do not ask all at once for ever.
    let wait = this.intervalMs * (0.75 + 0.5 * chance)
    const expiration = this.document?.parsed.configuration.expiration
    if (expiration !== undefined) {
      wait = Math.min(wait, refreshBeforeMs(expiration - now.wall, this.random.float()))
    }
    this.askAt = now.ms + wait
  }

  private nearExpiration(now: Now): boolean {
    const expiration = this.document?.parsed.configuration.expiration
    return expiration !== undefined && expiration - now.wall < LOOK_AGAIN_MS
  }
}

/**
 * Wait before the next question when the document expires in `leftMs` (RFC 6940 s.11.1): at random between a third and two
 * thirds of it, but never a rush of questions. `chance` in [0, 1).
 */
export function refreshBeforeMs(leftMs: Millis, chance: number): Millis {
  return Math.max(60_000, Math.floor((leftMs * (1 + chance)) / 3))
}
