import type { KindDefinition } from '../config/types.ts'

/**
 * Values of a Kind that lie at one resource at most: those that were removed are held until they expire, and the double bound leaves room for
 * them, so that removing always works. Nobody looks at more in one message, since each costs the check of a signature.
 */
export function valuesMax({ maxCount }: Pick<KindDefinition, 'maxCount'>): number {
  return 2 * maxCount
}
