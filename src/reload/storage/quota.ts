import type { ResourceId } from '../codec/index.ts'
import type { StagedKind } from './staging.ts'
import type { Table } from './table.ts'

/** What one peer holds at most, whoever stores it. Reaching a limit is answered with Error_Data_Too_Large. */
export interface StorageLimits {
  readonly resourcesMax: number
  readonly valuesMax: number
  /** Bytes of all values with their signatures. */
  readonly bytesMax: number
}

/** Judgement: some 100,000 registrations with ECDSA signatures, three copies each, in a process of modest size. */
export const DEFAULT_STORAGE_LIMITS: StorageLimits = {
  resourcesMax: 400_000,
  valuesMax: 800_000,
  bytesMax: 512 * 1024 * 1024,
}

/** Which limit the changes would break, or undefined. A change that makes nothing grow is always fine. */
export function quotaExceeded(
  table: Table,
  limits: StorageLimits,
  resource: ResourceId,
  staged: readonly StagedKind[],
): string | undefined {
  let values = 0
  let bytes = 0
  for (const kind of staged) {
    const growth = kind.growth()
    values += growth.values
    bytes += growth.bytes
  }
  if (values > 0) {
    if (table.find(resource) === undefined && table.resources >= limits.resourcesMax)
      return 'too many resources here'
    if (table.values + values > limits.valuesMax) return 'too many values here'
  }
  return bytes > 0 && table.bytes + bytes > limits.bytesMax ? 'too many bytes here' : undefined
}
