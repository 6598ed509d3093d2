/**
 * `npm run bench:bindings`: what a binding takes in one process that holds very many, and how long its event loop stands still under a
 * steady rate of REGISTERs. An idle Node process beside it shows how much of a pause is the machine's.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { load } from '../load.ts'
import { pssBytes } from '../rivals/memory.ts'
import { kamailio } from '../servers.ts'
import type { Memory, Pauses, Question } from './served-core.ts'

const PORT = 23950
const ANSWERS_AT = ['-p', '5090']
/** Later than the 32 s for which an answered request is remembered (RFC 3261 Timer J). */
const REST_MS = 40_000

const { values } = parseArgs({
  options: {
    bindings: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
})

const HELP = `npm run bench:bindings -- [--bindings N] [--rate R] [--seconds S]

  --bindings N  users with one binding each (default 100000)
  --rate R      REGISTERs a second afterwards (default 1000)
  --seconds S   for that long (default 60)`

class Served {
  readonly process: ChildProcess
  private readonly users: number
  private readonly port: number

  constructor(users: number, port: number) {
    this.users = users
    this.port = port
    this.process = fork(
      join(import.meta.dirname, 'served-core.js'),
      [String(this.users), String(this.port)],
      {
        execArgv: ['--expose-gc'],
      },
    )
  }

  /** Resolves once it listens. Rejects when it ended instead. */
  async ready(): Promise<this> {
    await this.message()
    return this
  }

  async ask<T>(question: Question): Promise<T> {
    this.process.send(question)
    return (await this.message()) as T
  }

  get pids(): readonly number[] {
    return [this.process.pid ?? 0]
  }

  get target(): string {
    return `127.0.0.1:${this.port}`
  }

  stop(): void {
    this.process.kill('SIGTERM')
  }

  private async message(): Promise<unknown> {
    const ended = once(this.process, 'exit').then(([code]) => {
      throw new Error(`the node ended (${String(code)})`)
    })
    const [answer] = (await Promise.race([once(this.process, 'message'), ended])) as [unknown]
    return answer
  }
}

/** Growth of a Kamailio with one worker over as many bindings; undefined where it is not installed. */
async function rivalBytes(flags: readonly string[], users: number): Promise<number | undefined> {
  const rival = await kamailio(PORT + 2, false)
  if (rival === undefined) return undefined
  try {
    const before = pssBytes(rival.pids)
    const { ok } = await load(rival.pids, rival.targets[0] ?? '', [...flags, '-w', '32', '-n', String(users)])
    return (pssBytes(rival.pids) - before) / ok
  } finally {
    await rival.stop()
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function main(): Promise<void> {
  const users = Number(values.bindings)
  const rate = Number(values.rate)
  const seconds = Number(values.seconds)
  if (values.help || !(users >= 1 && rate >= 1 && seconds >= 1)) return say(HELP)
  const served = new Served(users, PORT)
  const idle = new Served(1, PORT + 1)
  try {
    await Promise.all([served.ready(), idle.ready()])
    await run(served, idle, { users, rate, seconds })
  } finally {
    served.stop()
    idle.stop()
  }
}

async function run(
  served: Served,
  idle: Served,
  { users, rate, seconds }: { readonly users: number; readonly rate: number; readonly seconds: number },
): Promise<void> {
  const flags = ['-m', 'register', '-u', String(users), ...ANSWERS_AT]
  const before = await served.ask<Memory>('memory')
  say(`# ${users} users, Node ${process.version}, load ${loadavg()[0]?.toFixed(1) ?? '?'}`)
  const first = await load(served.pids, served.target, [
    ...flags,
    '-w',
    '32',
    '-n',
    String(users),
    '-d',
    '570',
  ])
  say(
    `first REGISTER of each: ${first.ok} answered, ${first.cpuUs.toFixed(0)} CPU-us each, ${first.fail + first.unfinished} lost`,
  )
  await new Promise((resolve) => setTimeout(resolve, REST_MS))
  const after = await served.ask<Memory>('memory')
  const each = (pick: (memory: Memory) => number): string =>
    ((pick(after) - pick(before)) / after.bindings).toFixed(0)
  say(
    `${after.bindings} bindings, ${REST_MS / 1000} s later: bytes each ${each((m) => m.heap)} heap, ` +
      `${each((m) => m.arrayBuffers)} buffers, ${each((m) => m.rss)} resident (entry in the overlay and traces included)`,
  )
  const rival = await rivalBytes(flags, users)
  say(`Kamailio: ${rival?.toFixed(0) ?? 'not installed'} bytes each (growth of Pss)`)
  await Promise.all([served.ask('watch'), idle.ask('watch')])
  const count = rate * seconds
  const steady = await load(served.pids, served.target, [
    ...flags,
    ...['-r', String(rate), '-n', String(count), '-d', String(seconds * 4)],
  ])
  const [own, other] = await Promise.all([served.ask<Pauses>('pauses'), idle.ask<Pauses>('pauses')])
  say(
    `${rate} REGISTERs a second for ${seconds} s: ${steady.ok} answered (${steady.rate.toFixed(0)}/s), ${steady.fail + steady.unfinished} lost, ` +
      `${((own.cpuMs * 1000) / Math.max(1, steady.ok)).toFixed(1)} CPU-us each`,
  )
  say(`longest pause ${own.longestMs.toFixed(0)} ms, 99.9 % below ${own.p999Ms.toFixed(1)} ms`)
  say(
    `garbage collections: ${own.collections}, longest ${own.longestCollectionMs.toFixed(1)} ms, together ${own.collectionsMs.toFixed(0)} ms on the clock`,
  )
  say(
    `an idle Node process meanwhile: longest pause ${other.longestMs.toFixed(0)} ms, 99.9 % below ${other.p999Ms.toFixed(1)} ms`,
  )
}

await main()
