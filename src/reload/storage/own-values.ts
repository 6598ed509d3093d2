/**
 * What this peer holds, for itself: the same values that a Fetch of the resource would bring, without an answer around
 * them. Signature and policy of a value are looked at when it is first asked for under the rules in force, and then no more while it
 * lies here unchanged; whether its signer is still believed is asked every time.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Now } from '../../common/time.ts'
import type { KindId, ResourceId, StoredData } from '../codec/index.ts'
import type { Signer } from '../security/trust.ts'
import { certificatesValid, remainingLifetime } from './lifetime.ts'
import type { HeldValue } from './held-value.ts'
import type { Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'
import type { FetchedKind, FetchedValue, FetchedValues } from './verify-fetched.ts'

/** Judgement: values that were read last, some 1.5 kB each. */
const READ_MAX = 2_048

/** Values as they were read from their bytes, by the value as it lies here. */
export class ReadValues {
  private readonly known = new BoundedCache<StoredData, HeldValue>(READ_MAX)

  of(held: HeldValue): StoredData {
    let data = this.known.get(held)
    if (data === undefined) {
      ;({ data } = held)
      this.known.set(held, data)
    }
    return data
  }
}

export interface OwnValues extends FetchedValues {
  /** What the values and their certificates take in an answer, roughly. */
  readonly bytes: number
}

/** Undefined when one of the Kinds is not known. */
export function ownValues(
  checks: ValueChecks,
  read: ReadValues,
  table: Table,
  now: Now,
  resource: ResourceId,
  wanted: readonly KindId[],
): OwnValues | undefined {
  const entry = table.find(resource)
  const kinds = new Map<KindId, FetchedKind>()
  let rejected = 0
  let bytes = 0
  for (const kind of wanted) {
    if (checks.definition(kind) === undefined || kinds.has(kind)) return undefined
    const held = entry?.kinds.get(kind)
    const values: FetchedValue[] = []
    for (const [, value] of held?.values(now) ?? []) {
      // RFC 6940 s.7.1: what was signed with a certificate that has expired is not given out.
      if (!certificatesValid(value.certificates, now.wall)) continue
      bytes += value.size
      for (const { der } of value.certificates) bytes += der.length
      const data = { ...read.of(value), lifetime: remainingLifetime(value, now) }
      const signer = signerOf(checks, value, data, now)
      if (signer === undefined) rejected++
      else values.push({ data, signer: signer.certificate, signerNodeId: signer.nodeId })
    }
    kinds.set(kind, { generation: held?.generation ?? 0n, values })
  }
  return { kinds, rejected, bytes }
}

function signerOf(checks: ValueChecks, held: HeldValue, data: StoredData, now: Now): Signer | undefined {
  const known = held.checked
  if (known?.checks === checks) {
    return checks.believes(known.signer, held.certificates, now.wall) ? known.signer : undefined
  }
  const definition = checks.definition(held.kind)
  if (definition === undefined) return undefined
  const signer = checks.signer(definition, held.resource, data, held.certificates, now.wall)
  if (!signer.ok) return undefined
  held.checked = { checks, signer: signer.value }
  return signer.value
}
