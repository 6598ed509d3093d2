import { describe, expect, it } from 'vitest'
import { angleOf, arcPath, labelPlaces, spread } from '../../../../src/admin/client/ring-geometry.ts'

describe('the ring as a drawing', () => {
  it('ids run clockwise from the top', () => {
    expect(angleOf('0'.repeat(32))).toBe(0)
    expect(angleOf(`8${'0'.repeat(31)}`)).toBeCloseTo(Math.PI)
    expect(angleOf('f'.repeat(40))).toBeCloseTo(2 * Math.PI)
  })

  it('an arc goes the long way round when it has to, and all the way for a ring of one', () => {
    expect(arcPath(0, 1, 10)).toContain('0 0 1')
    expect(arcPath(1, 0, 10)).toContain('0 1 1')
    expect(arcPath(1, 1, 10).match(/A/g)).toHaveLength(2)
  })

  it('values are moved apart and stay between the ends', () => {
    const ys = spread([100, 101, 102, 300, 599], 20, 10, 600)
    for (let at = 1; at < ys.length; at++) expect(ys[at]! - ys[at - 1]!).toBeGreaterThanOrEqual(19.98)
    expect(Math.max(...ys)).toBeLessThanOrEqual(600)
    expect(ys[1]).toBeCloseTo(101, -1)
    const crowded = spread(new Array<number>(40).fill(300), 10, 10, 600)
    expect(Math.min(...crowded)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...crowded)).toBeLessThanOrEqual(600)
  })

  it('no two labels of one side touch, however near their nodes are', () => {
    const ids = ['10', '11', '12', '13', '90', '91', '92'].map((start) => start.padEnd(32, '0'))
    for (const [fontSize, apart] of [
      [12.5, 18.9],
      [21, 25.1],
    ] as const) {
      const places = labelPlaces(ids, fontSize)
      expect(places).toHaveLength(ids.length)
      for (const anchor of ['start', 'end'] as const) {
        const ys = places.filter((place) => place.anchor === anchor).map(({ y }) => y)
        for (let at = 1; at < ys.length; at++) expect(ys[at]! - ys[at - 1]!).toBeGreaterThan(apart)
      }
    }
  })
})
