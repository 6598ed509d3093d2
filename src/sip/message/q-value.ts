/** The `q` of a Contact (RFC 3261 s.20.10). */

/** q-value in thousandths; absent means 1, malformed too. */
export function qThousandths(text: string | undefined): number {
  if (text === undefined) return 1000
  const value = Number(text)
  return text.length > 0 && text.length <= 5 && value >= 0 && value <= 1 ? Math.round(value * 1000) : 1000
}
