import type { Millis, Now } from '../common/time.ts'
import type { CertificatePublication, CommandError, CommandId, Credential } from '../reload/index.ts'
import { jittered } from './lifetime.ts'
import type { AdapterParts } from './parts.ts'

/** Stores under way at once: provisioning thousands of users must not crowd out calls. */
const STORES_AT_ONCE = 4
/** Seconds that a published certificate lives in the overlay, and when it is published again. Judgement. */
export const CERTIFICATE_LIFETIME_S = 86_400
const REFRESH_MS = 0.75 * 1000 * CERTIFICATE_LIFETIME_S
const RETRY_MS = 30_000

/** One certificate under one of its two names. */
interface Item {
  readonly credential: Credential
  readonly publication: CertificatePublication
}

/**
 * Keeps the certificates of hosted users in the overlay under both Kinds of the Certificate Store (RFC 6940 s.8): verifiers find
 * them there, and their presence tells a user who is not registered from one who does not exist (M-21).
 */
export class CertificatePublisher {
  private readonly parts: AdapterParts
  private readonly items: Item[] = []
  private readonly queue: number[] = []
  private readonly stores = new Map<CommandId, number>()
  private stopped = false

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  /** Publications not yet confirmed by the overlay. */
  get pending(): number {
    return this.queue.length + this.stores.size
  }

  add(now: Now, credential: Credential, publications: readonly CertificatePublication[]): void {
    for (const publication of publications) {
      this.queue.push(this.items.length)
      this.items.push({ credential, publication })
    }
    this.advance(now)
  }

  resume(now: Now): void {
    this.advance(now)
  }

  stop(): void {
    this.stopped = true
  }

  timeout(now: Now, index: number): void {
    this.queue.push(index)
    this.advance(now)
  }

  /** True when the outcome was that of one of our Stores. */
  storeDone(now: Now, id: CommandId, error: CommandError | undefined): boolean {
    const index = this.stores.get(id)
    if (index === undefined) return false
    this.stores.delete(id)
    if (error !== undefined) {
      this.parts.trace({
        level: 'warn',
        area: 'adapter',
        event: 'certificate_store_failed',
        reason: error.kind === 'reload' ? `reload error ${error.code} ${error.info}` : error.kind,
      })
    }
    this.later(now, index, error === undefined ? REFRESH_MS : RETRY_MS)
    this.advance(now)
    return true
  }

  private later(now: Now, index: number, delayMs: Millis): void {
    this.parts.deadlines.set(now.ms + jittered(delayMs, this.parts.random), { part: 'certificates', index })
  }

  private advance(now: Now): void {
    while (this.parts.available && !this.stopped && this.stores.size < STORES_AT_ONCE) {
      const index = this.queue.shift()
      if (index === undefined) return
      const item = this.items[index]
      if (item === undefined || item.credential.certificate.notAfter <= now.wall) continue
      const id = this.parts.nextId()
      this.stores.set(id, index)
      this.parts.command({
        kind: 'store',
        id,
        resource: item.publication.resource,
        values: item.publication.values,
        credential: item.credential,
      })
    }
  }
}
