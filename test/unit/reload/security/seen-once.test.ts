import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/common/random.ts'
import { SeenOnce } from '../../../../src/reload/security/seen-once.ts'

/** Whether it was known; from now on it is. */
function again(seen: SeenOnce, signature: Uint8Array): boolean {
  const known = seen.has(signature)
  seen.note(signature)
  return known
}

describe('which signatures have come by', () => {
  const random = new SeededRandom('seen once')
  const signature = (): Uint8Array => random.bytes(71)

  it('one that came by is known again, and most others are not', () => {
    const seen = new SeenOnce()
    const many = Array.from({ length: 2_000 }, signature)
    const taken = many.filter((each) => again(seen, each)).length
    expect(taken).toBeLessThan(5)
    // Those that came last: no later one has taken their place.
    const last = many.slice(-50)
    const known = last.filter((each) => again(seen, each.slice())).length
    expect(known).toBeGreaterThan(40)
  })

  it('it grows with what comes by, and not without end', () => {
    const seen = new SeenOnce()
    const first = signature()
    expect([again(seen, first), again(seen, first)]).toEqual([false, true])
    const many = Array.from({ length: 5_000 }, signature)
    for (const each of many) again(seen, each)
    const kept = many.slice(-1_000).filter((each) => again(seen, each)).length
    expect(kept).toBeGreaterThan(600)
    for (let i = 0; i < 300_000; i++) again(seen, signature())
    const bytes = (seen as unknown as { readonly marks: Int32Array }).marks.byteLength
    expect(bytes).toBe(262_144)
  })

  it('what is too short for a mark counts as known, which is the careful answer', () => {
    const seen = new SeenOnce()
    expect(again(seen, Uint8Array.of(1, 2, 3))).toBe(true)
    expect(again(seen, new Uint8Array(0))).toBe(true)
  })
})
