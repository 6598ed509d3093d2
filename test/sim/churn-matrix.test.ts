/** Peers that come and go, from Bamboo's six minutes to a day, with sessions of two shapes. */
import { describe, expect, it } from 'vitest'
import type { Spread } from '../../src/sim/distributions.ts'
import { figuresOf, type Figures } from '../../src/sim/figures.ts'
import { DEFAULT_PLAN } from '../../src/sim/plan.ts'
import { simulate } from '../../src/sim/run.ts'

const MINUTE = 60_000
const MEANS = [6, 60, 24 * 60] as const

function churned(spread: Spread, minutes: number): Figures {
  return figuresOf(
    simulate({
      ...DEFAULT_PLAN,
      seed: `matrix ${spread} ${minutes}`,
      peers: 12,
      users: 18,
      loadMs: 4 * MINUTE,
      lookupsPerSecond: 2,
      refreshMs: 2 * MINUTE,
      churn: { spread, meanMs: minutes * MINUTE, leaveShare: 0.5, silentShare: 0.25, restartShare: 0.2 },
    }),
  )
}

const seen = new Map<string, Figures>()

describe.each(['exponential', 'heavy-tailed'] as const)('%s sessions', (spread) => {
  it.each(MEANS)('R-02 with a mean of %i minutes lookups succeed, and none finds what is old', (minutes) => {
    const figures = churned(spread, minutes)
    seen.set(`${spread} ${minutes}`, figures)
    expect(figures.violations).toEqual([])
    expect(figures.lookupSuccess).toBeGreaterThan(0.98)
    expect(figures.lookups['stale']).toBe(0)
    expect(figures.lookups['right']).toBeGreaterThan(300)
    expect(figures.bytesPerPeerSecond).toBeGreaterThan(0)
  })

  it('R-02 the less they come and go, the less it costs', () => {
    const figuresAt = (minutes: number): Figures =>
      seen.get(`${spread} ${minutes}`) ?? churned(spread, minutes)
    const [often, rarely] = [figuresAt(MEANS[0]), figuresAt(MEANS[2])]
    expect(often.departures).toBeGreaterThan(rarely.departures + 3)
    expect(often.bytesPerPeerSecond).toBeGreaterThan(rarely.bytesPerPeerSecond)
  })
})
