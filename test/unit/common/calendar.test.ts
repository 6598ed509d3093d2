import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { civilOfWall, formatUtc, wallOfCivil } from '../../../src/common/calendar.ts'

describe('calendar', () => {
  it('agrees with Date over the years 0 to 9999', () => {
    const min = Date.parse('0000-01-01T00:00:00Z')
    const max = Date.parse('9999-12-31T23:59:59.999Z')
    fc.assert(
      fc.property(fc.integer({ min, max }), (wall) => {
        const date = new Date(wall)
        expect(civilOfWall(wall)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          hour: date.getUTCHours(),
          minute: date.getUTCMinutes(),
          second: date.getUTCSeconds(),
          millisecond: date.getUTCMilliseconds(),
        })
        expect(wallOfCivil(civilOfWall(wall))).toBe(wall)
        expect(formatUtc(wall)).toBe(`${date.toISOString().slice(0, 19)}Z`)
      }),
    )
  })

  it('knows which dates there are', () => {
    const at = (year: number, month: number, day: number): number | undefined =>
      wallOfCivil({ year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 })
    expect([at(2024, 2, 29), at(2000, 2, 29)]).toEqual([Date.UTC(2024, 1, 29), Date.UTC(2000, 1, 29)])
    expect([
      at(2023, 2, 29),
      at(1900, 2, 29),
      at(2024, 4, 31),
      at(2024, 13, 1),
      at(2024, 0, 1),
      at(2024, 1, 0),
    ]).toEqual(Array(6).fill(undefined))
  })
})
