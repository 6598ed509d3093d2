import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Watched } from './watched.ts'

/** A process of ours, with its output line by line. Ended by pid, never by name. */
export class Running {
  readonly child: ChildProcess
  readonly command: string
  private readonly lines: string[] = []
  private readonly watched = new Watched()
  private rest = ''
  private ended = false
  /** With the processes that it starts it is a group, which ends as one. */
  private readonly ownGroup: boolean

  constructor(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; ownGroup?: boolean } = {},
  ) {
    const { ownGroup, ...settings } = options
    this.ownGroup = ownGroup === true
    this.command = [command, ...args].join(' ')
    this.child = spawn(command, [...args], {
      ...settings,
      detached: this.ownGroup,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        const parts = (this.rest + text).split('\n')
        this.rest = parts.pop() ?? ''
        this.lines.push(...parts)
        this.watched.wake()
      })
    }
    this.child.once('close', () => {
      this.ended = true
      this.watched.wake()
    })
  }

  get output(): string {
    return [...this.lines, this.rest].join('\n')
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** First line (past or future) that `matches` says yes to; fails when the process ends or the time is over. */
  async line(matches: (line: string) => boolean, what: string, timeoutMs = 60_000): Promise<string> {
    const look = (): string | undefined =>
      this.lines.find(matches) ?? (matches(this.rest) ? this.rest : undefined)
    const found = await this.watched.until(() => look() ?? (this.ended ? null : undefined), timeoutMs)
    if (typeof found !== 'string')
      throw new Error(`${what}: not seen in output of ${this.command}\n${this.output}`)
    return found
  }

  /** Exit code; fails when the process has not ended in time. */
  async exit(timeoutMs = 60_000): Promise<number> {
    if (!this.ended) await this.watched.until(() => (this.ended ? true : undefined), timeoutMs)
    if (!this.ended) throw new Error(`still running: ${this.command}\n${this.output}`)
    return this.child.exitCode ?? -1
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return
    this.kill(signal)
    const done = await this.watched.until(() => (this.ended ? true : undefined), 25_000)
    if (done === undefined) {
      this.kill('SIGKILL')
      await once(this.child, 'close')
    }
  }

  private kill(signal: NodeJS.Signals): void {
    if (this.ownGroup && this.pid !== 0) process.kill(-this.pid, signal)
    else this.child.kill(signal)
  }
}

/** A free port behind which the next one is free as well: for phones that take both. */
export async function freePortPair(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await freePort()
    if (port < 65_535 && isOfThisLane(port + 1) && (await freePort(port + 1).catch(() => 0)) !== 0)
      return port
  }
  throw new Error('no two free ports in a row')
}

/** Given out by this process: whoever got one may not have opened it yet. */
const given = new Set<number>()

/** Of the two lanes in which tests may run side by side (scripts/interop.ts) each has every other four ports. */
function isOfThisLane(port: number): boolean {
  const lane = process.env['RINGBRIDGE_PORT_LANE']
  return lane === undefined || (port >> 2) % 2 === Number(lane)
}

/** A TCP port on loopback that was free a moment ago; `wanted`, or a rejection when that is taken. No port is given out twice. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer()
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  server.close()
  await once(server, 'close')
  if (wanted === 0 && (given.has(port) || !isOfThisLane(port))) return freePort()
  given.add(port)
  return port
}
