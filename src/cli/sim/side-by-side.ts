/** Seeds of a swarm side by side, each in a process of its own: a run is one thread, a machine has several processors. */
import { spawn } from 'node:child_process'
import type { Figures } from '../../sim/figures.ts'

/** Megabytes; a run makes much short-lived garbage, and a larger young generation saves a sixth of its time. */
const YOUNG_MB = 32

export type SeedResult =
  | { readonly kind: 'figures'; readonly figures: Figures; readonly seconds: number }
  /** It ended without figures; the text says how. */
  | { readonly kind: 'crashed'; readonly how: string }

/** Runs all seeds, `jobs` at a time, and tells each result as soon as it is there. `command`: arguments of node that run `ringbridge`. */
export async function sideBySide(
  command: readonly string[],
  seeds: readonly string[],
  jobs: number,
  tell: (seed: string, result: SeedResult) => void,
): Promise<void> {
  const waiting = seeds[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (const seed of waiting) tell(seed, await seedRun(command, seed))
  }
  await Promise.all(Array.from({ length: Math.min(jobs, seeds.length) }, lane))
}

function seedRun(command: readonly string[], seed: string): Promise<SeedResult> {
  const args = [...command, 'sim', '--swarm', '--seed', seed, '--json']
  const child = spawn(process.execPath, [`--max-semi-space-size=${YOUNG_MB}`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_MAX)))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'crashed', how: error.message }))
    child.once('close', (code, signal) =>
      resolve(read(out, `${signal ?? `exit code ${code}`}: ${said.trim()}`)),
    )
  })
}

/** Characters of what a process said last. */
const SAID_MAX = 2_000

function read(out: string, how: string): SeedResult {
  try {
    const { seconds, ...figures } = JSON.parse(out) as Figures & { readonly seconds: number }
    return { kind: 'figures', figures, seconds }
  } catch {
    return { kind: 'crashed', how }
  }
}
