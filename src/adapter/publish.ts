import type { Now } from '../common/time.ts'
import { Private } from '../common/pii.ts'
import { KIND, type CommandError, type CommandId, type Credential } from '../reload/index.ts'
import type { PublishedBinding, RequestId } from '../sip/index.ts'
import type { EnrollOutcome } from './contract.ts'
import { desiredEntry } from './desired-entry.ts'
import { registerFailure, storeRetry, type SipFailure } from './error-map.ts'
import { hostedUser, longestRemainingMs, reflects, wantedBindings, type HostedUser } from './hosted-user.ts'
import { jittered, overlayLifetimeS, removalLifetimeS, renewalMarginMs } from './lifetime.ts'
import type { AdapterParts } from './parts.ts'

/** Failures in a row after which a refresh is no longer answered before the overlay has it. */
const FAILURES_BEFORE_WRITE_THROUGH = 3
/** Pause before a Store that nobody waits for is tried again: doubles from 5 s to 60 s. Judgement. */
const RETRY_MS = 5_000
const RETRY_MS_MAX = 60_000
/** Removals under way at once while leaving (adapter-mapping s.3.4). */
const WITHDRAWALS_AT_ONCE = 20
/** RELOAD gives up after 15 s; the command must outlive the budget of the REGISTER (M-08) to learn what happened. */
const STORE_TIMEOUT_MS = 15_000

/**
 * REGISTER to Store: keeps, for every hosted user, the one overlay entry in step with the bindings of the phones
 * (adapter-mapping s.3). The SIP core asks before it commits; whether the answer waits for the overlay is decided here.
 */
export class Publisher {
  private readonly parts: AdapterParts
  private readonly users = new Map<string, HostedUser>()
  private readonly stores = new Map<CommandId, HostedUser>()
  private withdrawing = false

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  user(aor: string): HostedUser | undefined {
    return this.users.get(aor)
  }

  /** The users whose phones may register here, all of them. Names that are gone are withdrawn. */
  setHosted(now: Now, aors: readonly string[], credentials: ReadonlyMap<string, Credential>): void {
    const wanted = new Set(aors)
    for (const aor of wanted) {
      if (this.users.has(aor)) continue
      const user = hostedUser(aor, this.parts.resourceOfAor(aor), credentials.get(aor))
      this.users.set(aor, user)
      if (user.credential === undefined && !this.parts.settings.enrollOnFirstRegister)
        this.enroll(user, false)
    }
    for (const user of this.users.values()) {
      if (wanted.has(user.aor)) continue
      user.committed = []
      this.advance(now, user)
      if (user.store === undefined) this.forget(user)
    }
  }

  /** A REGISTER wants these bindings; answered by `published`. */
  register(now: Now, id: RequestId, aor: string, bindings: readonly PublishedBinding[]): void {
    const user = this.users.get(aor)
    if (user === undefined) return this.answer(id, { status: 404, reason: 'User Not Hosted Here' })
    if (user.enrollment === 'refused') return this.answer(id, { status: 403, reason: 'User Suspended' })
    if (!this.parts.available) return this.answer(id, registerFailure({ kind: 'notJoined' }, 0))
    if (user.waiting !== undefined)
      return this.answer(id, { status: 500, reason: 'Overlapping Registration', retryAfterS: 1 })
    user.waiting = { id, bindings }
    user.retried = false
    user.budget = this.parts.deadlines.set(now.ms + this.parts.settings.storeBudgetMs, {
      part: 'publish',
      aor,
      what: 'budget',
    })
    this.advance(now, user)
  }

  /** Bindings ended without a REGISTER: their time was over or their flow was lost. Nobody waits. */
  bindingsEnded(now: Now, aor: string, bindings: readonly PublishedBinding[]): void {
    const user = this.users.get(aor)
    if (user === undefined) return
    user.committed = bindings
    this.advance(now, user)
  }

  enrolled(now: Now, aor: string, outcome: EnrollOutcome): Credential | undefined {
    const user = this.users.get(aor)
    if (user === undefined) return undefined
    if (outcome.ok) {
      user.credential = outcome.credential
      user.enrollment = 'ready'
      this.advance(now, user)
      return outcome.credential
    }
    user.enrollment = outcome.final ? 'refused' : 'none'
    this.parts.trace({
      level: 'warn',
      area: 'adapter',
      event: 'enrollment_failed',
      aor: new Private(aor),
      reason: outcome.reason,
    })
    this.refuse(
      user,
      outcome.final
        ? { status: 403, reason: 'User Suspended' }
        : { status: 503, reason: 'Enrollment Unavailable', retryAfterS: 60 },
    )
    return undefined
  }

  /** The overlay came back: bring every entry up to date. */
  resume(now: Now): void {
    for (const user of this.users.values()) this.advance(now, user)
  }

  /** Own key seen in the overlay with a value that no binding stands for: it is removed (adapter-mapping s.4.2). */
  staleEntrySeen(now: Now, aor: string): void {
    const user = this.users.get(aor)
    if (user === undefined || user.store !== undefined || wantedBindings(user).length > 0) return
    user.dirty = true
    this.advance(now, user)
  }

  timeout(now: Now, aor: string, what: 'budget' | 'retry' | 'renew'): void {
    const user = this.users.get(aor)
    if (user === undefined) return
    if (what === 'budget') {
      user.budget = undefined
      // M-08: the Store goes on, and what it did is learnt from its outcome.
      if (user.store !== undefined) user.dirty = true
      return this.refuse(user, registerFailure({ kind: 'timeout' }, this.parts.random.float()))
    }
    user.timer = undefined
    this.advance(now, user)
  }

  /** True when the outcome was that of one of our Stores. */
  storeDone(now: Now, id: CommandId, error: CommandError | undefined): boolean {
    const user = this.stores.get(id)
    if (user === undefined) return false
    this.stores.delete(id)
    const store = user.store
    user.store = undefined
    if (store === undefined) return true
    if (error === undefined) {
      user.stored = store.entry
      user.dirty = false
      user.failures = 0
      user.retried = false
      this.advance(now, user)
    } else {
      this.storeFailed(now, user, error)
    }
    if (this.withdrawing) this.withdrawNext(now)
    if (!this.parts.accounts.byAor(user.aor) && user.store === undefined) this.forget(user)
    return true
  }

  /** Leaving: every own entry is withdrawn. `done()` tells when nothing is on its way any more. */
  withdraw(now: Now): void {
    this.withdrawing = true
    for (const user of this.users.values()) {
      this.refuse(user, { status: 503, reason: 'Shutting Down', retryAfterS: 5 })
      user.committed = []
    }
    this.withdrawNext(now)
  }

  /** True when no own entry is left in the overlay and no Store is under way. */
  withdrawn(): boolean {
    if (this.stores.size > 0) return false
    for (const user of this.users.values()) if (user.stored?.value !== undefined) return false
    return true
  }

  counts(now: Now): { aors: number; missing: number; enrolled: number } {
    let aors = 0
    let missing = 0
    let enrolled = 0
    for (const user of this.users.values()) {
      if (user.credential !== undefined) enrolled++
      if (user.committed.length === 0) continue
      aors++
      if (user.dirty || user.stored?.value === undefined || user.stored.expiresAtMs <= now.ms) missing++
    }
    return { aors, missing, enrolled }
  }

  /** Compares what should be in the overlay with what is there and starts what is needed to make them equal. */
  private advance(now: Now, user: HostedUser): void {
    if (user.store !== undefined || !this.parts.available) return
    const bindings = wantedBindings(user)
    if (user.credential === undefined) {
      if (bindings.length === 0) return this.commit(user)
      return this.enroll(user, user.waiting !== undefined)
    }
    const wanted = desiredEntry(bindings, this.parts.self, this.parts.settings, user.smaller)
    if (!reflects(user, wanted, now.ms)) return this.store(now, user, user.credential, wanted)
    if (wanted === undefined) return this.commit(user)
    this.extend(now, user, user.credential, wanted)
  }

  /** The entry says the right thing already: extend its life when that runs short (write-behind, M-14). */
  private extend(now: Now, user: HostedUser, credential: Credential, wanted: Uint8Array): void {
    const stored = user.stored
    if (stored === undefined) return
    const remaining = stored.expiresAtMs - now.ms
    const outlived = longestRemainingMs(wantedBindings(user), now.ms) > remaining
    const short = remaining < renewalMarginMs(stored.lifetimeS)
    if (user.failures < FAILURES_BEFORE_WRITE_THROUGH || !short || !outlived) this.commit(user)
    if (!outlived) return
    if (short) this.store(now, user, credential, wanted)
    else
      this.later(
        now,
        user,
        'renew',
        jittered(remaining - renewalMarginMs(stored.lifetimeS), this.parts.random),
      )
  }

  private store(now: Now, user: HostedUser, credential: Credential, value: Uint8Array | undefined): void {
    const certificateMs = credential.certificate.notAfter - now.wall
    const remainingMs = Math.max(0, (user.stored?.expiresAtMs ?? now.ms) - now.ms)
    const lifetimeS =
      value === undefined
        ? removalLifetimeS(user.dirty ? 1000 * this.parts.settings.overlayLifetimeMaxS : remainingMs)
        : overlayLifetimeS(
            longestRemainingMs(wantedBindings(user), now.ms),
            certificateMs,
            this.parts.settings,
          )
    if (certificateMs <= 0) {
      this.parts.trace({
        level: 'error',
        area: 'adapter',
        event: 'user_certificate_expired',
        aor: new Private(user.aor),
      })
      return this.refuse(user, { status: 500, reason: 'Credential Expired' })
    }
    const id = this.parts.nextId()
    user.store = {
      id,
      entry: { value, lifetimeS, expiresAtMs: now.ms + 1000 * lifetimeS },
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

  /** The waiting REGISTER fails: the bindings stay what they were. */
  private refuse(user: HostedUser, failure: SipFailure): void {
    const { waiting } = user
    if (waiting === undefined) return
    // M-29: an unregister succeeds here even if the overlay could not be told; the entry is removed later.
    const removal = waiting.bindings.length === 0
    if (removal) user.committed = []
    this.endWait(user)
    this.answer(waiting.id, removal ? undefined : failure)
  }

  private endWait(user: HostedUser): void {
    user.waiting = undefined
    this.parts.deadlines.cancel(user.budget)
    user.budget = undefined
  }

  private answer(id: RequestId, failure: SipFailure | undefined): void {
    this.parts.sip({
      kind: 'published',
      id,
      outcome: failure === undefined ? { ok: true } : { ok: false, ...failure },
    })
  }

  private enroll(user: HostedUser, urgent: boolean): void {
    if (user.enrollment === 'refused' || (user.enrollment === 'pending' && !urgent)) return
    user.enrollment = 'pending'
    this.parts.shell({ kind: 'enroll', aor: user.aor, urgent })
  }

  private later(now: Now, user: HostedUser, what: 'retry' | 'renew', delayMs: number): void {
    this.cancelTimer(user)
    user.timer = this.parts.deadlines.set(now.ms + delayMs, { part: 'publish', aor: user.aor, what })
  }

  private cancelTimer(user: HostedUser): void {
    this.parts.deadlines.cancel(user.timer)
    user.timer = undefined
  }

  private withdrawNext(now: Now): void {
    for (const user of this.users.values()) {
      if (this.stores.size >= WITHDRAWALS_AT_ONCE) return
      if (user.stored?.value !== undefined) this.advance(now, user)
    }
  }

  private forget(user: HostedUser): void {
    this.cancelTimer(user)
    this.endWait(user)
    if (!this.withdrawing) this.users.delete(user.aor)
  }
}
