/**
 * Rollbacks at storing peers (RFC 6940 s.13.5.3): a fetched value that is older than what an earlier Fetch gave for the same
 * element was replaced since by whoever signed both, so the storing peer has lost the newer one, or hides it. Until the
 * newer one has come to the end of its lifetime it is what the application gets. Elements of arrays are left out:
 * their index is not signed.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Millis } from '../../common/time.ts'
import type { KindId, ResourceId } from '../codec/index.ts'
import type { FetchedKind, FetchedValue } from '../storage/verify-fetched.ts'
import { NEWEST_VALUES_MAX } from './constants.ts'
import { elementFetched } from './storage-times.ts'

export class NewestValues {
  private readonly seen = new BoundedCache<FetchedValue>(NEWEST_VALUES_MAX)

  /** The values with those in their place that are newer; `rollbacks` counts them. */
  prefer(
    now: Millis,
    resource: ResourceId,
    kinds: ReadonlyMap<KindId, FetchedKind>,
  ): { readonly kinds: ReadonlyMap<KindId, FetchedKind>; readonly rollbacks: number } {
    let rollbacks = 0
    let preferred: Map<KindId, FetchedKind> | undefined
    for (const [kind, { generation, values }] of kinds) {
      let newest: FetchedValue[] | undefined
      for (let at = 0; at < values.length; at++) {
        const value = values[at] as FetchedValue
        const known = this.newest(now, resource, kind, value)
        if (known === value) continue
        rollbacks++
        newest ??= [...values]
        newest[at] = known
      }
      if (newest === undefined) continue
      preferred ??= new Map(kinds)
      preferred.set(kind, { generation, values: newest })
    }
    return { kinds: preferred ?? kinds, rollbacks }
  }

  private newest(now: Millis, resource: ResourceId, kind: KindId, value: FetchedValue): FetchedValue {
    const { data } = value
    if (data.value.model === 'array') return value
    const element = elementFetched(resource, kind, data.value)
    const known = this.seen.get(element)
    if (known === value) return value
    if (known !== undefined && known.expiresAt > now && known.data.storageTime > data.storageTime)
      return known
    this.seen.set(element, value)
    return value
  }
}
