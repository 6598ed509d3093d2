/** What of each Kind is held, for metrics and snapshots. */
import type { KindId } from '../codec/index.ts'
import type { Responsibility } from './responsibility.ts'
import type { Table } from './table.ts'

/** Values and bytes held of one Kind in one role. */
export interface StorageUse {
  readonly kind: KindId
  readonly role: 'owner' | 'replica'
  readonly values: number
  readonly bytes: number
}

/** By Kind and role. Walks the whole table. */
export function useOf(table: Table, responsibility: Responsibility): StorageUse[] {
  const uses = new Map<string, StorageUse>()
  for (const { resource, kinds } of table.all()) {
    const role = responsibility.responsibleFor(resource) ? 'owner' : 'replica'
    for (const { kind, slots } of kinds.values()) {
      const before = uses.get(`${kind}|${role}`) ?? { kind, role, values: 0, bytes: 0 }
      let { bytes } = before
      for (const held of slots.values()) bytes += held.size
      uses.set(`${kind}|${role}`, { kind, role, values: before.values + slots.size, bytes })
    }
  }
  return [...uses.values()]
}
