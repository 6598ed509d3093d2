import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../../src/cli/run.ts'
import { Mishaps } from '../../../src/sim/mishaps.ts'

let out = ''
let err = ''
beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== '')
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => (err += String(text)) !== '')
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('sim', () => {
  it('runs a small overlay with real certificates and signatures', async () => {
    const args = [
      'sim',
      '--peers',
      '4',
      '--users',
      '3',
      '--minutes',
      '0.2',
      '--lookups',
      '1',
      '--keys',
      'ecdsa',
    ]
    expect(await main([...args, '--json'])).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ peers: 4, violations: [], lookups: { failed: 0, wrong: 0 } })
  })

  it('a seed of a swarm that breaks the simulation is named, and the others are run all the same', async () => {
    vi.spyOn(Mishaps.prototype, 'begin').mockImplementation(() => {
      throw new RangeError('no host p26')
    })
    expect(await main(['sim', '--swarm', '--seeds', '101..102'])).toBe(1)
    for (const seed of ['101', '102'])
      expect(err).toContain(
        `FAILED SEED ${seed}, no figures (RangeError: no host p26); replay: ringbridge sim --swarm --seed ${seed}\n`,
      )
    expect(out).toMatch(/^2 seeds, 2 with violations/)
  })

  it.each([
    [['--keys', 'none'], '--keys: stand-in, ecdsa or rsa is expected, not "none"'],
    [['--attack', 'drop'], '--attack: drop:FRACTION or deny:FRACTION is expected, as drop:0.1'],
    [['--attack', 'drop:2'], '--attack: a number from 0 to 1 is expected, not "2"'],
    [['--partition', '0.4'], '--partition: FRACTION:MINUTES is expected, as 0.4:10'],
    [['--jobs', '2'], '--jobs: only with --swarm'],
    [['--swarm', '--jobs', '2', '--progress'], '--jobs: not together with --progress'],
    [['--swarm', '--jobs', '0'], '--jobs: a whole number from 1 to 256'],
    [['--minutes', '63', '--partition', '0.4:60'], 'do not fit into --minutes; 75 would do'],
    [['--churn', 'much'], '--churn: a number from 0.1 to 100000 is expected, not "much"'],
  ])('%j is refused', async (args, message) => {
    expect(await main(['sim', ...args])).toBe(2)
    expect(err).toContain(message)
    expect(out).toBe('')
  })
})
