/**
 * Runs the interop tests in two lanes side by side: those that mostly wait for clocks, timers and restarts, and all others. Within a lane one file
 * runs at a time; no port is used in both. The other lane's report comes first, as it happens; that of the waiting ones when they are over.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const VITEST = ['node_modules/vitest/vitest.mjs', 'run', '--project']

/** Resolves with the exit code of a lane; what it prints goes to `out`. */
async function lane(project: string, ports: '0' | '1', out: (bytes: Buffer) => void): Promise<number> {
  const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const child = spawn(process.execPath, [...VITEST, project], {
    // The build of this moment, once for both.
    env: { ...process.env, ...colours, RINGBRIDGE_BUILT: '1', RINGBRIDGE_PORT_LANE: ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', out)
  child.stderr.on('data', out)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== null) process.stderr.write(`${project} was ended by ${signal}\n`)
  return code ?? 1
}

const held: Buffer[] = []
const codes = await Promise.all([
  lane('interop', '0', (bytes) => process.stdout.write(bytes)),
  lane('interop-waiting', '1', (bytes) => held.push(bytes)),
])
process.stdout.write(Buffer.concat(held))
process.exitCode = Math.max(...codes)
