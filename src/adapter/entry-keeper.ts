import { toHex } from '../common/bytes.ts'
import { Private } from '../common/pii.ts'
import type { Now } from '../common/time.ts'
import {
  key,
  KIND,
  type CommandError,
  type CommandId,
  type Credential,
  type PeerEvent,
} from '../reload/index.ts'
import type { PublishedBinding, RequestId } from '../sip/index.ts'
import { faultNote, journeyNote } from './call-note.ts'
import { desiredEntry, isPlain, plainEntry } from './desired-entry.ts'
import { registerFailure, storeRetry, type SipFailure } from './error-map.ts'
import {
  isOver,
  longestRemainingMs,
  leadsHere,
  reflects,
  reflectsPhones,
  textOf,
  wantedBindings,
  type HostedUser,
  type PendingStore,
} from './hosted-user.ts'
import { jittered, overlayLifetimeS, removalLifetimeS, renewalMarginMs } from './lifetime.ts'
import type { AdapterParts } from './parts.ts'
import { PROXY_RECORD_LIFETIME_S } from './proxy-record.ts'
import { StoreQueue, STORES_AT_ONCE } from './store-queue.ts'

export type StoreDone = Extract<PeerEvent, { kind: 'storeDone' }>

/** Failures in a row after which a refresh is no longer answered before the overlay has it. */
const FAILURES_BEFORE_WRITE_THROUGH = 3
/** Pause before a Store that nobody waits for is tried again: doubles from 5 s to 60 s. Judgement. */
const RETRY_MS = 5_000
const RETRY_MS_MAX = 60_000
/** Shortest wait for the time at which an entry is renewed. Judgement. */
const RENEW_WAIT_MIN_MS = 1_000
/** RELOAD gives up after 15 s; the command must outlive the budget of the REGISTER (M-08) to learn what happened. */
const STORE_TIMEOUT_MS = 15_000

/**
 * Keeps the one overlay entry of each user equal to what the bindings ask for: compares, stores, retries, renews. A REGISTER that
 * waits is answered when the overlay reflects it (adapter-mapping s.3.1 steps 10 to 12, s.3.4).
 */
export class EntryKeeper {
  private readonly parts: AdapterParts
  private readonly plain: Uint8Array
  private readonly stores = new Map<CommandId, HostedUser>()
  private readonly queue = new StoreQueue()

  constructor(parts: AdapterParts) {
    this.parts = parts
    this.plain = plainEntry(parts.self)
  }

  /** Stores under way, and those that wait for their turn. */
  get active(): number {
    return this.stores.size + this.queue.size
  }

  /** Compares what should be in the overlay with what is there and starts what is needed to make them equal. */
  advance(now: Now, user: HostedUser): void {
    if (user.store !== undefined || !this.parts.available) return
    if (user.waiting !== undefined) user.unseen = false
    if (user.unseen) return
    const bindings = wantedBindings(user)
    if (user.credential === undefined) {
      if (bindings.length === 0) return this.commit(user)
      return this.enroll(user, user.waiting !== undefined)
    }
    if (isOver(user.credential, now.wall)) return this.endOfCertificate(user)
    const phones = this.plainPhones(user, bindings)
    if (phones !== undefined && reflectsPhones(user, phones, now.ms))
      return this.extend(now, user, user.credential)
    const wanted = this.entryFor(user, bindings)
    if (!reflects(user, wanted, now.ms, this.plainOf)) {
      if (user.waiting !== undefined && leadsHere(user, this.bareFor(user, bindings), now.ms))
        user.waiting = { ...user.waiting, marksOnly: true }
      return this.want(now, user, user.credential)
    }
    if (wanted === undefined) return this.commit(user)
    // Other phones, or the same ones told differently, and yet the same entry.
    if (user.stored !== undefined && user.stored.phones !== phones)
      user.stored = { ...user.stored, phones, text: phones === undefined ? textOf(wanted) : undefined }
    this.extend(now, user, user.credential)
  }

  /** Its renewal is under way or tried again and again; a REGISTER does not wait for the next time. */
  private endOfCertificate(user: HostedUser): void {
    if (user.stored !== undefined)
      this.parts.trace({
        level: 'error',
        area: 'adapter',
        event: 'user_certificate_expired',
        aor: new Private(user.aor),
      })
    user.stored = undefined
    user.dirty = false
    if (wantedBindings(user).length === 0) this.commit(user)
    else if (user.waiting !== undefined) this.enroll(user, true)
  }

  /**
   * Phones that state nothing: their entry follows from who they are, so that a refresh need not make it to see that it is there.
   * Undefined for others.
   */
  private plainPhones(user: HostedUser, bindings: readonly PublishedBinding[]): string | undefined {
    return user.smaller || !isPlain(bindings) ? undefined : phonesOf(this.parts.marks, bindings)
  }

  private entryFor(user: HostedUser, bindings: readonly PublishedBinding[]): Uint8Array | undefined {
    if (user.fixed !== undefined) return bindings.length === 0 ? undefined : user.fixed
    const { self, settings, marks } = this.parts
    const plainPhones = this.plainPhones(user, bindings)
    if (plainPhones !== undefined) return this.plainOf(user.aor, plainPhones)
    if (isPlain(bindings)) return this.plain
    const phones = bindings.filter(({ kind }) => kind === 'device')
    return desiredEntry(user.aor, bindings, self, settings, user.smaller, marks?.text(user.aor, phones))
  }

  /** The entry of phones that state nothing, as `plainPhones` names them. */
  private readonly plainOf = (aor: string, phones: string): Uint8Array => {
    const { self, marks } = this.parts
    if (marks === undefined) return this.plain
    const named = phones.split('\n').map((contact) => ({ contact, parameters: NO_PARAMETERS }))
    return plainEntry(self, marks.text(aor, named))
  }

  /** The entry without marks. */
  private bareFor(user: HostedUser, bindings: readonly PublishedBinding[]): Uint8Array | undefined {
    const { self, settings } = this.parts
    return isPlain(bindings) ? this.plain : desiredEntry(user.aor, bindings, self, settings, user.smaller)
  }

  /** The user whose Store this was, with its outcome worked in; undefined when it was none of ours. */
  storeDone(now: Now, { id, outcome, journey }: StoreDone): HostedUser | undefined {
    const user = this.stores.get(id)
    if (user === undefined) return undefined
    this.stores.delete(id)
    const error = outcome.ok ? undefined : outcome.error
    if (user.waiting !== undefined)
      this.parts.calls?.note(now, user.waiting.callId, {
        kind: 'store',
        resource: key(user.resource),
        journey: journeyNote(journey),
        replicas: outcome.ok ? outcome.value.replicas.map(key) : [],
        fault: faultNote(error),
      })
    const { store } = user
    user.store = undefined
    if (store !== undefined) this.ended(now, user, store, error)
    this.next(now)
    return user
  }

  private ended(now: Now, user: HostedUser, store: PendingStore, error: CommandError | undefined): void {
    if (error !== undefined) this.storeFailed(now, user, error)
    else {
      user.stored = store.entry
      user.dirty = false
      user.failures = 0
      user.retried = false
      this.advance(now, user)
    }
  }

  /** Those who wait for their turn, as far as there is room. */
  private next(now: Now): void {
    while (this.stores.size < STORES_AT_ONCE) {
      const user = this.queue.take()
      if (user === undefined) return
      this.advance(now, user)
    }
  }

  /** Stores now, or when it is this user's turn; by then something else may be wanted. */
  private want(now: Now, user: HostedUser, credential: Credential): void {
    if (this.stores.size >= STORES_AT_ONCE) this.queue.add(user)
    else this.store(now, user, credential)
  }

  /** The waiting REGISTER fails, and the bindings stay what they were, unless it needs no more of the overlay than it has. */
  refuse(user: HostedUser, failure: SipFailure): void {
    const { waiting } = user
    if (waiting === undefined) return
    // Calls come here whatever became of the marks (docs/adr/0019), which are tried again.
    if (waiting.marksOnly) return this.commit(user)
    // M-29: an unregister succeeds here even if the overlay could not be told; the entry is removed later.
    const removal = waiting.bindings.length === 0
    if (removal) user.committed = []
    this.endWait(user)
    this.answer(waiting.id, removal ? undefined : failure)
  }

  /** Tells the SIP core how its `publish` ended; without a failure it succeeded. */
  answer(id: RequestId, failure: SipFailure | undefined): void {
    this.parts.sip({
      kind: 'published',
      id,
      outcome: failure === undefined ? { ok: true } : { ok: false, ...failure },
    })
  }

  /** Asks for the certificate without which nothing can be stored; `urgent` when a REGISTER waits. */
  enroll(user: HostedUser, urgent: boolean): void {
    if (user.enrollment === 'refused' || (user.enrollment === 'pending' && !urgent)) return
    user.enrollment = 'pending'
    this.parts.shell({ kind: 'enroll', aor: user.aor, urgent })
  }

  /** Drops what waits for this user: its timers and a REGISTER. */
  release(user: HostedUser): void {
    this.queue.delete(user)
    this.cancelTimer(user)
    this.endWait(user)
  }

  /** The entry says the right thing already: extend its life when that runs short (write-behind, M-14). */
  private extend(now: Now, user: HostedUser, credential: Credential): void {
    const stored = user.stored
    if (stored === undefined) return
    const remaining = stored.expiresAtMs - now.ms
    // Near the end of the certificate no Store gives the entry a longer life; lifetimes are whole seconds.
    const signedForMs = credential.certificate.notAfter - now.wall - 1000
    const outlived = Math.min(longestRemainingMs(wantedBindings(user), now.ms), signedForMs) > remaining
    const untilShort = remaining - renewalMarginMs(stored.lifetimeS)
    const short = untilShort < 0
    if (user.failures < FAILURES_BEFORE_WRITE_THROUGH || !short || !outlived) this.commit(user)
    if (!outlived) return
    if (short) this.want(now, user, credential)
    else if (user.timer === undefined)
      // One that goes off too early looks again; from some time on that must not get nearer and nearer.
      this.later(now, user, 'renew', Math.max(RENEW_WAIT_MIN_MS, jittered(untilShort, this.parts.random)))
  }

  private store(now: Now, user: HostedUser, credential: Credential): void {
    const bindings = wantedBindings(user)
    const value = this.entryFor(user, bindings)
    const phones = this.plainPhones(user, bindings)
    const certificateMs = credential.certificate.notAfter - now.wall
    const remainingMs = Math.max(0, (user.stored?.expiresAtMs ?? now.ms) - now.ms)
    const lifetimeS =
      value === undefined
        ? removalLifetimeS(user.dirty ? 1000 * this.parts.settings.overlayLifetimeMaxS : remainingMs)
        : overlayLifetimeS(
            user.fixed === undefined ? longestRemainingMs(bindings, now.ms) : 1000 * PROXY_RECORD_LIFETIME_S,
            certificateMs,
            this.parts.settings,
          )
    const id = this.parts.nextId()
    user.store = {
      id,
      entry: {
        exists: value !== undefined,
        text: value === undefined || phones !== undefined ? undefined : textOf(value),
        phones,
        lifetimeS,
        expiresAtMs: Math.floor(now.ms) + 1000 * lifetimeS,
        bare: value === undefined ? undefined : this.bareFor(user, bindings),
      },
      attempt: user.retried ? 2 : 1,
    }
    this.cancelTimer(user)
    this.stores.set(id, user)
    this.parts.command({
      kind: 'store',
      id,
      resource: user.resource,
      credential,
      timeoutMs: STORE_TIMEOUT_MS,
      values: [
        {
          kind: KIND.sipRegistration,
          model: 'dictionary',
          key: credential.nodeId,
          exists: value !== undefined,
          value: value ?? new Uint8Array(0),
          lifetimeS,
        },
      ],
    })
  }

  private storeFailed(now: Now, user: HostedUser, error: CommandError): void {
    // Without an answer the value may have been stored all the same.
    if (error.kind !== 'reload' && error.kind !== 'notJoined') user.dirty = true
    const retry = user.retried ? undefined : storeRetry(error)
    if (retry !== undefined) {
      user.retried = true
      user.smaller ||= retry.smaller
      if (retry.delayMs === 0) return this.advance(now, user)
      return this.later(now, user, 'retry', retry.delayMs)
    }
    user.failures++
    user.retried = false
    this.parts.instruments.storeFailures.add()
    this.parts.trace({
      level: user.failures >= FAILURES_BEFORE_WRITE_THROUGH ? 'error' : 'warn',
      area: 'adapter',
      event: 'registration_store_failed',
      aor: new Private(user.aor),
      reason: error.kind === 'reload' ? `reload error ${error.code} ${error.info}` : error.kind,
      ...(error.kind === 'reload' && error.from !== undefined ? { from: toHex(error.from) } : {}),
      failures: user.failures,
    })
    this.refuse(user, registerFailure(error, this.parts.random.float()))
    const pause = Math.min(RETRY_MS * 2 ** Math.min(user.failures - 1, 4), RETRY_MS_MAX)
    this.later(now, user, 'retry', jittered(pause, this.parts.random))
  }

  /** The waiting REGISTER succeeds: its bindings are the user's from now on. */
  private commit(user: HostedUser): void {
    const { waiting } = user
    if (waiting === undefined) return
    user.committed = waiting.bindings
    this.endWait(user)
    this.parts.sip({ kind: 'published', id: waiting.id, outcome: { ok: true } })
  }

  private endWait(user: HostedUser): void {
    if (user.waiting !== undefined) this.parts.registersWaiting--
    user.waiting = undefined
    this.parts.deadlines.cancel(user.budget)
    user.budget = undefined
  }

  private later(now: Now, user: HostedUser, what: 'retry' | 'renew', delayMs: number): void {
    this.cancelTimer(user)
    user.timer = this.parts.deadlines.set(now.ms + delayMs, { part: 'publish', aor: user.aor, what })
  }

  private cancelTimer(user: HostedUser): void {
    this.parts.deadlines.cancel(user.timer)
    user.timer = undefined
  }
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map()

/** The contacts, of which nothing else than a mark of each is told; without marks all such phones have one entry. */
function phonesOf(marks: AdapterParts['marks'], bindings: readonly PublishedBinding[]): string {
  if (marks === undefined) return ''
  let phones: string | undefined
  for (const { contact } of bindings) phones = phones === undefined ? contact : `${phones}\n${contact}`
  return phones ?? ''
}
