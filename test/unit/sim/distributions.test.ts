import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/common/random.ts'
import { randomTime, type Spread } from '../../../src/sim/distributions.ts'

/** The times to the last bit, as one word. */
function fingerprint(spread: Spread): string {
  const random = new SeededRandom('times')
  const times = Float64Array.from({ length: 20_000 }, () => randomTime(random, spread, 60_000))
  return createHash('sha256').update(times).digest('hex').slice(0, 16)
}

describe('random times', () => {
  it('are the same on every runtime, so that a failing seed can be replayed on any', () => {
    expect(fingerprint('exponential')).toBe('bb95941e2b6612e2')
    expect(fingerprint('heavy-tailed')).toBe('956996141f1f5ab1')
  })

  it.each(['exponential', 'heavy-tailed'] as const)('%s: have the mean that was asked for', (spread) => {
    const random = new SeededRandom('mean')
    const count = 200_000
    let sum = 0
    for (let each = 0; each < count; each++) sum += randomTime(random, spread, 1_000)
    expect(sum / count).toBeGreaterThan(900)
    expect(sum / count).toBeLessThan(1_100)
  })
})
