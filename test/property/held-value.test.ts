import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from '../../src/common/deadlines.ts'
import { asResourceId, encodeStoredData } from '../../src/reload/codec/index.ts'
import { slotOf } from '../../src/reload/storage/data-models.ts'
import { HeldValue, type ValuePlace } from '../../src/reload/storage/held-value.ts'
import * as arbitrary from './reload-arbitraries.ts'

test('A value of any model comes back from where it is held as it was put there, and says whether it exists', () => {
  const models = fc.constantFrom('single' as const, 'array' as const, 'dictionary' as const)
  const otherTime = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
  fc.assert(
    fc.property(models.chain(arbitrary.storedData), otherTime, (data, time) => {
      const encoded = encodeStoredData(data)
      const expiries = new Deadlines<ValuePlace>()
      const place = { resource: asResourceId(new Uint8Array(16)), kind: 1, slot: slotOf(data.value) }
      const held = new HeldValue(place, { encoded, certificates: [], expiresAt: 5 }, expiries)
      expect(held.data).toEqual(data)
      expect(held.exists).toBe(data.value.value.exists)
      expect(held.size).toBe(encoded.length)
      expect(held.expiresAt).toBe(5)
      for (const other of [time, data.storageTime, data.storageTime ^ 1n, data.storageTime ^ (1n << 32n)]) {
        const due = other === data.storageTime ? 'same' : other < data.storageTime ? 'older' : 'newer'
        expect(held.compareTime(other)).toBe(due)
      }
      expect(expiries.pop(5)).toBe(held)
    }),
  )
})
