/** Seeds that pick everything: size, faults, churn, mishaps. The rest of the seeds: `npm run sim -- --swarm --seeds A..B`. */
import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../src/sim/figures.ts'
import { DEFAULT_PLAN } from '../../src/sim/plan.ts'
import { simulate } from '../../src/sim/run.ts'
import { swarmPlan } from '../../src/sim/swarm.ts'

const SEEDS = process.env['SEED'] === undefined ? ['3', '8443'] : [process.env['SEED']]

describe('a swarm of seeds', () => {
  for (const seed of SEEDS) {
    it(`seed ${seed}: nothing forbidden happens, and all is right when the faults are over`, () => {
      const { violations, measures } = simulate(swarmPlan(seed))
      expect(violations, `replay: ringbridge sim --swarm --seed ${seed}`).toEqual([])
      expect(measures.total.right).toBeGreaterThan(0)
    })
  }

  it('the same seed is the same run, another one is not', () => {
    const plan = { ...DEFAULT_PLAN, seed: 'twice', peers: 8, users: 8, loadMs: 20_000 }
    const first = simulate(plan)
    expect(simulate(plan).digest).toBe(first.digest)
    expect(simulate({ ...plan, seed: 'once' }).digest).not.toBe(first.digest)
    // Few peers know one another all: no way is longer than half of log2 N and a half.
    const { hops } = figuresOf(first)
    expect(hops.mean).toBeLessThanOrEqual(hops.bound)
  })

  it('a fifth of the peers dies at once under churn: what is lost is excused, and nothing comes back', () => {
    const outcome = simulate({
      ...DEFAULT_PLAN,
      seed: 'deaths',
      peers: 20,
      users: 30,
      loadMs: 90_000,
      churn: {
        spread: 'exponential',
        meanMs: 360_000,
        leaveShare: 0.5,
        silentShare: 0.2,
        restartShare: 0.2,
      },
      mishaps: [{ kind: 'kill', atMs: 20_000, share: 0.2, silent: false }],
      removalMs: 60_000,
    })
    expect(outcome.violations).toEqual([])
    expect(outcome.departures).toBeGreaterThan(0)
    expect(outcome.entries.lookups).toBeGreaterThan(100)
  })
})
