import type { Millis } from '../common/time.ts'

export interface BackOff {
  readonly firstMs: Millis
  readonly mostMs: Millis
}

/**
 * Wait before try `failures + 1`: doubles from `firstMs` up to `mostMs`, spread by a quarter to each side so that nodes which
 * failed together do not come back together. `chance` in [0, 1).
 */
export function backOffMs({ firstMs, mostMs }: BackOff, failures: number, chance: number): Millis {
  const wait = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(wait * (0.75 + 0.5 * chance))
}
