import type { Millis, Now } from '../../common/time.ts'
import type { FetchAns, KindId, NodeId, ResourceId, StoredData } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { wellFormed } from './data-models.ts'
import { valuesMax } from './values-max.ts'
import { unsigned, type ValueChecks } from './value-checks.ts'

/** A value that proved who stored it and that he may. */
export interface FetchedValue {
  /** As it came; its lifetime is what was left of it then, by the word of the peer that gave it. */
  readonly data: StoredData
  /** Monotonic time at which that is over. */
  readonly expiresAt: Millis
  readonly signer: Certificate
  readonly signerNodeId: NodeId
}

export interface FetchedKind {
  readonly generation: bigint
  readonly values: readonly FetchedValue[]
}

export interface FetchedValues {
  readonly kinds: ReadonlyMap<KindId, FetchedKind>
  /** Values dropped because they did not verify; more than 0 tells the application that the result is partial. */
  readonly rejected: number
}

/**
 * RFC 6940 s.7.4.2.2: the fetching node believes nothing. Values whose signature, certificate or policy does not hold
 * are discarded and counted; values that the answering peer made up for what it does not have are left out silently.
 */
export function verifyFetched(
  checks: ValueChecks,
  resource: ResourceId,
  answer: FetchAns,
  pool: readonly Certificate[],
  now: Now,
): FetchedValues {
  const kinds = new Map<KindId, FetchedKind>()
  let rejected = 0
  for (const { kind, generation, values } of answer.kindResponses) {
    const definition = checks.definition(kind)
    if (definition === undefined || kinds.has(kind)) {
      rejected += values.length
      continue
    }
    const verified: FetchedValue[] = []
    let looked = 0
    for (const data of values) {
      if (unsigned(data) && !data.value.value.exists) continue
      const fits = looked++ < valuesMax(definition) && wellFormed(data.value, definition.dataModel)
      const signer = fits ? checks.signer(definition, resource, data, pool, now.wall) : undefined
      if (signer?.ok !== true) rejected++
      else {
        const { certificate, nodeId } = signer.value
        const expiresAt = now.ms + 1000 * data.lifetime
        verified.push({ data, expiresAt, signer: certificate, signerNodeId: nodeId })
      }
    }
    kinds.set(kind, { generation, values: verified })
  }
  return { kinds, rejected }
}
