import { RingbridgeError } from '../../common/errors.ts'

/** Something in the configuration, an environment variable or a file it names that a person has to mend: exit code 2. */
export class ConfigError extends RingbridgeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('CONFIG', message, options)
    this.name = 'ConfigError'
  }
}

/** The word of `known` that `word` was probably meant to be. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const [best] = nearest(word, known, 1)
  if (best === undefined) return undefined
  return distance(word, best) <= Math.max(2, Math.floor(word.length / 3)) ? best : undefined
}

/** The `count` words of `known` that look most like `word`, the nearest first. */
export function nearest(word: string, known: readonly string[], count: number): string[] {
  return known
    .map((candidate) => ({ candidate, far: distance(word, candidate) }))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

function distance(a: string, b: string): number {
  return editDistance(a.toLowerCase(), b.toLowerCase())
}

/** Levenshtein distance; words here are short. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] as number) + 1, (row[j - 1] as number) + 1))
    }
    previous = row
  }
  return previous[b.length] as number
}
