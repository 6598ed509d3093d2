import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from '../../../src/common/fifo.ts'

test('A queue gives in the order in which it was given, whatever comes between', () => {
  // Amounts beyond 1,024, from where on the places of those that left are taken back.
  const deed = fc.record({
    pushes: fc.integer({ min: 0, max: 1500 }),
    shifts: fc.integer({ min: 0, max: 1500 }),
  })
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 8 }), (deeds) => {
      const fifo = new Fifo<number>()
      let pushed = 0
      let taken = 0
      for (const { pushes, shifts } of deeds) {
        for (let each = 0; each < pushes; each++) fifo.push(pushed++)
        for (let each = 0; each < shifts; each++) {
          const value = fifo.shift()
          if (taken === pushed) expect(value).toBeUndefined()
          else if (value !== taken++) expect.fail(`took ${String(value)}`)
        }
        expect(fifo.length).toBe(pushed - taken)
      }
    }),
  )
})
