/** What one run does: written down before it starts, so that the seed and the plan are all it takes to see it again. */
import type { Millis } from '../common/time.ts'
import type { Attack } from './attackers.ts'
import type { Spread } from './distributions.ts'
import { CALM, type Faults } from './faults.ts'

/** Peers come and go, as many as come as go. */
export interface Churn {
  readonly spread: Spread
  /** Mean length of a session. */
  readonly meanMs: Millis
  /** Share of the sessions that end with a Leave; the others are killed. */
  readonly leaveShare: number
  /** Share of the kills of which nobody is told, as when a cable is pulled. */
  readonly silentShare: number
  /** Share of the killed that come back with their disk; the others are replaced by new peers. */
  readonly restartShare: number
}

/** Something that happens once, `atMs` after the load began. Shares are of the peers that run then. */
export type Mishap = { readonly atMs: Millis } & (
  | { readonly kind: 'kill'; readonly share: number; readonly silent: boolean }
  | { readonly kind: 'restart'; readonly share: number; readonly disk: boolean; readonly downMs: Millis }
  /** Processes that stand still, as by SIGSTOP: their links stay open, and what comes waits for them. */
  | { readonly kind: 'pause'; readonly share: number; readonly durationMs: Millis }
  | { readonly kind: 'partition'; readonly share: number; readonly durationMs: Millis }
  | { readonly kind: 'cutOneWay'; readonly share: number; readonly durationMs: Millis }
  | { readonly kind: 'clog'; readonly pairs: number; readonly durationMs: Millis }
  /** Disks that take nothing for that long. */
  | { readonly kind: 'fullDisk'; readonly share: number; readonly durationMs: Millis }
  | { readonly kind: 'clockJump'; readonly share: number; readonly byMs: number }
)

export interface Plan {
  readonly seed: string
  readonly peers: number
  /** From one joining peer to the next. */
  readonly joinSpacingMs: Millis
  /** Registered AORs. */
  readonly users: number
  /** Virtual time of the safety phase: load and faults. */
  readonly loadMs: Millis
  readonly reactive: boolean
  /** chord-update-interval. */
  readonly updateIntervalS: number
  readonly faults: Faults
  readonly churn: Churn | undefined
  readonly mishaps: readonly Mishap[]
  /** While the load lasts. */
  readonly attack: Attack | undefined
  /** All peers together, Poisson. */
  readonly lookupsPerSecond: number
  readonly refreshMs: Millis
  /** Mean time until a user unregisters, for a while; undefined: nobody does. */
  readonly removalMs: Millis | undefined
  /** When the ring and the copies must be right again after the last fault. */
  readonly healLimitMs: Millis
}

export const DEFAULT_PLAN: Omit<Plan, 'seed'> = {
  peers: 50,
  joinSpacingMs: 100,
  users: 100,
  loadMs: 10 * 60_000,
  reactive: true,
  updateIntervalS: 600,
  faults: CALM,
  churn: undefined,
  mishaps: [],
  attack: undefined,
  lookupsPerSecond: 5,
  refreshMs: 10 * 60_000,
  removalMs: undefined,
  healLimitMs: 300_000,
}
