import type { WallTime } from './time.ts'

/** Civil date and time of day in UTC, proleptic Gregorian calendar; month and day count from 1. */
export interface CivilTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

const DAY_MS = 86_400_000

/**
 * Milliseconds since 1970 of a date in UTC, or undefined when there is no such date. Second 60 is taken as the first
 * of the next minute. Arithmetic only: a core may not ask a clock, and certificates must read alike everywhere.
 */
export function wallOfCivil(time: CivilTime): WallTime | undefined {
  const { year, month, day, hour, minute, second, millisecond } = time
  if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return undefined
  if (hour > 23 || minute > 59 || second > 60) return undefined
  return daysFromCivil(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond
}

/** The date in UTC of milliseconds since 1970. */
export function civilOfWall(wall: WallTime): CivilTime {
  const days = Math.floor(wall / DAY_MS)
  let rest = Math.floor(wall) - days * DAY_MS
  const millisecond = rest % 1000
  rest = (rest - millisecond) / 1000
  const second = rest % 60
  rest = (rest - second) / 60
  return { ...civilFromDays(days), hour: Math.floor(rest / 60), minute: rest % 60, second, millisecond }
}

/** RFC 3339 in UTC with whole seconds: `2026-01-31T12:00:00Z`. */
export function formatUtc(wall: WallTime): string {
  const c = civilOfWall(wall)
  return `${pad(c.year, 4)}-${pad(c.month, 2)}-${pad(c.day, 2)}T${pad(c.hour, 2)}:${pad(c.minute, 2)}:${pad(c.second, 2)}Z`
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Years run from March, so that the leap day comes last; an era has 400 of them. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
