/** Random times with a given mean. */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'

/** How times spread around their mean: memoryless, or with few very long ones among many short ones. */
export type Spread = 'exponential' | 'heavy-tailed'

/** Measured peer-to-peer sessions have a shape of 1.5 to 2: a finite mean, no finite variance. */
const PARETO_SHAPE = 1.5

export function randomTime(random: Random, spread: Spread, mean: Millis): Millis {
  // float() is below 1, so that neither form divides by zero.
  const share = 1 - random.float()
  if (spread === 'exponential') return -mean * Math.log(share)
  // Not `**`, whose last digit is another one in each version of the runtime: a seed is the same run on all of them.
  return ((mean * (PARETO_SHAPE - 1)) / PARETO_SHAPE) * Math.exp(-Math.log(share) / PARETO_SHAPE)
}

/** Uniform between two times. */
export function between(random: Random, least: Millis, most: Millis): Millis {
  return least + random.float() * (most - least)
}

/** Any element. Throws RangeError when there is none. */
export function anyOf<T>(random: Random, all: readonly T[]): T {
  if (all.length === 0) throw new RangeError('nothing to choose from')
  return all[random.int(all.length)] as T
}

/** `count` different elements, or all of them. */
export function someOf<T>(random: Random, all: readonly T[], count: number): T[] {
  const rest = [...all]
  const chosen: T[] = []
  while (chosen.length < count && rest.length > 0) {
    const index = random.int(rest.length)
    chosen.push(rest[index] as T)
    rest[index] = rest[rest.length - 1] as T
    rest.pop()
  }
  return chosen
}
