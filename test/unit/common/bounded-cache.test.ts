import { describe, expect, it } from 'vitest'
import { BoundedCache } from '../../../src/common/bounded-cache.ts'

function filled(limit: number, count: number): BoundedCache<number> {
  const cache = new BoundedCache<number>(limit)
  for (let i = 0; i < count; i++) cache.set(`n${i}`, i)
  return cache
}

describe('a cache of bounded size', () => {
  it('never has more than its limit, and the first to go is the one used longest ago', () => {
    const cache = filled(8, 12)
    expect(cache.size).toBe(8)
    expect([3, 4, 11].map((i) => cache.get(`n${i}`))).toEqual([undefined, 4, 11])
  })

  it('what is used stays, however many come and go beside it', () => {
    const cache = filled(8, 8)
    for (let i = 8; i < 100; i++) {
      expect(cache.get('n0'), `before ${i}`).toBe(0)
      cache.set(`n${i}`, i)
    }
    expect(cache.size).toBe(8)
  })

  it('what is put in again has the new value, and one place', () => {
    const cache = filled(4, 4)
    cache.set('n1', 100)
    expect(cache.size).toBe(4)
    expect(cache.get('n1')).toBe(100)
    cache.delete('n1')
    expect(cache.size).toBe(3)
    expect(cache.get('n1')).toBeUndefined()
  })
})
