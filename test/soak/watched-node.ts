/** One node as a process, with a watch on its event loop and its heap. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { saveAccounts } from '../../src/app/accounts/account-file.ts'
import { newAccount } from '../../src/app/accounts/new-account.ts'
import { COMMAND, DOMAIN, ROOT } from '../interop/support/testbed.ts'
import type { LoopNews } from './loop-watch.ts'

export interface WatchedPorts {
  /** UDP and TCP. */
  readonly sip: number
  readonly tls: number
  readonly ws: number
  readonly admin: number
  /** And the one after it. */
  readonly reload: number
}

export class WatchedNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringbridge-mutation-'))
  readonly ports: WatchedPorts
  /** Longest turn of the event loop since the last look, in milliseconds on the processor; collections apart. */
  longestTurnMs = 0
  longestCollectionMs = 0
  /** Set when it has ended by itself. */
  ended: string | undefined
  private child: ChildProcess | undefined
  private heap: ((bytes: number) => void) | undefined

  /** `more`: further sections of the configuration. */
  constructor(ports: WatchedPorts, auth: 'digest' | 'none', more: object = {}) {
    this.ports = ports
    const users = join(this.folder, 'users.jsonl')
    saveAccounts(
      users,
      ['alice', 'bob'].map((name) => newAccount(name, DOMAIN, `pw-${name}`)),
    )
    const many = 1_000_000
    const at = (scheme: string, port: number): string => `${scheme}://127.0.0.1:${port}`
    // JSON is YAML.
    writeFileSync(
      join(this.folder, 'config.yaml'),
      JSON.stringify({
        overlay: { listen: [at('tls', ports.reload)] },
        sip: {
          listen: [at('udp', ports.sip), at('tcp', ports.sip), at('tls', ports.tls), at('ws', ports.ws)],
          auth,
          users,
        },
        admin: { listen: `127.0.0.1:${ports.admin}` },
        data: { dir: join(this.folder, 'data') },
        // What is broken shall get as far as it can.
        limits: { requestsPerSource: many, strangerRequestsPerSource: many, authFailures: many },
        log: { level: 'warn', format: 'json' },
        ...more,
      }),
    )
  }

  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'log.jsonl'), 'a')
    const watch = join(ROOT, 'test', 'soak', 'loop-watch.ts')
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--import',
        'tsx',
        '--import',
        watch,
        COMMAND,
        'start',
        '--config',
        join(this.folder, 'config.yaml'),
        '--tied',
      ],
      { stdio: ['pipe', log, log, 'ipc'], cwd: ROOT },
    )
    closeSync(log)
    this.child = child
    child.once('exit', (code, signal) => (this.ended ??= signal ?? `exit code ${String(code)}`))
    child.on('message', (news) => this.told(news as LoopNews))
    for (let tries = 0; tries < 300; tries++) {
      if (this.ended !== undefined) throw new Error(`the node has ended: ${this.ended}\n${this.log()}`)
      if ((await this.http('/readyz')).status === 200) return
      await sleep(200)
    }
    throw new Error(`the node was not ready in time\n${this.log()}`)
  }

  /** Bytes of the heap after a collection. */
  heapBytes(): Promise<number> {
    return new Promise((resolve) => {
      this.heap = resolve
      this.child?.send('heap')
    })
  }

  /** All gauges of the product by name and labels, and how many files and sockets it has open. */
  async levels(): Promise<Map<string, number>> {
    const { text } = await this.http('/metrics')
    const gauges = new Set([...text.matchAll(/^# TYPE (p2psip_\w+) gauge$/gm)].map(([, name]) => name))
    const levels = new Map<string, number>()
    for (const line of text.split('\n')) {
      const [name = ''] = line.split(/[{ ]/)
      const end = line.lastIndexOf(' ')
      if (gauges.has(name)) levels.set(line.slice(0, end), Number(line.slice(end + 1)))
    }
    levels.set('files', readdirSync(`/proc/${this.child?.pid ?? 0}/fd`).length)
    return levels
  }

  /** The sum of all samples of a metric whose labels hold `label`. */
  async metric(name: string, label = ''): Promise<number> {
    const { text } = await this.http('/metrics')
    let sum = 0
    for (const line of text.split('\n')) {
      if (line.startsWith(`p2psip_${name}`) && line.includes(label))
        sum += Number(line.slice(line.lastIndexOf(' ') + 1))
    }
    return sum
  }

  /** Lines of the log that tell of a fault of the program. */
  faults(): string[] {
    return this.log()
      .split('\n')
      .filter(
        (line) =>
          line.includes('internal_error') || line.includes('"level":"error"') || line.includes('"level":50'),
      )
  }

  log(): string {
    return readFileSync(join(this.folder, 'log.jsonl'), 'utf8')
  }

  async stop(): Promise<void> {
    const { child } = this
    if (child !== undefined && this.ended === undefined) {
      this.ended = 'stopped'
      child.kill('SIGTERM')
      await Promise.race([new Promise((resolve) => child.once('exit', resolve)), sleep(25_000)])
      child.kill('SIGKILL')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async http(path: string): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.ports.admin}${path}`, {
        signal: AbortSignal.timeout(10_000),
      })
      return { status: response.status, text: await response.text() }
    } catch {
      return { status: 0, text: '' }
    }
  }

  private told(news: LoopNews): void {
    if (news.kind === 'heap') {
      this.heap?.(news.bytes)
      return
    }
    this.longestTurnMs = Math.max(this.longestTurnMs, news.longestMs)
    this.longestCollectionMs = Math.max(this.longestCollectionMs, news.collectionMs)
  }
}
