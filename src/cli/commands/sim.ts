/** `ringbridge sim`: the production peers in virtual time. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { figuresOf, type Figures } from '../../sim/figures.ts'
import type { Issuer } from '../../sim/issuer.ts'
import { pcapHeader, PcapWriter } from '../../sim/pcap.ts'
import type { Plan } from '../../sim/plan.ts'
import { reportOf } from '../../sim/report/report.ts'
import { simulate, type Outcome, type RunOptions } from '../../sim/run.ts'
import { swarmPlan } from '../../sim/swarm.ts'
import { WALL_START } from '../../sim/world.ts'
import { EXIT, print, readArgs, UsageError, type Command } from '../command.ts'
import { jobsOf, keysOf, plansOf, seedsOf, SIM_OPTIONS, type SimValues } from '../sim/options.ts'
import { realIssuer } from '../sim/real-issuer.ts'
import { sideBySide } from '../sim/side-by-side.ts'
import { tableOf } from '../sim/table.ts'

/** Long runs say where they are this often, in seconds of real time. */
const PROGRESS_S = 5
/** A swarm in several processes says where it is after so many seeds. */
const SAY_EVERY = 50
/** Captured packets are written in pieces of about so many bytes. */
const PCAP_PIECE_BYTES = 1 << 20

export const sim: Command = {
  help: `ringbridge sim [--seed S] [--peers N] [--minutes M] [options]
ringbridge sim --swarm [--seeds A..B | --seed S --count N] [options]

Runs whole overlays of the production peers in virtual time, with a stand-in for the signatures. The same seed gives the
same run, down to the digest. First the faults, then a calm in which everything must come right; what must never happen
is printed as VIOLATION with the command that shows it again, and the exit code is 1.

  --seed S             any text (1)
  --peers N[,N...]     peers, or several sizes one after the other (50)
  --minutes M          virtual minutes of load (10)
  --users U            registered AORs (two a peer)
  --lookups R          lookups a second, all peers together (one a peer every 20 s)
  --churn none|MEAN    mean session of a peer in minutes (none); half of them leave, half are killed
  --heavy-tailed       many short sessions and few very long ones
  --loss P             share of lost segments, 0..1
  --latency MS         from peer to peer (10)
  --join-spacing MS    from one joining peer to the next (100)
  --kill F             that share of the peers dies at once after a fifth of the time
  --partition F:M      that share is cut off from the others for M minutes
  --attack drop:F      that share of the peers passes on nothing for others while the load lasts; deny:F: answers no Fetch
  --keys ecdsa|rsa     real certificates and signatures, for some dozens of peers; no two such runs are the same
  --swarm              the seed picks size, faults, churn and mishaps
  --jobs N             seeds of a swarm at once, each in a process of its own (1)
  --json               the figures as one JSON object a run
  --report FILE.html   charts in one file
  --pcap FILE          every delivered message; tshark reads it as RELOAD (the stand-in certificates look malformed to it)
  --progress           say on stderr how far it is`,
  run: (args) => {
    const { values, positionals } = readArgs(args, SIM_OPTIONS)
    if (positionals.length > 0)
      throw new UsageError(`sim takes options only, not "${String(positionals[0])}"`)
    return run(values)
  },
}

async function run(values: SimValues): Promise<number> {
  const jobs = jobsOf(values)
  if (jobs > 1) return runJobs(values, jobs)
  const plans = values.swarm === true ? seedsOf(values).map(swarmPlan) : plansOf(values)
  // Found out now and not after an hour's run.
  if (values.report !== undefined) write(values.report, () => '')
  const outcomes: Outcome[] = []
  const keys = keysOf(values)
  let failures = 0
  const startedAt = performance.now()
  for (const plan of plans) {
    const issuer = keys === undefined ? undefined : await realIssuer(plan, keys)
    const result = attempt(plan, values, issuer)
    if (typeof result === 'string') {
      failures++
      tellCrash(plan.seed, result)
      continue
    }
    const { outcome, figures, seconds } = result
    if (figures.violations.length > 0) failures++
    if (values.report !== undefined) outcomes.push(outcome)
    tell(
      plan.seed,
      figures,
      seconds,
      replay(plan, values),
      values,
      plans.length === 1 || values.swarm !== true,
    )
  }
  if (values.report !== undefined) write(values.report, () => reportOf(outcomes))
  if (values.swarm === true) tellSum(values, plans.length, failures, startedAt)
  return failures === 0 ? EXIT.done : EXIT.failed
}

async function runJobs(values: SimValues, jobs: number): Promise<number> {
  const seeds = seedsOf(values)
  const startedAt = performance.now()
  let failures = 0
  let over = 0
  await sideBySide([...process.execArgv, process.argv[1] as string], seeds, jobs, (seed, result) => {
    over++
    if (result.kind === 'crashed') {
      failures++
      tellCrash(seed, result.how)
      return
    }
    if (result.figures.violations.length > 0) failures++
    tell(seed, result.figures, result.seconds, swarmSeed(seed), values, false)
    if (over % SAY_EVERY === 0)
      process.stderr.write(`${over} of ${seeds.length} seeds, ${failures} with violations\n`)
  })
  tellSum(values, seeds.length, failures, startedAt)
  return failures === 0 ? EXIT.done : EXIT.failed
}

/** The command that shows one seed of a swarm again. */
function swarmSeed(seed: string): string {
  return `ringbridge sim --swarm --seed ${seed}`
}

/** A seed of a swarm at which the simulation itself has failed. */
function tellCrash(seed: string, how: string): void {
  process.stderr.write(`FAILED SEED ${seed}, no figures (${how}); replay: ${swarmSeed(seed)}\n`)
}

/** One run's figures; as a table when there is something to say or somebody wants to look. */
function tell(
  seed: string,
  figures: Figures,
  seconds: number,
  replayed: string,
  values: SimValues,
  always: boolean,
): void {
  if (figures.violations.length > 0) process.stderr.write(`FAILED SEED ${seed}; replay: ${replayed}\n`)
  if (values.json === true) print(JSON.stringify({ ...figures, seconds }))
  else if (always || figures.violations.length > 0) print(`seed ${seed}\n${tableOf(figures, seconds)}\n`)
}

function tellSum(values: SimValues, seeds: number, failures: number, startedAt: number): void {
  if (values.json === true) return
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  print(`${seeds} seeds, ${failures} with violations, ${seconds} s`)
}

interface Result {
  readonly outcome: Outcome
  readonly figures: Figures
  readonly seconds: number
}

/** One run; of a swarm, what it failed with, since the other seeds are wanted all the same. */
function attempt(plan: Plan, values: SimValues, issuer: Issuer | undefined): Result | string {
  try {
    return one(plan, values, issuer)
  } catch (error) {
    if (values.swarm !== true) throw error
    return String(error)
  }
}

function one(plan: Plan, values: SimValues, issuer: Issuer | undefined): Result {
  const startedAt = performance.now()
  const capture = values.pcap === undefined ? undefined : new Capture(values.pcap)
  const options: RunOptions = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(values.progress === true ? { progress: progressOf(plan) } : {}),
    ...(capture === undefined ? {} : { watch: (delivery) => capture.add(delivery) }),
  }
  const outcome = simulate(plan, options)
  capture?.flush()
  return { outcome, figures: figuresOf(outcome), seconds: (performance.now() - startedAt) / 1000 }
}

function progressOf(plan: Plan): NonNullable<RunOptions['progress']> {
  let saidAt = performance.now()
  return (phase, now, peers) => {
    if (performance.now() - saidAt < PROGRESS_S * 1000) return
    saidAt = performance.now()
    const megabytes = Math.round(process.memoryUsage().rss / 1e6)
    process.stderr.write(
      `seed ${plan.seed}: ${phase}, ${(now / 60_000).toFixed(1)} virtual minutes, ${peers} peers, ${megabytes} MB\n`,
    )
  }
}

/** The command that shows one run again, without what only says where its results go. */
function replay(plan: Plan, values: SimValues): string {
  if (values.swarm === true) return swarmSeed(plan.seed)
  const parts = ['ringbridge sim', `--seed ${plan.seed}`, `--peers ${plan.peers}`]
  const names = [
    'minutes',
    'users',
    'lookups',
    'churn',
    'loss',
    'latency',
    'join-spacing',
    'kill',
    'partition',
    'attack',
    'keys',
  ] as const
  for (const name of names) if (values[name] !== undefined) parts.push(`--${name} ${values[name]}`)
  if (values['heavy-tailed'] === true) parts.push('--heavy-tailed')
  return parts.join(' ')
}

class Capture {
  private readonly file: string
  private readonly writer = new PcapWriter(WALL_START)
  private pieces: Uint8Array[] = []
  private bytes = 0

  constructor(file: string) {
    this.file = file
    write(file, pcapHeader)
  }

  add(delivery: Parameters<PcapWriter['packets']>[0]): void {
    const packets = this.writer.packets(delivery)
    this.pieces.push(packets)
    this.bytes += packets.length
    if (this.bytes >= PCAP_PIECE_BYTES) this.flush()
  }

  flush(): void {
    appendFileSync(this.file, Buffer.concat(this.pieces))
    this.pieces = []
    this.bytes = 0
  }
}

function write(file: string, content: () => string | Uint8Array): void {
  try {
    writeFileSync(file, content())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UsageError(`${file}: cannot be written (${code})`)
  }
}
