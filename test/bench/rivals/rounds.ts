/** One comparison: the same load on several servers by turns (A B A B), medians, ratios to the first server. */
import { atRest, load, median, type Measured } from '../load.ts'
import type { Server } from '../servers.ts'

export interface Comparison {
  readonly title: string
  /** What one of it is called. */
  readonly unit: string
  /** Flags of the load generator. */
  readonly flags: readonly string[]
  /** Transactions in each run. */
  readonly count: number
  readonly rounds: number
  /** Done once for each server before the first round: bindings to call, compiled code. */
  readonly warmUp: readonly (readonly string[])[]
}

export interface Contestant {
  readonly server: Server
  readonly name: string
  /** Flags in place of the comparison's, for a server that speaks no SIP. */
  readonly flags?: readonly string[]
}

/** One line a server; the first one's figures are the numerator of the others' ratios. */
export async function compare(comparison: Comparison, contestants: readonly Contestant[]): Promise<string[]> {
  const { flags, count, rounds, warmUp } = comparison
  for (const { server, flags: own } of contestants) {
    if (own === undefined) for (const each of warmUp) await untilAllAnswered(server, each)
    await load(server.pids, server.targets[0] ?? '', [...(own ?? flags), '-n', String(count)])
    await atRest(server.pids)
  }
  const runs = contestants.map((): Measured[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, { server, flags: own }] of contestants.entries()) {
      const all = [...(own ?? flags), '-n', String(count)]
      runs[index]?.push(await load(server.pids, server.targets[0] ?? '', all))
    }
  }
  return [
    `${comparison.title} (${rounds} rounds of ${count})`,
    ...contestants.map(({ name }, index) =>
      describe(comparison.unit, name, runs[index] ?? [], runs[0] ?? []),
    ),
  ]
}

/** A fresh node turns first registrations away while it makes certificates for others; they are sent until all are there. */
async function untilAllAnswered(server: Server, flags: readonly string[]): Promise<void> {
  for (let turn = 0; turn < WARM_UPS_MAX; turn++) {
    const { fail, unfinished, retrans } = await load(server.pids, server.targets[0] ?? '', flags)
    await atRest(server.pids)
    if (fail + unfinished + retrans === 0) return
  }
}

const WARM_UPS_MAX = 8

function describe(unit: string, name: string, runs: readonly Measured[], first: readonly Measured[]): string {
  const middle = (pick: (run: Measured) => number): number => median(runs.map(pick))
  const cpu = middle((run) => run.cpuUs)
  const own = median(first.map((run) => run.cpuUs))
  const lost = runs.reduce((sum, run) => sum + run.fail + run.unfinished, 0)
  const columns = [
    name.padEnd(22),
    `${cpu.toFixed(1)} CPU-us a ${unit} (${Math.min(...runs.map((run) => run.cpuUs)).toFixed(1)} to ${Math.max(...runs.map((run) => run.cpuUs)).toFixed(1)})`,
    `${middle((run) => run.rate).toFixed(0)}/s`,
    `p50 ${milliseconds(middle((run) => run.p50_us))}, p99 ${milliseconds(middle((run) => run.p99_us))}`,
  ]
  if (runs !== first) columns.push(`first : this = ${(own / cpu).toFixed(2)}`)
  if (lost > 0) columns.push(`LOST ${lost} ${runs.map((run) => run.bad).find((bad) => bad !== '') ?? ''}`)
  return `  ${columns.join('; ')}`
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(2)} ms`
}
