/**
 * Copies for other peers: the two successors of the Responsible Peer (RFC 6940 s.10.4), a Joining Node that takes over
 * part of the range, or the successor of a peer that leaves.
 */
import type { Now } from '../../common/time.ts'
import type { FetchReq, KindId, ResourceId, StoredData, StoreKindData, StoreReq } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { everything, slotOf } from './data-models.ts'
import { certificatesValid, remainingLifetime } from './lifetime.ts'
import type { HeldValue, ValuePlace } from './held-value.ts'
import type { KindEntry, Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'

/** A StoreReq with the certificates that belong into its bucket, each once. */
export interface ReplicaStore {
  readonly req: StoreReq
  readonly certificates: readonly Certificate[]
}

export interface ReplicaSelection {
  /** 1 for the first successor, 2 for its successor; also for hand-over, so that the owner need not sign (s.7.4.1.1). */
  readonly replicaNumber: number
  /** Bytes of values and certificates in one request; a single value that is larger goes alone. */
  readonly bytesMax: number
  /** Only these values, when a Store changed just them. */
  readonly only?: readonly ValuePlace[]
}

/**
 * Requests that carry everything a resource holds, in as many messages as it takes. Values keep storage_time and
 * signature, the generation counter goes along verbatim, the lifetime is what is left of it (s.7.4.1.1). Left out:
 * what is about to expire, and what the receiver would have to reject because a certificate has expired.
 */
export function replicaStores(
  table: Table,
  resource: ResourceId,
  { replicaNumber, bytesMax, only }: ReplicaSelection,
  now: Now,
): ReplicaStore[] {
  const packer = new Packer(resource, replicaNumber, bytesMax)
  for (const entry of table.find(resource)?.kinds.values() ?? []) {
    const wanted = only?.filter(({ kind }) => kind === entry.kind).map(({ slot }) => slot)
    for (const [slot, held] of entry.values(now)) {
      if (wanted !== undefined && !wanted.includes(slot)) continue
      const lifetime = remainingLifetime(held, now)
      if (lifetime > 0 && certificatesValid(held.certificates, now.wall)) packer.add(entry, held, lifetime)
    }
  }
  return packer.done()
}

/** A FetchReq for everything of these Kinds at `resource`, to send to a peer that has newer data. */
export function fetchReqFor(checks: ValueChecks, resource: ResourceId, kinds: readonly KindId[]): FetchReq {
  const specifiers = kinds.flatMap((kind) => {
    const definition = checks.definition(kind)
    return definition === undefined
      ? []
      : [{ kind, generation: 0n, selector: everything(definition.dataModel) }]
  })
  return { resource, specifiers }
}

/** Whether anything is held at the resource that a Store of it, which was carried out, did not bring. */
export function holdsMoreThan(table: Table, { resource, kindData }: StoreReq): boolean {
  for (const { kind, slots } of table.find(resource)?.kinds.values() ?? []) {
    const brought = kindData.find((each) => each.kind === kind)?.values ?? []
    const places =
      brought.length < 2 ? brought.length : new Set(brought.map(({ value }) => slotOf(value))).size
    if (slots.size > places) return true
  }
  return false
}

/** Fills one request after the other. */
class Packer {
  private readonly resource: ResourceId
  private readonly replicaNumber: number
  private readonly bytesMax: number
  private readonly stores: ReplicaStore[] = []
  private kinds: (StoreKindData & { values: StoredData[] })[] = []
  private certificates: Certificate[] = []
  private bytes = 0

  constructor(resource: ResourceId, replicaNumber: number, bytesMax: number) {
    this.resource = resource
    this.replicaNumber = replicaNumber
    this.bytesMax = bytesMax
  }

  add(entry: KindEntry, held: HeldValue, lifetime: number): void {
    if (this.bytes > 0 && this.bytes + this.cost(held) > this.bytesMax) this.close()
    this.bytes += this.cost(held)
    for (const certificate of held.certificates)
      if (!this.certificates.includes(certificate)) this.certificates.push(certificate)
    // Kind after Kind: only the last one can be this one.
    let kind = this.kinds.at(-1)
    if (kind?.kind !== entry.kind) {
      kind = { kind: entry.kind, generationCounter: entry.generation, values: [] }
      this.kinds.push(kind)
    }
    kind.values.push({ ...held.data, lifetime })
  }

  done(): ReplicaStore[] {
    if (this.bytes > 0) this.close()
    return this.stores
  }

  private cost(held: HeldValue): number {
    let bytes = held.size
    for (const certificate of held.certificates) {
      if (!this.certificates.includes(certificate)) bytes += certificate.der.length
    }
    return bytes
  }

  private close(): void {
    const { resource, replicaNumber, kinds: kindData, certificates } = this
    this.stores.push({ req: { resource, replicaNumber, kindData }, certificates })
    this.kinds = []
    this.certificates = []
    this.bytes = 0
  }
}
