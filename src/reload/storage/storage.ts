import { invariant } from '../../common/assert.ts'
import { ok, type Result } from '../../common/errors.ts'
import type { Millis, Now } from '../../common/time.ts'
import {
  encodeStoredData,
  type ErrorResponse,
  type FetchAns,
  type FetchReq,
  type FindAns,
  type FindReq,
  type KindId,
  type ResourceId,
  type StatAns,
  type StoreAns,
  type StoreReq,
} from '../codec/index.ts'
import type { Certificate, CryptoPort } from '../security/port.ts'
import type { Signer, Trust } from '../security/trust.ts'
import { planAdoption } from './adoption.ts'
import type { AdmissionRules } from './admission.ts'
import { fetchValues, type Fetched } from './fetch.ts'
import { findResources } from './find.ts'
import type { ValuePlace } from './held-value.ts'
import type { JournalOperation } from './journal.ts'
import { expiryOf } from './lifetime.ts'
import { DEFAULT_STORAGE_LIMITS, type StorageLimits } from './quota.ts'
import {
  fetchReqFor,
  holdsMoreThan,
  replicaStores,
  type ReplicaSelection,
  type ReplicaStore,
} from './replication.ts'
import { RequestCount } from './request-count.ts'
import type { Responsibility } from './responsibility.ts'
import { OwnAnswers, type OwnValues } from './own-values.ts'
import { firstGeneration, GENERATION_MAX, restoreTable, type RestoreReport } from './restore.ts'
import type { StagedValue } from './staging.ts'
import { statValues } from './stat.ts'
import { planStore, type PlannedKind, type StoreContext } from './store.ts'
import { Table } from './table.ts'
import { useOf, type StorageUse } from './use.ts'
import { ValueChecks, type KindSource } from './value-checks.ts'
import { verifyFetched, type FetchedValues } from './verify-fetched.ts'

export interface StorageComponents {
  readonly crypto: CryptoPort
  readonly trust: Trust
  readonly kinds: KindSource
  readonly responsibility: Responsibility
  /** What the Usages add to the policies of their Kinds; none when absent. */
  readonly rules?: AdmissionRules
}

export interface StorageInit {
  readonly limits?: Partial<StorageLimits>
}

/** A StoreReq that was carried out. Answer only when `operations` are in the journal. */
export interface Stored {
  readonly answer: StoreAns
  readonly resource: ResourceId
  /** Values that are new; empty when the request only repeated what was here. These go to the replicas. */
  readonly changed: readonly ValuePlace[]
  readonly operations: readonly JournalOperation[]
}

export interface Adopted {
  readonly changed: readonly ValuePlace[]
  readonly rejected: number
  readonly operations: readonly JournalOperation[]
}

export interface Expired {
  readonly operations: readonly JournalOperation[]
  /** Resources at which nothing is held any more. */
  readonly emptied: readonly ResourceId[]
}

/**
 * What this peer keeps for the overlay (RFC 6940 s.7): the methods Store, Fetch, Stat and Find on a bounded table in
 * memory, and what replication needs. Answers are values; the caller sends them, and journals the operations first.
 */
export class Storage {
  private readonly counted = new RequestCount()
  readonly instruments = { requests: this.counted.requests }
  private readonly crypto: CryptoPort
  private readonly responsibility: Responsibility
  private limits: StorageLimits
  private readonly ownAnswers = new OwnAnswers()
  private readonly table = new Table((entry) => {
    this.ownAnswers.forget(entry)
  })
  private trust: Trust
  private checks: ValueChecks

  constructor(components: StorageComponents, init: StorageInit = {}) {
    this.crypto = components.crypto
    this.responsibility = components.responsibility
    this.trust = components.trust
    this.limits = { ...DEFAULT_STORAGE_LIMITS, ...init.limits }
    this.checks = new ValueChecks({ ...components, rules: components.rules ?? new Map() })
  }

  /** From now on; what is held already stays. */
  limit(limits: StorageLimits): void {
    this.limits = limits
  }

  /**
   * A new Configuration Document is in force. Values of Kinds that it does not have any more, or not with that data
   * model, are dropped.
   */
  reconfigure(configured: Pick<StorageComponents, 'trust' | 'kinds' | 'rules'>): JournalOperation[] {
    const { trust, kinds, rules } = configured
    this.trust = trust
    this.checks = new ValueChecks({ crypto: this.crypto, trust, kinds, rules: rules ?? new Map() })
    const operations: JournalOperation[] = []
    for (const { resource, kinds: entries } of [...this.table.all()]) {
      for (const { kind, model, slots } of [...entries.values()]) {
        if (kinds.definition(kind)?.dataModel === model) continue
        for (const slot of [...slots.keys()]) this.table.remove({ resource, kind, slot }, operations)
      }
    }
    return operations
  }

  /** RFC 6940 s.7.4.1. `signer` signed the message, `pool` are the certificates that came with it. */
  store(
    now: Now,
    req: StoreReq,
    signer: Signer,
    pool: readonly Certificate[],
  ): Result<Stored, ErrorResponse> {
    const planned = planStore(this.context(), now, req, signer, pool)
    this.counted.add('store', this.checks, req.kindData, planned)
    if (!planned.ok) return planned
    const operations: JournalOperation[] = []
    const changed: ValuePlace[] = []
    for (const plan of planned.value) {
      const generation = req.replicaNumber > 0 ? plan.requestedGeneration : raised(plan, now)
      this.carryOut(now, req.resource, plan, generation, changed, operations)
    }
    const replicas = req.replicaNumber === 0 ? this.responsibility.replicaSet(req.resource) : []
    const kindResponses = req.kindData.map(({ kind }) => {
      const generationCounter = this.table.findKind(req.resource, kind)?.generation ?? 0n
      return { kind, generationCounter, replicas }
    })
    return ok({ answer: { kindResponses }, resource: req.resource, changed, operations })
  }

  /** RFC 6940 s.7.4.2. Values come with what is left of their lifetime and with their certificates. */
  fetch(now: Now, req: FetchReq): Result<Fetched, ErrorResponse> {
    const fetched = fetchValues(this.checks, this.table, now, req)
    this.counted.add('fetch', this.checks, req.specifiers, fetched)
    return fetched
  }

  /**
   * What `fetch` and `verify` together would give, for a resource that this peer answers for; undefined when it does not, or when
   * one of the Kinds is not known.
   */
  own(now: Now, resource: ResourceId, kinds: readonly KindId[]): OwnValues | undefined {
    if (!this.responsibility.responsibleFor(resource)) return undefined
    const values = this.ownAnswers.find(this.checks, this.table, now, resource, kinds)
    if (values !== undefined) for (const kind of kinds) this.counted.addOne('fetch', this.checks, kind, 'ok')
    return values
  }

  /** RFC 6940 s.7.4.3. */
  stat(now: Now, req: FetchReq): Result<StatAns, ErrorResponse> {
    const answer = statValues(this.crypto, this.checks, this.table, now, req)
    this.counted.add('stat', this.checks, req.specifiers, answer)
    return answer
  }

  /** RFC 6940 s.7.4.4. */
  find(now: Now, req: FindReq): Result<FindAns, ErrorResponse> {
    return findResources(this.responsibility, this.table, now, req)
  }

  /** Checks the answer to a Fetch of our own (RFC 6940 s.7.4.2.2). */
  verify(resource: ResourceId, answer: FetchAns, pool: readonly Certificate[], now: Now): FetchedValues {
    const entry = this.table.find(resource)
    if (entry !== undefined) this.ownAnswers.forget(entry)
    return verifyFetched(this.checks, resource, answer, pool, now)
  }

  /**
   * Takes newer values from a FetchAns of a peer that refused our replica Store (RFC 6940 s.7.4.1.1). Send the replica
   * Store again afterwards: the other peer may lack what only we have.
   */
  adopt(now: Now, resource: ResourceId, answer: FetchAns, pool: readonly Certificate[]): Adopted {
    const { planned, rejected } = planAdoption(this.context(), now, resource, answer, pool)
    const operations: JournalOperation[] = []
    const changed: ValuePlace[] = []
    for (const plan of planned)
      this.carryOut(now, resource, plan, plan.requestedGeneration, changed, operations)
    return { changed, rejected, operations }
  }

  /** Forgets values whose lifetime is over. Nobody has to wait for these operations. */
  expire(now: Now): Expired {
    const operations: JournalOperation[] = []
    const emptied: ResourceId[] = []
    for (;;) {
      const place = this.table.popExpired(now)
      if (place === undefined) return { operations, emptied }
      this.table.remove(place, operations)
      if (!this.holds(place.resource)) emptied.push(place.resource)
    }
  }

  /** Whether anything is held at that resource, as owner or as replica. */
  holds(resource: ResourceId): boolean {
    return this.table.find(resource) !== undefined
  }

  /** When `expire` has something to do. */
  nextDeadline(): Millis {
    return this.table.nextDeadline()
  }

  /** Every resource of which something is held, as owner or as replica. A snapshot: the table may change meanwhile. */
  resources(): ResourceId[] {
    return [...this.table.all()].map(({ resource }) => resource)
  }

  get resourceCount(): number {
    return this.table.resources
  }

  /** StoreReqs that bring another peer to what is here; see replication.ts. */
  replicaStores(resource: ResourceId, selection: ReplicaSelection, now: Now): ReplicaStore[] {
    return replicaStores(this.table, resource, selection, now)
  }

  /** A FetchReq for everything held at `resource`, to send to a peer that has newer data. */
  fetchReqFor(resource: ResourceId, kinds: readonly KindId[]): FetchReq {
    return fetchReqFor(this.checks, resource, kinds)
  }

  /** Whether anything is held at the resource that a Store of it, which was carried out, did not bring. */
  holdsMoreThan(req: StoreReq): boolean {
    return holdsMoreThan(this.table, req)
  }

  /** RFC 6940 s.10.7.3: the resource is none of our business any more. */
  drop(resource: ResourceId): JournalOperation[] {
    const operations: JournalOperation[] = []
    for (const { kind, slots } of [...(this.table.find(resource)?.kinds.values() ?? [])]) {
      for (const slot of [...slots.keys()]) this.table.remove({ resource, kind, slot }, operations)
    }
    return operations
  }

  /** Fills the table from the journal, once, before anything is stored. */
  restore(now: Now, records: Iterable<readonly [string, Uint8Array]>): RestoreReport {
    invariant(this.table.values === 0, 'restore comes before the first store')
    return restoreTable({ checks: this.checks, trust: this.trust, table: this.table }, now, records)
  }

  /** What is held, by Kind and role. Walks the whole table: for metrics and snapshots. */
  use(): StorageUse[] {
    return useOf(this.table, this.responsibility)
  }

  private context(): StoreContext {
    const { checks, responsibility, limits, table } = this
    return { checks, responsibility, limits, table }
  }

  private carryOut(
    now: Now,
    resource: ResourceId,
    plan: PlannedKind,
    generation: bigint,
    changed: ValuePlace[],
    operations: JournalOperation[],
  ): void {
    for (const [slot, staged] of plan.staged.changes.entries()) {
      const place = { resource, kind: plan.kind, slot }
      this.put(now, place, staged, operations)
      changed.push(place)
    }
    const entry = this.table.findKind(resource, plan.kind)
    if (entry !== undefined) this.table.setGeneration(entry, resource, generation, operations)
  }

  private put(
    now: Now,
    place: ValuePlace,
    { data, certificates }: StagedValue,
    operations: JournalOperation[],
  ): void {
    const encoded = encodeStoredData(data)
    const expiresAt = expiryOf(now, data.lifetime)
    this.table.put(place, { data, encoded, receivedAt: now.wall, expiresAt, certificates }, operations)
  }
}

function raised({ staged }: PlannedKind, now: Now): bigint {
  if (staged.changes.size === 0) return staged.generation
  if (staged.generation === 0n) return firstGeneration(now)
  return staged.generation === GENERATION_MAX ? 1n : staged.generation + 1n
}
