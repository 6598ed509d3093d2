import type { Now } from '../common/time.ts'
import { Private } from '../common/pii.ts'
import type { CommandId, CommandOutcome, Credential, FetchResult } from '../reload/index.ts'
import type { PublishedBinding, SipAction } from '../sip/index.ts'
import type { EnrollOutcome } from './contract.ts'
import { EntryKeeper, type StoreDone } from './entry-keeper.ts'
import { registerFailure } from './error-map.ts'
import { hostedUser, isOver, wantedBindings, type HostedUser } from './hosted-user.ts'
import type { AdapterParts } from './parts.ts'
import { PROXY_BINDING, proxyAor, proxyEntry } from './proxy-record.ts'
import { Reconciler } from './reconciler.ts'

type Publication = Extract<SipAction, { kind: 'publish' }>

/** Removals under way at once while leaving (adapter-mapping s.3.4). */
const WITHDRAWALS_AT_ONCE = 20

/**
 * REGISTER to Store: keeps, for every hosted user, the one overlay entry in step with the bindings of the phones
 * (adapter-mapping s.3). The SIP core asks before it commits; whether the answer waits for the overlay is decided here.
 */
export class Publisher {
  private readonly parts: AdapterParts
  private readonly node: Credential
  private readonly users = new Map<string, HostedUser>()
  private readonly keeper: EntryKeeper
  private readonly reconciler: Reconciler
  private withdrawing = false
  /** Whose removal failed while leaving: it is tried again after its pause, since a peer that refuses does so at once. */
  private readonly refused = new Set<HostedUser>()

  /** `node` signs every request of this node. */
  constructor(parts: AdapterParts, node: Credential) {
    this.parts = parts
    this.node = node
    this.keeper = new EntryKeeper(parts)
    this.reconciler = new Reconciler({
      parts,
      seen: (now, user) => {
        this.keeper.advance(now, user)
        this.forgetIfGone(user)
        this.reconciler.next(this.keeper.active)
      },
    })
  }

  user(aor: string): HostedUser | undefined {
    return this.users.get(aor)
  }

  /** Those who have an entry here: users, and the proxies of domains. */
  wanted(aors: Iterable<string>): ReadonlySet<string> {
    return new Set([...aors, ...(this.parts.settings.proxyRecord?.domains.map(proxyAor) ?? [])])
  }

  /** The users whose phones may register here, all of them. Names that are gone are withdrawn. */
  setHosted(now: Now, aors: Iterable<string>, credentials: ReadonlyMap<string, Credential>): void {
    const { proxyRecord } = this.parts.settings
    const proxies = new Set(proxyRecord?.domains.map(proxyAor))
    const wanted = this.wanted(aors)
    let looks = proxies.size > 0
    for (const aor of wanted) {
      if (this.users.has(aor)) continue
      const isProxy = proxyRecord !== undefined && proxies.has(aor)
      const fixed = isProxy ? proxyEntry(this.parts.self, proxyRecord) : undefined
      // That of somebody who comes back may have ended meanwhile: nobody renews what nobody needs.
      const known = credentials.get(aor)
      const credential = known !== undefined && known.certificate.notAfter > now.wall ? known : undefined
      const user = hostedUser(aor, this.parts.resourceOfAor(aor), credential, fixed)
      this.users.set(aor, user)
      if (isProxy) user.committed = [PROXY_BINDING]
      if (user.credential !== undefined) this.reconciler.add(user)
      // No phone is going to ask for the proxies' certificate.
      if (user.credential === undefined && (isProxy || !this.parts.settings.enrollOnFirstRegister))
        this.keeper.enroll(user, false)
    }
    for (const user of this.users.values()) {
      if (wanted.has(user.aor)) continue
      user.committed = []
      this.keeper.advance(now, user)
      // One whose entry nobody has looked at yet is kept till then: what it holds from an earlier life is withdrawn, and who is back
      // before is this very user. Two of them would undo each other's Stores.
      if (user.unseen) looks = true
      else if (user.store === undefined) this.forget(user)
    }
    // Who founds an overlay has joined it before anybody is hosted: there will be no `resume`.
    if (looks) this.reconciler.next(this.keeper.active)
  }

  /** A REGISTER wants these bindings; answered by `published`. */
  register(now: Now, { id, aor, bindings, callId }: Publication): void {
    const user = this.users.get(aor)
    if (user === undefined) return this.keeper.answer(id, { status: 404, reason: 'User Not Hosted Here' })
    if (user.enrollment === 'refused')
      return this.keeper.answer(id, { status: 403, reason: 'User Suspended' })
    // Without a valid certificate nobody believes this node, and what it says to itself nobody would find.
    if (!this.parts.available || isOver(this.node, now.wall))
      return this.keeper.answer(id, registerFailure({ kind: 'notJoined' }, 0))
    if (user.waiting !== undefined)
      return this.keeper.answer(id, { status: 500, reason: 'Overlapping Registration', retryAfterS: 1 })
    user.waiting = { id, bindings, callId, marksOnly: false }
    this.parts.registersWaiting++
    user.retried = false
    this.keeper.advance(now, user)
    // A refresh has its answer by now.
    if (user.waiting === undefined) return
    user.budget = this.parts.deadlines.set(now.ms + this.parts.settings.storeBudgetMs, {
      part: 'publish',
      aor,
      what: 'budget',
    })
  }

  /** Bindings ended without a REGISTER: their time was over or their flow was lost. Nobody waits. */
  bindingsEnded(now: Now, aor: string, bindings: readonly PublishedBinding[]): void {
    const user = this.users.get(aor)
    if (user === undefined) return
    user.committed = bindings
    this.keeper.advance(now, user)
  }

  /** Phones of an earlier life are served again, before anybody has looked what the overlay holds for them. */
  restored(aor: string, bindings: readonly PublishedBinding[]): void {
    const user = this.users.get(aor)
    if (user === undefined) return
    user.committed = bindings
    this.reconciler.add(user)
  }

  enrolled(now: Now, aor: string, outcome: EnrollOutcome): Credential | undefined {
    const user = this.users.get(aor)
    if (user === undefined) return undefined
    if (outcome.ok) {
      if (isOver(user.credential, now.wall)) user.stored = undefined
      user.credential = outcome.credential
      user.enrollment = 'ready'
      this.keeper.advance(now, user)
      return outcome.credential
    }
    const renewal = user.credential !== undefined
    user.enrollment = renewal ? 'ready' : outcome.final ? 'refused' : 'none'
    this.parts.trace({
      level: 'warn',
      area: 'adapter',
      event: 'enrollment_failed',
      aor: new Private(aor),
      reason: outcome.reason,
    })
    this.keeper.refuse(
      user,
      outcome.final && !renewal
        ? { status: 403, reason: 'User Suspended' }
        : { status: 503, reason: 'Enrollment Unavailable', retryAfterS: 60 },
    )
    return undefined
  }

  /** The overlay came back: bring every entry up to date. */
  resume(now: Now): void {
    for (const user of this.users.values()) this.keeper.advance(now, user)
    this.reconciler.next(this.keeper.active)
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    return this.reconciler.fetchDone(now, id, outcome)
  }

  /** Own key seen in the overlay with a value that no binding stands for: it is removed (adapter-mapping s.4.2). */
  staleEntrySeen(now: Now, aor: string): void {
    const user = this.users.get(aor)
    if (user === undefined || user.store !== undefined || wantedBindings(user).length > 0) return
    user.dirty = true
    this.keeper.advance(now, user)
  }

  timeout(now: Now, aor: string, what: 'budget' | 'retry' | 'renew'): void {
    const user = this.users.get(aor)
    if (user === undefined) return
    if (what === 'budget') {
      user.budget = undefined
      // M-08: the Store goes on, and what it did is learnt from its outcome.
      if (user.store !== undefined) user.dirty = true
      // Its certificate comes after those that are still waited for.
      if (user.enrollment === 'pending') this.parts.shell({ kind: 'enroll', aor, urgent: false })
      return this.keeper.refuse(user, registerFailure({ kind: 'timeout' }, this.parts.random.float()))
    }
    user.timer = undefined
    this.keeper.advance(now, user)
  }

  /** True when the outcome was that of one of our Stores. */
  storeDone(now: Now, event: StoreDone): boolean {
    const user = this.keeper.storeDone(now, event)
    if (user === undefined) return false
    if (this.withdrawing) {
      if (!event.outcome.ok) this.refused.add(user)
      this.withdrawNext(now)
    } else this.reconciler.next(this.keeper.active)
    this.forgetIfGone(user)
    return true
  }

  /** Leaving: every own entry is withdrawn. `withdrawn` tells when that is done. */
  withdraw(now: Now): void {
    this.withdrawing = true
    for (const user of this.users.values()) {
      this.keeper.refuse(user, { status: 503, reason: 'Shutting Down', retryAfterS: 5 })
      user.committed = []
    }
    this.withdrawNext(now)
  }

  /** True when no own entry is left in the overlay and no Store is under way. */
  withdrawn(): boolean {
    if (this.keeper.active > 0) return false
    for (const user of this.users.values()) if (user.stored?.exists === true) return false
    return true
  }

  counts(now: Now): { aors: number; missing: number; enrolled: number } {
    let aors = 0
    let missing = 0
    let enrolled = 0
    for (const user of this.users.values()) {
      if (user.fixed !== undefined) continue
      if (user.credential !== undefined) enrolled++
      if (user.committed.length === 0) continue
      aors++
      if (user.dirty || user.stored?.exists !== true || user.stored.expiresAtMs <= now.ms) missing++
    }
    return { aors, missing, enrolled }
  }

  private withdrawNext(now: Now): void {
    for (const user of this.users.values()) {
      if (this.keeper.active >= WITHDRAWALS_AT_ONCE) return
      if (user.stored?.exists === true && !this.refused.has(user)) this.keeper.advance(now, user)
    }
  }

  private forgetIfGone(user: HostedUser): void {
    const served = user.fixed !== undefined || this.parts.accounts.byAor(user.aor) !== undefined
    if (!served && user.store === undefined) this.forget(user)
  }

  private forget(user: HostedUser): void {
    this.keeper.release(user)
    if (!this.withdrawing) this.users.delete(user.aor)
  }
}
