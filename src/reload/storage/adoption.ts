/**
 * Taking over what another peer holds. When a replica Store is refused because the other side has newer data, RFC 6940
 * s.7.4.1.1 has the sender fetch that data and replace its own; the rule for healed partitions is the same: of two
 * values for one place the one with the later storage_time stands.
 */
import type { Now } from '../../common/time.ts'
import type { FetchAns, FetchKindResponse, KindId, ResourceId } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { wellFormed } from './data-models.ts'
import type { PlannedKind, StoreContext } from './store.ts'
import { valuesMax } from './values-max.ts'
import { GENERATION_MAX } from './restore.ts'
import { StagedKind } from './staging.ts'

export interface Adoption {
  readonly planned: readonly PlannedKind[]
  /** Values that did not verify, or that the limits leave no room for. */
  readonly rejected: number
}

/** What of a FetchAns is news; `pool` are the certificates that came with it. Nothing is changed. */
export function planAdoption(
  context: StoreContext,
  now: Now,
  resource: ResourceId,
  answer: FetchAns,
  pool: readonly Certificate[],
): Adoption {
  const planned: PlannedKind[] = []
  const seen = new Set<KindId>()
  let rejected = 0
  for (const response of answer.kindResponses) {
    const plan = seen.has(response.kind) ? undefined : planKind(context, now, resource, response, pool)
    seen.add(response.kind)
    rejected += plan?.rejected ?? response.values.length
    if (plan !== undefined) planned.push(plan.planned)
  }
  return { planned, rejected }
}

function planKind(
  { checks, table }: StoreContext,
  now: Now,
  resource: ResourceId,
  { kind, generation, values }: FetchKindResponse,
  pool: readonly Certificate[],
): { readonly planned: PlannedKind; readonly rejected: number } | undefined {
  const definition = checks.definition(kind)
  if (definition === undefined) return undefined
  const entry = table.findKind(resource, kind)
  const staged = new StagedKind(definition, entry, now)
  let rejected = 0
  let shared = 0
  let looked = 0
  for (const data of values) {
    // A gap in the other peer's data says nothing.
    if (data.signature.identity.kind === 'none') continue
    if (looked++ >= valuesMax(definition) || !wellFormed(data.value, definition.dataModel)) rejected++
    else if (staged.holds(data)) shared++
    else {
      const author = checks.author(definition, resource, data, pool, now.wall)
      const fits = author.ok && staged.putWithin({ data, certificates: author.value.certificates })
      if (!fits) rejected++
    }
  }
  const replaced = staged.changes.size - staged.growth().values
  const onlyOurs = (entry?.values(now).length ?? 0) - shared - replaced
  const requestedGeneration = mergedGeneration(staged, generation, onlyOurs > 0)
  return { planned: { kind, staged, requestedGeneration }, rejected }
}

/**
 * The other peer's counter when its data stands as it is; a higher one than both when the two have been mixed, so that
 * nobody mistakes the result for what he has seen.
 */
function mergedGeneration(staged: StagedKind, theirs: bigint, keepsOurs: boolean): bigint {
  const highest = theirs > staged.generation ? theirs : staged.generation
  // 0 is not to be used (s.7.4.1.1), and no replica would take it.
  if (highest === 0n || highest === GENERATION_MAX) return 1n
  return staged.changes.size > 0 && keepsOurs ? highest + 1n : highest
}
