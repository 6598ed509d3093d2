import { describe, expect, it } from 'vitest'
import { sideBySide, type SeedResult } from '../../../src/cli/sim/side-by-side.ts'

/** Stands for `ringbridge`: says its arguments as figures, and dies at seed 3. */
const COMMAND = [
  '-e',
  `const seed = process.argv[4]
   if (seed === '3') { console.error('no memory left'); process.exit(7) }
   console.log(JSON.stringify({ seconds: 0.5, violations: seed === '2' ? ['x'] : [], digest: process.argv.slice(1).join(' ') }))`,
]

describe('seeds of a swarm side by side', () => {
  it('runs every seed once, and tells its figures or how it ended', async () => {
    const results = new Map<string, SeedResult>()
    await sideBySide(COMMAND, ['1', '2', '3', '4', '5'], 3, (seed, result) => {
      expect(results.has(seed)).toBe(false)
      results.set(seed, result)
    })
    expect([...results.keys()].sort()).toEqual(['1', '2', '3', '4', '5'])
    expect(results.get('4')).toEqual({
      kind: 'figures',
      seconds: 0.5,
      figures: { violations: [], digest: 'sim --swarm --seed 4 --json' },
    })
    expect(results.get('2')).toMatchObject({ figures: { violations: ['x'] } })
    expect(results.get('3')).toEqual({ kind: 'crashed', how: 'exit code 7: no memory left' })
  })
})
