import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SmallMap } from '../../../src/common/small-map.ts'

type Deed = readonly ['set', string, number] | readonly ['delete', string]

const key = fc.constantFrom(...'abcdefg')
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.tuple(fc.constant('set' as const), key, fc.integer()),
  fc.tuple(fc.constant('delete' as const), key),
)

test('A small map says after any deeds what a Map says', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
      const small = new SmallMap<string, number>()
      const map = new Map<string, number>()
      for (const [what, at, value] of deeds) {
        if (what === 'set') {
          small.set(at, value)
          map.set(at, value)
        } else {
          small.delete(at)
          map.delete(at)
        }
        expect([...small.entries()]).toEqual([...map])
        expect([...small.keys()]).toEqual([...map.keys()])
        expect([...small.values()]).toEqual([...map.values()])
        expect(small.size).toBe(map.size)
        for (const each of 'abcdefg') expect(small.get(each)).toBe(map.get(each))
      }
    }),
  )
})
