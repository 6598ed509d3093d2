/** Comma lists (RFC 3261 s.7.3.1): commas inside quotes, angle brackets and comments do not divide. */
import {
  BACKSLASH,
  COMMA,
  GREATER,
  LEFT_PAREN,
  LESS,
  QUOTE,
  RIGHT_PAREN,
  isBlank,
  skipQuoted,
} from './chars.ts'

/** Offset of the comma that ends the value at `at`, or `end`. */
export function valueEndAt(text: string, at: number, end: number): number {
  let depth = 0
  for (let i = at; i < end; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const after = skipQuoted(text, i, end)
        if (after < 0) return end
        i = after - 1
        break
      }
      case LESS: {
        const close = angleEnd(text, i, end)
        if (close < 0) return end
        i = close
        break
      }
      case LEFT_PAREN:
        depth++
        break
      case RIGHT_PAREN:
        if (depth > 0) depth--
        break
      case BACKSLASH:
        if (depth > 0) i++
        break
      case COMMA:
        if (depth === 0) return i
    }
  }
  return end
}

function angleEnd(text: string, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) if (text.charCodeAt(i) === GREATER) return i
  return -1
}

/** How many values stand in [at, end); empty ones count, as each costs a reader time. */
export function countValues(text: string, at: number, end: number): number {
  let count = 1
  for (let i = valueEndAt(text, at, end); i < end; i = valueEndAt(text, i + 1, end)) count++
  return count
}

/** The values in `text`, trimmed. Empty ones are left out, as in RFC 7230 s.7. */
export function splitValues(text: string): string[] {
  const values: string[] = []
  pushValues(values, text, 0, text.length)
  return values
}

/** Appends the values in [at, end) to `values`. */
export function pushValues(values: string[], text: string, at: number, end: number): void {
  while (at <= end) {
    const comma = valueEndAt(text, at, end)
    const value = slice(text, at, comma)
    if (value !== '') values.push(value)
    at = comma + 1
  }
}

/** [at, end) of `text` without blanks around it. */
export function slice(text: string, at: number, end: number): string {
  while (at < end && isBlank(text.charCodeAt(at))) at++
  while (end > at && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(at, end)
}
