/** The seed picks everything: how many peers, which faults are on and how strong, who comes and goes, and what goes wrong. */
import { SeededRandom, type Random } from '../common/random.ts'
import { between } from './distributions.ts'
import { CALM, type Faults } from './faults.ts'
import type { Churn, Mishap, Plan } from './plan.ts'

const MINUTE = 60_000
/** Mishaps begin and end within the load, so that the last of them is mended by the time the faults go off. */
const MISHAPS_MAX = 4

export function swarmPlan(seed: string): Plan {
  const random = new SeededRandom(`swarm ${seed}`)
  const peers = 20 + random.int(41)
  const loadMs = between(random, 2 * MINUTE, 5 * MINUTE)
  const plan = {
    seed,
    peers,
    joinSpacingMs: between(random, 50, 500),
    users: 10 + random.int(51),
    loadMs,
    reactive: random.float() < 0.8,
    updateIntervalS: random.float() < 0.5 ? 600 : 30 + random.int(90),
    faults: someFaults(random),
    churn: random.float() < 0.5 ? someChurn(random) : undefined,
    mishaps: Array.from({ length: random.int(MISHAPS_MAX + 1) }, () => someMishap(random, loadMs)),
    attack: undefined,
    lookupsPerSecond: between(random, 1, 6),
    refreshMs: between(random, MINUTE, 10 * MINUTE),
    removalMs: random.float() < 0.5 ? between(random, MINUTE, 5 * MINUTE) : undefined,
    healLimitMs: 10 * MINUTE,
  }
  // Drawn last, in the order in which they came, so that a seed without them is the run that it was before there were any.
  const standstill = random.float() < 0.3 ? [someStandstill(random, loadMs)] : []
  const fullDisk = random.float() < 0.3 ? [someFullDisk(random, loadMs)] : []
  return { ...plan, mishaps: [...plan.mishaps, ...standstill, ...fullDisk] }
}

/** Each kind of fault is off in half of the seeds, so that a few are seen alone. */
function someFaults(random: Random): Faults {
  const maybe = (most: number): number => (random.float() < 0.5 ? 0 : random.float() * most)
  return {
    latencyMs: between(random, 1, 60),
    jitterMs: maybe(120),
    spreadMs: maybe(150),
    lossChance: maybe(0.05),
    retransmitMs: between(random, 200, 1_000),
    duplicateChance: maybe(0.02),
    overtakeChance: maybe(0.02),
    overtakeMs: between(random, 200, 2_000),
    resetChance: maybe(0.002),
    diskMs: CALM.diskMs + maybe(50),
  }
}

function someChurn(random: Random): Churn {
  return {
    spread: random.float() < 0.5 ? 'exponential' : 'heavy-tailed',
    meanMs: between(random, 3 * MINUTE, 30 * MINUTE),
    leaveShare: random.float(),
    silentShare: random.float() < 0.5 ? 0 : random.float(),
    restartShare: random.float() < 0.5 ? 0 : random.float(),
  }
}

/** A process that gets no processor for a while, as in a machine that swaps or a virtual one that is moved. */
function someStandstill(random: Random, loadMs: number): Mishap {
  return {
    atMs: random.float() * loadMs * 0.8,
    kind: 'pause',
    share: random.float() * 0.2,
    durationMs: between(random, 500, MINUTE),
  }
}

function someFullDisk(random: Random, loadMs: number): Mishap {
  return {
    atMs: random.float() * loadMs * 0.8,
    kind: 'fullDisk',
    share: random.float() * 0.3,
    durationMs: between(random, 1_000, 2 * MINUTE),
  }
}

function someMishap(random: Random, loadMs: number): Mishap {
  const atMs = random.float() * loadMs * 0.8
  const durationMs = between(random, 1_000, 3 * MINUTE)
  switch (random.int(6)) {
    case 0:
      return { atMs, kind: 'kill', share: random.float() * 0.3, silent: random.float() < 0.5 }
    case 1: {
      const disk = random.float() < 0.7
      return {
        atMs,
        kind: 'restart',
        share: random.float() * 0.3,
        disk,
        downMs: between(random, 500, MINUTE),
      }
    }
    case 2:
      return { atMs, kind: 'partition', share: random.float() * 0.5, durationMs }
    case 3:
      return { atMs, kind: 'cutOneWay', share: random.float() * 0.2, durationMs }
    case 4:
      return { atMs, kind: 'clog', pairs: 1 + random.int(20), durationMs }
    default:
      return {
        atMs,
        kind: 'clockJump',
        share: random.float() * 0.3,
        byMs: between(random, -60 * MINUTE, 60 * MINUTE),
      }
  }
}
