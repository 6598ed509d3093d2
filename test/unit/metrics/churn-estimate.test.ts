import { describe, expect, it } from 'vitest'
import { ChurnEstimate } from '../../../src/metrics/churn-estimate.ts'

describe('ChurnEstimate', () => {
  it('scales what a neighborhood sees to the whole overlay, over the last ten minutes', () => {
    let now = 0
    let reading = { joins: 6, leaves: 0, neighbors: 6, size: 70 }
    const churn = new ChurnEstimate(
      () => reading,
      () => now,
    )
    expect(churn.perSecond('joins')).toBe(0)
    now = 100_000
    reading = { ...reading, joins: 7, leaves: 2 }
    // One of seven in a neighborhood, ten neighborhoods: ten peers in a hundred seconds.
    expect(churn.perSecond('joins')).toBeCloseTo(0.1)
    expect(churn.perSecond('leaves')).toBeCloseTo(0.2)
    for (now = 110_000; now <= 1_000_000; now += 10_000) churn.perSecond('joins')
    expect(churn.perSecond('joins')).toBe(0)
  })
})
