import { describe, expect, it } from 'vitest'
import { RecentMap } from '../../../src/common/recent-map.ts'
import { SeededRandom } from '../../../src/common/random.ts'

describe('a map whose newest entry stands beside it', () => {
  it('is a map', () => {
    const random = new SeededRandom('recent')
    const map = new RecentMap<number, string>()
    const model = new Map<number, string>()
    for (let turn = 0; turn < 5_000; turn++) {
      const key = random.int(8)
      if (random.int(2) === 0) {
        map.set(key, `v${turn}`)
        model.delete(key)
        model.set(key, `v${turn}`)
      } else expect(map.delete(key)).toBe(model.delete(key))
      for (let each = 0; each < 8; each++) expect(map.get(each)).toBe(model.get(each))
      expect(map.size).toBe(model.size)
      expect([...map.values()]).toEqual([...model.values()])
      expect(map.oldest()).toBe([...model.values()][0])
    }
  })
})
