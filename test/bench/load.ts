import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The benchmark runs compiled, from another folder; its C source and the rivals' files stay here. npm sets the working folder. */
const HERE = join(process.cwd(), 'test', 'bench')

/** What sipload prints after a run. */
export interface LoadResult {
  readonly ok: number
  readonly fail: number
  readonly unfinished: number
  readonly retrans: number
  readonly elapsed: number
  readonly rate: number
  readonly p50_us: number
  readonly p99_us: number
  readonly pdd_p50_us: number
  readonly pdd_p99_us: number
  readonly bad: string
}

export interface Measured extends LoadResult {
  /** CPU microseconds of the server's processes a successful transaction. */
  readonly cpuUs: number
}

let binary: string | undefined

/** Builds the load generator once a run. */
export function sipload(): string {
  if (binary === undefined) {
    binary = join(mkdtempSync(join(tmpdir(), 'ringbridge-bench-')), 'sipload')
    const flags = ['-O2', '-Wno-deprecated-declarations', '-Wno-format-truncation']
    execFileSync('gcc', [...flags, '-o', binary, join(HERE, 'c', 'sipload.c'), '-lcrypto', '-lm'])
  }
  return binary
}

/** CPU seconds that a process, all its threads and its children have used, from /proc; threads that have ended count no more. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0
  for (const each of family(pid)) {
    try {
      for (const thread of readdirSync(`/proc/${each}/task`))
        nanoseconds += Number(readFileSync(`/proc/${each}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return nanoseconds / 1e9
}

/** Resolves when the servers rest: certificates that are still being made after a first REGISTER are no part of the second one's cost. */
export async function atRest(pids: readonly number[]): Promise<void> {
  for (let turn = 0; turn < REST_TURNS_MAX; turn++) {
    const before = pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const used = pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0) - before
    if (used < 0.02 * pids.length) return
  }
}

const REST_TURNS_MAX = 60

/** A process and all its descendants. */
export function family(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // As above.
    }
  }
  const all = [pid]
  for (const each of all) all.push(...(children.get(each) ?? []))
  return all
}

/** Runs the generator pinned to CPU 1 and adds the CPU time that the servers used meanwhile. */
export function load(pids: readonly number[], target: string, flags: readonly string[]): Promise<Measured> {
  const before = pids.map(cpuSeconds)
  return new Promise((resolve, reject) => {
    const run = spawn('taskset', ['-c', '1', sipload(), '-D', 'dht.example.com', ...flags, target])
    let text = ''
    run.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
    run.stderr.on('data', (bytes: Buffer) => (text += bytes.toString()))
    run.once('error', reject)
    run.once('close', () => {
      const line = text.split('\n').find((each) => each.startsWith('{'))
      if (line === undefined) return reject(new Error(`sipload said: ${text}`))
      const result = JSON.parse(line) as LoadResult
      const used = pids.reduce((sum, pid, index) => sum + cpuSeconds(pid) - (before[index] ?? 0), 0)
      resolve({ ...result, cpuUs: (used * 1e6) / Math.max(1, result.ok) })
    })
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}
