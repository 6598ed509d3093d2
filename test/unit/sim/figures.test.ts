import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../../src/sim/figures.ts'
import { DEFAULT_PLAN, type Mishap } from '../../../src/sim/plan.ts'
import { simulate } from '../../../src/sim/run.ts'

function mishapsOf(mishap: Mishap) {
  const plan = { ...DEFAULT_PLAN, seed: 'figures', peers: 12, users: 4, joinSpacingMs: 50, loadMs: 90_000 }
  return figuresOf(simulate({ ...plan, lookupsPerSecond: 1, mishaps: [mishap] })).mishaps
}

describe('figures of a run', () => {
  it('say when the ring was right after peers died', () => {
    const [died, ...rest] = mishapsOf({ kind: 'kill', atMs: 10_500, share: 0.25, silent: true })
    expect(rest).toEqual([])
    const what = '3 peers die at once in silence; every copy of 0 entries is among them'
    expect(died).toMatchObject({ what, atMs: 10_000 })
    expect(died!.ringFaults).toBeGreaterThan(0)
    expect(died!.ringRightAfterMs).toBeGreaterThan(0)
    expect(died!.ringRightAfterMs).toBeLessThan(30_000)
  })

  it('say how many entries had all their copies among the dead', () => {
    const [died] = mishapsOf({ kind: 'kill', atMs: 10_500, share: 0.9, silent: false })
    expect(died!.what).toMatch(/^11 peers die at once; every copy of [1-4] entries is among them$/)
  })

  it('say that the ring stays wrong while it is cut in two, and when it was one again', () => {
    const [cut, whole] = mishapsOf({ kind: 'partition', atMs: 5_000, share: 0.5, durationMs: 40_000 })
    expect(cut).toMatchObject({ what: '6 peers are cut off from 6', ringRightAfterMs: undefined })
    expect(whole).toMatchObject({ what: 'the network is whole again' })
    expect(whole!.ringRightAfterMs).toBeLessThan(40_000)
  })
})
