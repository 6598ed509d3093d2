import { Fifo } from '../common/fifo.ts'
import type { Millis, Now } from '../common/time.ts'
import {
  certificateSchedule,
  certificateValue,
  type CertificatePlace,
  type CommandError,
  type CommandId,
  type CommandOutcome,
  type Credential,
  type FetchResult,
  type StoredDataValue,
} from '../reload/index.ts'
import { jittered } from './lifetime.ts'
import type { AdapterParts } from './parts.ts'

/** Certificates published at once: provisioning thousands of users must not crowd out calls. */
const AT_ONCE = 4
/** As long as REGISTERs wait for the overlay: entries carry their certificates with them, so that these may come later. */
const AT_ONCE_BESIDE_REGISTERS = 1
/**
 * More that wait are a site whose phones get their power back (ADR 21). Then one is begun in so long: one after the other, each being two
 * requests of ours and two replicas' copies, they take from what the REGISTERs could have.
 */
const REGISTERS_MANY = 8
const PACE_MS = 250
/** In place of an item's index: the time to look again whether there is room. */
const PACE = 0
/** Seconds that a published certificate lives in the overlay unless it is published again. Judgement. */
export const CERTIFICATE_LIFETIME_S = 86_400
const RETRY_MS = 30_000
/** Judgement. */
const REFRESH_SHORTEST_S = 60

/** One certificate under one of its names. */
interface Item {
  readonly credential: Credential
  readonly place: CertificatePlace
}

/**
 * Keeps the certificates of hosted users in the overlay under both Kinds of the Certificate Store (RFC 6940 s.8): verifiers find
 * them there, and their presence tells a user who is not registered from one who does not exist (M-21). Each is fetched
 * first, to renew it where it stands instead of appending it again.
 */
export class CertificatePublisher {
  private readonly parts: AdapterParts
  private readonly items = new Map<number, Item>()
  /** Whose they are, or were before they ended. */
  private readonly userNames = new Set<string>()
  private latest = 0
  private readonly queue = new Fifo<number>()
  private readonly fetches = new Map<CommandId, number>()
  private readonly stores = new Map<CommandId, number>()
  private stopped = false
  /** When the last one was begun, and whether a deadline stands for the next while many REGISTERs wait. */
  private begunAt: Millis = Number.NEGATIVE_INFINITY
  private paced = false

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  /** Certificates under one of their names that are looked after. */
  get size(): number {
    return this.items.size
  }

  /** Publications not yet confirmed by the overlay. */
  get pending(): number {
    return this.queue.length + this.fetches.size + this.stores.size
  }

  /** Whether certificates of this user are looked after. */
  has(userName: string): boolean {
    return this.userNames.has(userName)
  }

  /** Lets those of everybody else be: they are not renewed, and gone within `CERTIFICATE_LIFETIME_S`. */
  keep(wanted: (userName: string) => boolean): void {
    const gone = [...this.userNames].filter((userName) => !wanted(userName))
    if (gone.length === 0) return
    for (const userName of gone) this.userNames.delete(userName)
    for (const [index, { credential }] of this.items)
      if (!this.userNames.has(credential.certificate.userName)) this.items.delete(index)
  }

  add(now: Now, credential: Credential, places: readonly CertificatePlace[]): void {
    this.userNames.add(credential.certificate.userName)
    for (const place of places) {
      const index = ++this.latest
      this.items.set(index, { credential, place })
      this.queue.push(index)
    }
    this.resume(now)
  }

  /** Works on as far as the overlay is there and few enough are under way. */
  resume(now: Now): void {
    const atOnce = this.parts.registersWaiting > 0 ? AT_ONCE_BESIDE_REGISTERS : AT_ONCE
    while (this.parts.available && !this.stopped && this.fetches.size + this.stores.size < atOnce) {
      if (this.queue.length > 0 && this.comesTooSoon(now)) return
      const index = this.queue.shift()
      if (index === undefined) return
      const item = this.items.get(index)
      if (item === undefined) continue
      if (item.credential.certificate.notAfter <= now.wall) {
        this.items.delete(index)
        continue
      }
      const id = this.parts.nextId()
      this.begunAt = now.ms
      this.fetches.set(id, index)
      this.parts.command({ kind: 'fetch', id, resource: item.place.resource, kinds: [item.place.kind] })
    }
  }

  stop(): void {
    this.stopped = true
  }

  timeout(now: Now, index: number): void {
    if (index === PACE) this.paced = false
    else this.queue.push(index)
    this.resume(now)
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const index = this.fetches.get(id)
    if (index === undefined) return false
    this.fetches.delete(id)
    if (outcome.ok) this.store(now, index, outcome.value)
    else this.failed(now, index, outcome.error)
    this.resume(now)
    return true
  }

  /** True when the outcome was that of one of our Stores. */
  storeDone(now: Now, id: CommandId, error: CommandError | undefined): boolean {
    const index = this.stores.get(id)
    if (index === undefined) return false
    this.stores.delete(id)
    const item = this.items.get(index)
    if (error !== undefined) this.failed(now, index, error)
    else if (item !== undefined) {
      const { refreshAfterS } = certificateSchedule(
        item.credential.certificate,
        now.wall,
        CERTIFICATE_LIFETIME_S,
      )
      // In its last minutes it stands till its end as it is; halves of halves would be Stores without end.
      if (refreshAfterS >= REFRESH_SHORTEST_S) this.later(now, index, 1000 * refreshAfterS)
      else this.items.delete(index)
    }
    this.resume(now)
    return true
  }

  /** True while many REGISTERs wait and the last one was begun a moment ago; then there is a deadline for the next. */
  private comesTooSoon(now: Now): boolean {
    const next = this.begunAt + PACE_MS
    if (this.parts.registersWaiting <= REGISTERS_MANY || now.ms >= next) return false
    if (!this.paced) {
      this.paced = true
      this.parts.deadlines.set(next, { part: 'certificates', index: PACE })
    }
    return true
  }

  private store(now: Now, index: number, present: FetchResult): void {
    const item = this.items.get(index)
    if (item === undefined) return
    const { credential, place } = item
    const { lifetimeS } = certificateSchedule(credential.certificate, now.wall, CERTIFICATE_LIFETIME_S)
    if (lifetimeS === 0) {
      this.items.delete(index)
      return
    }
    const id = this.parts.nextId()
    this.stores.set(id, index)
    this.parts.command({
      kind: 'store',
      id,
      resource: place.resource,
      values: [
        certificateValue(place.kind, credential.certificate.der, storedValues(present, place), lifetimeS),
      ],
      credential,
    })
  }

  private failed(now: Now, index: number, error: CommandError): void {
    this.parts.trace({
      level: 'warn',
      area: 'adapter',
      event: 'certificate_store_failed',
      reason: error.kind === 'reload' ? `reload error ${error.code} ${error.info}` : error.kind,
    })
    this.later(now, index, RETRY_MS)
  }

  private later(now: Now, index: number, delayMs: Millis): void {
    this.parts.deadlines.set(now.ms + jittered(delayMs, this.parts.random), { part: 'certificates', index })
  }
}

/** What a Fetch found at a certificate's place. */
export function storedValues(result: FetchResult, place: CertificatePlace): readonly StoredDataValue[] {
  return (result.kinds.get(place.kind)?.values ?? []).map((value) => value.data.value)
}
