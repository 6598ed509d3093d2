/** The Date header: RFC 1123 in GMT (RFC 3261 s.20.17), worked out without `Date`, which cores do not have. */
import type { WallTime } from '../../common/time.ts'

const DAY_MS = 86_400_000
// 1970-01-01 was a Thursday.
const WEEKDAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

// The text of the second that was asked for last: most answers of a second carry it.
let latestSecond = Number.NaN
let latestText = ''

/** Such as `Sat, 13 Nov 2010 23:29:00 GMT`. */
export function formatDate(wall: WallTime): string {
  const second = Math.floor(wall / 1000)
  if (second !== latestSecond) {
    latestText = dateText(wall)
    latestSecond = second
  }
  return latestText
}

function dateText(wall: WallTime): string {
  const days = Math.floor(wall / DAY_MS)
  const seconds = Math.floor((wall - days * DAY_MS) / 1000)
  const { year, month, day } = civilDate(days)
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  const weekday = WEEKDAYS[((days % 7) + 7) % 7] as string
  return `${weekday}, ${two(day)} ${MONTHS[month - 1]} ${String(year).padStart(4, '0')} ${time} GMT`
}

/**
 * Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day is the last of
 * its year, in eras of 400 years, which all have 146097 days.
 */
function civilDate(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
