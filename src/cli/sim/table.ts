/** The figures of a run as a table for people. */
import type { Figures } from '../../sim/figures.ts'

export function tableOf(figures: Figures, seconds: number): string {
  const { lookups, hops, stores } = figures
  const healed =
    figures.healedAfterMs === undefined ? 'never' : `${(figures.healedAfterMs / 1000).toFixed(0)} s`
  const rows: (readonly [string, string])[] = [
    ['peers', String(figures.peers)],
    [
      'virtual time',
      `${figures.virtualMinutes.toFixed(1)} min in ${seconds.toFixed(1)} s, ${figures.events} events`,
    ],
    ['lookups', list(lookups)],
    ['success', `${(100 * figures.lookupSuccess).toFixed(3)} %`],
    [
      'lookup time',
      `median ${figures.lookupMs.median.toFixed(0)} ms, 99 % ${figures.lookupMs.p99.toFixed(0)} ms`,
    ],
    ['hops', `mean ${hops.mean.toFixed(2)}, half log2 N + 0.5 is ${hops.bound.toFixed(2)}`],
    [
      'a peer and second',
      `${figures.deliveriesPerPeerSecond.toFixed(1)} messages, ${figures.bytesPerPeerSecond.toFixed(0)} bytes`,
    ],
    ['stores', `${stores.acknowledged} acknowledged, ${stores.refused} refused`],
    ['peers that went', String(figures.departures)],
    ['values lost', `${figures.lost}, and ${figures.lostBeyondBound} beyond the bound of three copies`],
    ['came back', String(figures.resurrected)],
    ['right again after', healed],
    ...figures.mishaps.map(mishapRow),
    ['digest', figures.digest],
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.map(([name, value]) => name.padEnd(width) + value)
  for (const violation of figures.violations) lines.push(`VIOLATION  ${violation}`)
  return lines.join('\n')
}

function mishapRow(mishap: Figures['mishaps'][number]): readonly [string, string] {
  const { what, atMs, ringFaults, ringRightAfterMs } = mishap
  const right =
    ringRightAfterMs === undefined
      ? 'not right before the next'
      : `right within ${(ringRightAfterMs / 1000).toFixed(1)} s`
  return [
    `at ${(atMs / 1000).toFixed(0)} s`,
    `${what}; ring ${right}, at worst ${ringFaults} without their successor`,
  ]
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([name, count]) => count > 0 || name === 'right')
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
