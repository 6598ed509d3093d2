/** What `ringbridge sim` is asked to do, as a plan. */
import type { KeyAlgorithm } from '../../reload/index.ts'
import type { Attack } from '../../sim/attackers.ts'
import { CALM } from '../../sim/faults.ts'
import { DEFAULT_PLAN, type Churn, type Mishap, type Plan } from '../../sim/plan.ts'
import { UsageError, wholeNumber } from '../command.ts'

export const SIM_OPTIONS = {
  seed: { type: 'string', default: '1' },
  peers: { type: 'string', default: '50' },
  minutes: { type: 'string', default: '10' },
  users: { type: 'string' },
  churn: { type: 'string', default: 'none' },
  'heavy-tailed': { type: 'boolean', default: false },
  loss: { type: 'string', default: '0' },
  latency: { type: 'string', default: '10' },
  kill: { type: 'string' },
  partition: { type: 'string' },
  attack: { type: 'string' },
  keys: { type: 'string', default: 'stand-in' },
  lookups: { type: 'string' },
  'join-spacing': { type: 'string', default: '100' },
  swarm: { type: 'boolean', default: false },
  seeds: { type: 'string' },
  count: { type: 'string' },
  jobs: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  report: { type: 'string' },
  pcap: { type: 'string' },
  progress: { type: 'boolean', default: false },
} as const

/** Option values as parseArgs gives them. */
export type SimValues = {
  readonly [K in keyof typeof SIM_OPTIONS]?: (typeof SIM_OPTIONS)[K]['type'] extends 'boolean'
    ? boolean
    : string
}

const MINUTE = 60_000
export const PEERS_MAX = 20_000

/** Sizes to run one after the other: `--peers 50,100,200` draws hops over size. */
export function plansOf(values: SimValues): Plan[] {
  return text(values.peers, '50')
    .split(',')
    .map((peers) => planOf(values, wholeNumber(peers, 'peers', 1, PEERS_MAX)))
}

function planOf(values: SimValues, peers: number): Plan {
  const loadMs = number(text(values.minutes, '10'), 'minutes', 0, 10_000) * MINUTE
  return {
    ...DEFAULT_PLAN,
    seed: text(values.seed, '1'),
    peers,
    users: values.users === undefined ? 2 * peers : wholeNumber(values.users, 'users', 0, 1_000_000),
    loadMs,
    joinSpacingMs: number(text(values['join-spacing'], '100'), 'join-spacing', 0, 60_000),
    faults: {
      ...CALM,
      latencyMs: number(text(values.latency, '10'), 'latency', 0, 10_000),
      lossChance: number(text(values.loss, '0'), 'loss', 0, 1),
    },
    churn: churnOf(values),
    mishaps: mishapsOf(values, loadMs),
    attack: attackOf(values),
    lookupsPerSecond:
      values.lookups === undefined ? peers / 20 : number(values.lookups, 'lookups', 0, 100_000),
  }
}

function churnOf(values: SimValues): Churn | undefined {
  const churn = text(values.churn, 'none')
  if (churn === 'none') return undefined
  const meanMs = number(churn, 'churn', 0.1, 100_000) * MINUTE
  const spread = values['heavy-tailed'] === true ? 'heavy-tailed' : 'exponential'
  return { spread, meanMs, leaveShare: 0.5, silentShare: 0.1, restartShare: 0 }
}

/** A fifth of the time passes before anything happens, so that the charts show how it was before. */
function mishapsOf(values: SimValues, loadMs: number): Mishap[] {
  const atMs = loadMs / 5
  const mishaps: Mishap[] = []
  if (values.kill !== undefined) {
    mishaps.push({ kind: 'kill', atMs, share: number(values.kill, 'kill', 0, 1), silent: false })
  }
  if (values.partition !== undefined) {
    const [share, minutes, ...rest] = values.partition.split(':')
    if (share === undefined || minutes === undefined || rest.length > 0)
      throw new UsageError('--partition: FRACTION:MINUTES is expected, as 0.4:10')
    const durationMs = number(minutes, 'partition', 0, 10_000) * MINUTE
    if (atMs + durationMs > loadMs)
      throw new UsageError(
        `--partition: ${minutes} minutes after a calm fifth do not fit into --minutes; ${Math.ceil(durationMs / MINUTE / 0.8)} would do`,
      )
    mishaps.push({ kind: 'partition', atMs, share: number(share, 'partition', 0, 1), durationMs })
  }
  return mishaps
}

function attackOf({ attack }: SimValues): Attack | undefined {
  if (attack === undefined) return undefined
  const [kind, share, ...rest] = attack.split(':')
  if ((kind !== 'drop' && kind !== 'deny') || share === undefined || rest.length > 0)
    throw new UsageError('--attack: drop:FRACTION or deny:FRACTION is expected, as drop:0.1')
  return { kind, share: number(share, 'attack', 0, 1) }
}

/** Whether certificates and signatures are real, and of which kind. */
export function keysOf({ keys }: SimValues): KeyAlgorithm | undefined {
  if (keys === undefined || keys === 'stand-in') return undefined
  if (keys !== 'ecdsa' && keys !== 'rsa')
    throw new UsageError(`--keys: stand-in, ecdsa or rsa is expected, not "${keys}"`)
  return keys
}

/** The seeds of a swarm: `A..B`, or so many from the one that --seed names. */
export function seedsOf(values: SimValues): string[] {
  if (values.seeds !== undefined) {
    const [first, last, ...rest] = values.seeds.split('..')
    if (first === undefined || last === undefined || rest.length > 0)
      throw new UsageError('--seeds: A..B is expected, as 1..2000')
    const from = wholeNumber(first, 'seeds', 0, 1e9)
    return numbered(from, wholeNumber(last, 'seeds', from, 1e9) - from + 1)
  }
  const seed = text(values.seed, '1')
  if (values.count === undefined) return [seed]
  return numbered(wholeNumber(seed, 'seed', 0, 1e9), wholeNumber(values.count, 'count', 1, 1e6))
}

/** Processes at once; more than one only where every run stands for itself. */
export function jobsOf(values: SimValues): number {
  const jobs = wholeNumber(text(values.jobs, '1'), 'jobs', 1, 256)
  if (jobs === 1) return jobs
  if (values.swarm !== true) throw new UsageError('--jobs: only with --swarm')
  for (const name of ['report', 'pcap', 'progress'] as const) {
    if (values[name] !== undefined && values[name] !== false)
      throw new UsageError(`--jobs: not together with --${name}`)
  }
  if (keysOf(values) !== undefined) throw new UsageError('--jobs: not together with --keys')
  return jobs
}

function numbered(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(first + index))
}

function text(value: string | undefined, fallback: string): string {
  return value ?? fallback
}

function number(value: string, name: string, least: number, most: number): number {
  const parsed = value.trim() === '' ? Number.NaN : Number(value)
  if (!(parsed >= least && parsed <= most)) {
    throw new UsageError(`--${name}: a number from ${least} to ${most} is expected, not "${value}"`)
  }
  return parsed
}
