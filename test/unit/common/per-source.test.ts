import { describe, expect, it } from 'vitest'
import { PerSource } from '../../../src/common/per-source.ts'

describe('connections per source', () => {
  it('admits as many as it was told, each source by itself, and forgets those that are gone', () => {
    const sources = new PerSource(2)
    for (const source of ['a', 'a', 'b']) {
      expect(sources.admits(source)).toBe(true)
      sources.add(source)
    }
    expect([sources.admits('a'), sources.admits('b'), sources.admits('c')]).toEqual([false, true, true])
    sources.remove('a')
    expect(sources.admits('a')).toBe(true)
    sources.remove('a')
    sources.remove('b')
    sources.remove('stranger')
    expect(sources.size).toBe(0)
  })
})
