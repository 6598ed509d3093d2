import type { Random } from './random.ts'

/** One SRV record (RFC 2782). */
export interface SrvTarget {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** The order in which the targets of an SRV record set are tried: by priority, and by weighted lot within one (RFC 2782). */
export function srvOrder(targets: readonly SrvTarget[], random: Random): SrvTarget[] {
  const ordered: SrvTarget[] = []
  const priorities = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b)
  for (const priority of priorities) {
    // Weight 0 first, so that it has a small chance and not none.
    const left = targets
      .filter((target) => target.priority === priority)
      .sort((a, b) => Math.sign(a.weight) - Math.sign(b.weight))
    while (left.length > 0) {
      let lot = random.int(left.reduce((sum, { weight }) => sum + weight, 0) + 1)
      const index = left.findIndex(({ weight }) => (lot -= weight) <= 0)
      ordered.push(...left.splice(Math.max(index, 0), 1))
    }
  }
  return ordered
}
