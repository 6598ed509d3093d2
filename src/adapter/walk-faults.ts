/** What keeps the answers of a walk from being one ring. */
import type { RingWalk } from './contract.ts'

/** `nodes` in order of their ids. Empty when everybody answered and each one's successor is the next. */
export function walkFaults(nodes: RingWalk['nodes']): string[] {
  const faults: string[] = []
  const living = nodes.filter(({ answered }) => answered)
  for (const { nodeId, answered } of nodes) {
    if (!answered) faults.push(`${nodeId} does not answer`)
  }
  for (const [index, { nodeId, successor }] of living.entries()) {
    const next = living[(index + 1) % living.length]?.nodeId
    if (successor !== null && successor !== next)
      faults.push(`${nodeId} names ${successor} as its successor, not ${next ?? 'itself'}`)
  }
  return faults
}
