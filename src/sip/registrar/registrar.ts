/**
 * The registrar: holds the bindings of every AOR served here, takes REGISTERs one at a time per AOR, makes changes known
 * before it answers, and lets bindings end. Does no I/O.
 */
import { Deadlines } from '../../common/deadlines.ts'
import { RecentMap } from '../../common/recent-map.ts'
import { Tally } from '../../common/instruments.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { isLive, type Binding, type Reach } from './binding.ts'
import { BindingJournal } from './binding-journal.ts'
import { PhoneFlows } from './phone-flows.ts'
import { planSave, type SavePlan } from './plan-save.ts'
import { publishedBindings, type PublishableBinding } from './published.ts'
import { rejection, type RegisterRequest, type Rejection } from './register-request.ts'
import type { PublicationResult, RegistrarHost } from './registrar-host.ts'
import type { RegistrarSettings } from './registrar-settings.ts'

/** Time a REGISTER waits for its publication (M-08). */
export const PUBLISH_BUDGET_MS: Millis = 10_000
/** REGISTERs of one AOR that may wait behind another. */
export const QUEUE_MAX = 8

interface Pending<T> {
  readonly id: number
  readonly request: RegisterRequest<T>
  readonly plan: SavePlan
  readonly dueAt: Millis
  /** The write that it waits for now, once the publication has succeeded. */
  readonly write: number | undefined
}

interface AorRecord<T> {
  readonly aor: string
  bindings: readonly Binding[]
  pending: Pending<T> | undefined
  waiting: RegisterRequest<T>[] | undefined
  /** When a binding ends. */
  deadline: ReturnType<Deadlines<AorRecord<T>>['set']> | undefined
}

const NO_BINDINGS: readonly Binding[] = []

export class Registrar<T> {
  readonly expired = new Tally([''])
  readonly replaced = new Tally([''])

  private readonly host: RegistrarHost<T>
  private readonly settings: RegistrarSettings
  private readonly records = new Map<string, AorRecord<T>>()
  /** In the order in which they are due, since all have the same time. */
  private readonly pendingById = new RecentMap<number, AorRecord<T>>()
  private readonly flows: PhoneFlows
  private readonly deadlines = new Deadlines<AorRecord<T>>()
  private readonly pendingByWrite = new Map<number, AorRecord<T>>()
  private readonly journal: BindingJournal | undefined
  private readonly freshEpoch = (): string => this.host.freshEpoch()

  constructor(components: { readonly host: RegistrarHost<T> }, settings: RegistrarSettings) {
    this.host = components.host
    this.settings = settings
    this.flows = new PhoneFlows({
      bindings: (aor) => this.bindings(aor),
      isUp: (flow) => this.host.isUp(flow),
    })
    this.journal = settings.persist
      ? new BindingJournal({
          write: (users) => this.host.write(users),
          bindings: (aor) => this.bindings(aor),
        })
      : undefined
  }

  /** Bindings that ended with their connection. */
  get flowLost(): Tally {
    return this.flows.lost
  }

  nextDeadline(): Millis {
    return Math.min(
      this.deadlines.next(),
      this.pendingById.oldest()?.pending?.dueAt ?? NEVER,
      this.journal?.nextDeadline() ?? NEVER,
    )
  }

  /** Bindings of an earlier life; before anything else happens. */
  restore(aor: string, bindings: readonly Binding[]): void {
    const record = this.record(aor)
    record.bindings = bindings
    this.schedule(record)
    this.host.publish(aor, this.shown(bindings), 'restored', '')
  }

  /** REGISTERs whose answer waits for the overlay or the disk. */
  get waiting(): number {
    return this.pendingById.size
  }

  get aorCount(): number {
    return this.records.size
  }

  /** Every AOR with its bindings, for the admin API and the gauges. */
  *entries(): IterableIterator<readonly [string, readonly Binding[]]> {
    for (const record of this.records.values())
      if (record.bindings.length > 0) yield [record.aor, record.bindings]
  }

  bindings(aor: string): readonly Binding[] {
    return this.records.get(aor)?.bindings ?? NO_BINDINGS
  }

  /** Bindings that requests may be sent to now. */
  lookup(aor: string, now: Millis): readonly Binding[] {
    const bindings = this.bindings(aor)
    return bindings.every((binding) => isLive(binding, now))
      ? bindings
      : bindings.filter((b) => isLive(b, now))
  }

  /** RFC 3261 s.10.3: REGISTERs of one AOR are processed in order of arrival, each one wholly or not at all. */
  register(now: Millis, request: RegisterRequest<T>): void {
    const record = this.record(request.aor)
    if (record.pending === undefined) {
      this.process(now, record, request)
      return
    }
    if (record.waiting === undefined) record.waiting = []
    if (record.waiting.length >= QUEUE_MAX) {
      this.reject(now, request, this.busy(), true)
      return
    }
    record.waiting.push(request)
  }

  /** Answer to a publication; one that came too late or was not awaited is ignored. */
  published(now: Millis, id: number, result: PublicationResult): void {
    const record = this.pendingById.get(id)
    const pending = record?.pending
    if (record === undefined || pending === undefined || pending.id !== id) return
    if (pending.write !== undefined) return
    // M-29: an unregister must not fail because of the overlay.
    if (result.ok || pending.plan.kind === 'remove') {
      const write = this.journal?.save(now, record.aor, record.bindings, pending.plan.bindings)
      if (write !== undefined) {
        record.pending = { ...pending, write }
        this.pendingByWrite.set(write, record)
        return
      }
      this.settle(record)
      this.commit(now, record, pending.request, pending.plan)
    } else {
      this.settle(record)
      const headers: [string, string][] =
        result.retryAfterS === undefined ? [] : [['Retry-After', String(result.retryAfterS)]]
      this.reject(now, pending.request, rejection(result.status, result.reason, headers), true)
    }
    this.proceed(now, record)
  }

  /** Answer to `write`: what a phone waits for is on disk, or will not be soon. */
  persisted(now: Millis, write: number, success: boolean): void {
    const record = this.pendingByWrite.get(write)
    const pending = record?.pending
    if (record === undefined || pending === undefined || pending.write !== write) return
    this.conclude(now, record, pending, success)
  }

  /**
   * A flow is gone: phones that only it could reach are no targets any more and end after the grace time (adapter-mapping
   * s.3.4); the others are reached by their address from now on.
   */
  flowClosed(now: Millis, flow: number, graceS = this.settings.flowGraceS): void {
    for (const aor of this.flows.closed(now, flow, graceS)) {
      const record = this.records.get(aor)
      if (record !== undefined) this.schedule(record)
    }
  }

  /** Somebody is registered by that flow. */
  isPinnedTo(flow: number): boolean {
    return this.flows.has(flow)
  }

  /** A phone that is reached by datagrams alone does not answer there any more: no target from now on, gone after the grace time. */
  unanswered(now: Millis, aor: string, silent: Binding): void {
    const record = this.records.get(aor)
    const { host, port } = silent.reach
    for (const binding of record?.bindings ?? NO_BINDINGS) {
      const { reach, flowLost, contact, direct } = binding
      const same = contact === silent.contact && reach.host === host && reach.port === port
      if (same && !flowLost && !direct) this.flows.lose(now, binding, this.settings.flowGraceS)
    }
    if (record !== undefined) this.schedule(record)
  }

  /** Users that `served` does not know any more lose their bindings at once, and whoever registers for them is told 404. */
  evict(now: Millis, served: (aor: string) => boolean): void {
    for (const record of [...this.records.values()]) {
      if (served(record.aor)) continue
      const { pending, waiting } = record
      this.settle(record)
      record.waiting = undefined
      const refused = pending === undefined ? [] : [pending.request]
      for (const request of [...refused, ...(waiting ?? [])])
        this.reject(now, request, rejection(404, 'Not Found'), false)
      this.end(now, record, NO_BINDINGS, 'rejected')
      // What is on its way to the disk must not come back with the account.
      if (pending?.write !== undefined) this.journal?.write(now, record.aor)
      this.forgetIfEmpty(record)
    }
  }

  /** How the phone is reached now that was at the far end of `flow`, which is gone; `user` is whom a message of a call names there. */
  successor(flow: number, user: string | undefined, now: Millis): Reach | undefined {
    return this.flows.successor(flow, user, now)?.reach
  }

  /** How the phone is reached that has abandoned `flow` for another one (RFC 5626); undefined while it has not. */
  replacement(flow: number, user: string | undefined, now: Millis): Reach | undefined {
    return this.flows.replacement(flow, user, now)?.reach
  }

  expire(now: Millis): void {
    for (
      let record = this.pendingById.oldest();
      record?.pending !== undefined && record.pending.dueAt <= now;
      record = this.pendingById.oldest()
    ) {
      // M-08: the phone gets an answer well before its Timer F.
      this.conclude(now, record, record.pending, false)
    }
    this.journal?.expire(now)
    for (let record = this.deadlines.pop(now); record !== undefined; record = this.deadlines.pop(now)) {
      record.deadline = undefined
      // What waits for its publication is looked at again when that has ended.
      if (record.pending !== undefined) continue
      this.dropEnded(now, record)
      this.schedule(record)
    }
  }

  /** The end of a wait. Without success only a removal stands (M-29): what was published and is not kept is taken back. */
  private conclude(now: Millis, record: AorRecord<T>, pending: Pending<T>, success: boolean): void {
    const { plan, request, write } = pending
    this.settle(record)
    if (success || plan.kind === 'remove') {
      this.commit(now, record, request, plan)
      if (!success) this.journal?.write(now, record.aor)
    } else {
      if (write !== undefined) {
        this.journal?.write(now, record.aor)
        this.host.publish(record.aor, this.shown(record.bindings), 'expired', '')
      }
      this.reject(now, request, this.busy(), true)
    }
    this.proceed(now, record)
  }

  private process(now: Millis, record: AorRecord<T>, request: RegisterRequest<T>): void {
    const planned = planSave(record.bindings, request, now, this.settings, this.freshEpoch)
    if (!planned.ok) {
      this.reject(now, request, planned.error, false)
      this.forgetIfEmpty(record)
      return
    }
    const plan = planned.value
    if (!plan.changed) {
      this.host.finished(now, request, { kind: 'saved', plan, bindings: plan.bindings })
      this.forgetIfEmpty(record)
      return
    }
    if (plan.kind !== 'remove' && !this.host.mayStore()) {
      this.reject(now, request, rejection(503, 'Overlay Not Available', [['Retry-After', '30']]), true)
      this.forgetIfEmpty(record)
      return
    }
    const { callId } = request.message
    const id = this.host.publish(record.aor, this.shown(plan.bindings), 'register', callId)
    record.pending = { id, request, plan, dueAt: now + PUBLISH_BUDGET_MS, write: undefined }
    this.pendingById.set(id, record)
  }

  private commit(now: Millis, record: AorRecord<T>, request: RegisterRequest<T>, plan: SavePlan): void {
    this.flows.left(record.aor, record.bindings, plan.bindings)
    const before = record.bindings
    record.bindings = plan.bindings.every((binding) => binding.endsAt > now)
      ? plan.bindings
      : plan.bindings.filter((binding) => binding.endsAt > now)
    this.flows.entered(now, record.aor, record.bindings, this.settings.flowGraceS)
    if (plan.replaced > 0) this.replaced.add('', plan.replaced)
    this.host.finished(now, request, { kind: 'saved', plan, bindings: record.bindings })
    this.host.changed(now, record.aor, before, record.bindings, 'unregistered')
  }

  private shown(bindings: readonly Binding[]): readonly PublishableBinding[] {
    return publishedBindings(bindings, this.settings.publishTel)
  }

  private reject(now: Millis, request: RegisterRequest<T>, why: Rejection, storeFailed: boolean): void {
    this.host.finished(now, request, { kind: 'rejected', rejection: why, storeFailed })
  }

  private settle(record: AorRecord<T>): void {
    const { pending } = record
    if (pending !== undefined) this.pendingById.delete(pending.id)
    if (pending?.write !== undefined) this.pendingByWrite.delete(pending.write)
    record.pending = undefined
  }

  /** Takes the next REGISTERs of the queue until one has to wait. */
  private proceed(now: Millis, record: AorRecord<T>): void {
    while (record.pending === undefined && record.waiting !== undefined) {
      const next = record.waiting.shift()
      if (record.waiting.length === 0) record.waiting = undefined
      if (next === undefined) break
      this.process(now, record, next)
    }
    this.schedule(record)
    this.forgetIfEmpty(record)
  }

  private dropEnded(now: Millis, record: AorRecord<T>): void {
    const remaining = record.bindings.filter((binding) => binding.endsAt > now)
    const ended = record.bindings.length - remaining.length
    if (ended === 0) return
    this.expired.add('', ended)
    this.end(now, record, remaining, 'expired')
    this.forgetIfEmpty(record)
  }

  /** Bindings end without a REGISTER: all but `remaining`. */
  private end(
    now: Millis,
    record: AorRecord<T>,
    remaining: readonly Binding[],
    why: 'expired' | 'rejected',
  ): void {
    const before = record.bindings
    if (before.length === remaining.length) return
    const lost = before.some((binding) => binding.endsAt <= now && binding.flowLost)
    record.bindings = remaining
    this.journal?.write(now, record.aor)
    this.flows.ended(now, record.aor, before)
    this.host.publish(record.aor, this.shown(remaining), lost ? 'flowLost' : 'expired', '')
    this.host.changed(now, record.aor, before, remaining, why)
  }

  /** Leaves an earlier deadline alone: it finds nothing due and sets the right one. Refreshes then cost nothing. */
  private schedule(record: AorRecord<T>): void {
    let at = NEVER
    for (const binding of record.bindings) at = Math.min(at, binding.endsAt)
    if (at === NEVER) return
    if (record.deadline !== undefined) {
      if (record.deadline.at <= at) return
      this.deadlines.cancel(record.deadline)
    }
    record.deadline = this.deadlines.set(at, record)
  }

  private forgetIfEmpty(record: AorRecord<T>): void {
    if (record.bindings.length > 0 || record.pending !== undefined || record.waiting !== undefined) return
    this.deadlines.cancel(record.deadline)
    record.deadline = undefined
    if (this.records.get(record.aor) === record) this.records.delete(record.aor)
  }

  private record(aor: string): AorRecord<T> {
    let record = this.records.get(aor)
    if (record === undefined) {
      record = { aor, bindings: NO_BINDINGS, pending: undefined, waiting: undefined, deadline: undefined }
      this.records.set(aor, record)
    }
    return record
  }

  private busy(): Rejection {
    return rejection(503, 'Registration Not Stored', [['Retry-After', String(this.host.retryAfterS(10, 30))]])
  }
}
