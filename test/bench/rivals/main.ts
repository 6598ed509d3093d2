/**
 * `npm run bench:rivals`: Ringbridge beside Kamailio (one worker), npm `sip` and a bare Node echo, on one machine in one run. The
 * server has CPU 0, the load generator CPU 1. Only ratios mean something: whatever else runs on the machine slows all alike.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { kamailio, nodeEcho, npmSip, ringbridge, workersEcho, type Server } from '../servers.ts'
import { compare, type Comparison, type Contestant } from './rounds.ts'
import { bindingMemory } from './memory.ts'
import { isThere, missingTools } from './tools.ts'
import { twoPeerCalls } from './two-peers.ts'

const PORT = 23000
/** Each needs a certificate before the first round, which costs as much as a thousand REGISTERs. */
const USERS = 300
/** Where sipload answers calls. */
const ANSWERS_AT = ['-p', '5090']
const TCP = ['-T']

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const scale = Number(values.scale)

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function register(title: string, flags: readonly string[], count: number): Comparison {
  const base = ['-m', 'register', '-u', String(USERS), '-w', '32', ...ANSWERS_AT, ...flags]
  return {
    title,
    unit: 'REGISTER',
    flags: base,
    count: Math.round(count * scale),
    rounds,
    warmUp: [[...base, '-w', '4', '-n', String(USERS)]],
  }
}

function call(title: string, flags: readonly string[], count: number): Comparison {
  return {
    title,
    unit: 'call',
    flags: ['-m', 'call', '-u', String(USERS), '-w', '16', ...ANSWERS_AT, ...flags],
    count: Math.round(count * scale),
    rounds,
    warmUp: [
      ['-m', 'register', '-u', String(USERS), '-w', '4', ...ANSWERS_AT, ...flags, '-n', String(USERS)],
    ],
  }
}

/** Starts the servers, runs, and stops them whatever happens. Servers that are not installed are left out. */
async function against(
  start: readonly (() => Promise<Server | undefined>)[],
  run: (servers: readonly Server[]) => Promise<readonly string[]>,
): Promise<void> {
  const servers: Server[] = []
  try {
    for (const each of start) {
      const server = await each()
      if (server !== undefined) servers.push(server)
    }
    for (const line of await run(servers)) say(line)
  } finally {
    for (const server of servers) await server.stop()
  }
}

function contest(
  comparison: Comparison,
  auth: 'none' | 'digest',
  rivals: { readonly npm: boolean; readonly echo: readonly string[] | undefined },
): () => Promise<void> {
  const start = [
    () => ringbridge(1, USERS, auth, PORT),
    () => kamailio(PORT + 60, auth === 'digest'),
    ...(rivals.npm ? [() => npmSip(PORT + 70)] : []),
    ...(rivals.echo === undefined ? [] : [() => nodeEcho(PORT + 80)]),
  ]
  return () =>
    against(start, (servers) =>
      compare(
        comparison,
        servers.map((server): Contestant => {
          if (server.name !== ECHO) return { server, name: server.name }
          return { server, name: server.name, flags: rivals.echo ?? [] }
        }),
      ),
    )
}

const ECHO = 'bare Node echo'
const ECHO_LOAD = ['-m', 'echo', '-s', '500', '-w', '32']

/** What it costs to share a port between processes, before anything is done with a message (docs/benchmarks.md). */
function workers(): Promise<void> {
  const echo: Comparison = {
    title: 'echo over UDP by processes that share the port',
    unit: 'message',
    flags: ECHO_LOAD,
    count: Math.round(40_000 * scale),
    rounds,
    warmUp: [],
  }
  return against(
    [
      () => nodeEcho(PORT + 80),
      () => workersEcho(PORT + 90, 'alone'),
      () => workersEcho(PORT + 100, 'before-core'),
    ],
    (servers) =>
      compare(
        echo,
        servers.map((server): Contestant => ({ server, name: server.name })),
      ),
  )
}

const SECTIONS: ReadonlyMap<string, () => Promise<void>> = new Map([
  [
    'register',
    contest(register('REGISTER without digest, UDP', [], 20_000), 'none', { npm: true, echo: ECHO_LOAD }),
  ],
  [
    'digest',
    contest(
      register('REGISTER with MD5 digest, UDP (challenge and answer are one)', ['-A', 'md5'], 10_000),
      'digest',
      {
        npm: false,
        echo: undefined,
      },
    ),
  ],
  [
    'register-tcp',
    contest(register('REGISTER without digest, TCP', TCP, 20_000), 'none', {
      npm: false,
      echo: [...ECHO_LOAD, ...TCP],
    }),
  ],
  [
    'call',
    contest(call('call through a record-routing proxy, UDP', [], 3_000), 'none', {
      npm: true,
      echo: undefined,
    }),
  ],
  [
    'call-tcp',
    contest(call('call through a record-routing proxy, TCP', TCP, 3_000), 'none', {
      npm: false,
      echo: undefined,
    }),
  ],
  ['workers', workers],
  [
    'memory',
    () =>
      against([() => ringbridge(1, 10_000, 'none', PORT), () => kamailio(PORT + 60, false)], (servers) =>
        bindingMemory(servers, 10_000),
      ),
  ],
  ['two-peers', () => twoPeerCalls(PORT).then((lines) => lines.forEach(say))],
])

const HELP = `npm run bench:rivals -- [--only LIST] [--rounds N] [--scale F]

  --only LIST   of ${[...SECTIONS.keys()].join(', ')}
  --rounds N    runs of each server in each section, by turns (default 5)
  --scale F     that many times the transactions (default 1)`

async function main(): Promise<void> {
  if (values.help) return say(HELP)
  const missing = missingTools()
  if (missing.length > 0) {
    process.stderr.write(`bench:rivals needs\n${missing.map((each) => `  ${each}\n`).join('')}`)
    process.exitCode = 2
    return
  }
  const wanted = values.only?.split(',') ?? [...SECTIONS.keys()]
  const unknown = wanted.filter((name) => !SECTIONS.has(name))
  if (unknown.length > 0 || !(rounds >= 1) || !(scale > 0)) {
    process.stderr.write(`${unknown.length > 0 ? `no section ${unknown.join(', ')}\n` : ''}${HELP}\n`)
    process.exitCode = 2
    return
  }
  say(
    `# ${cpus()[0]?.model ?? 'unknown CPU'} x${cpus().length}, Node ${process.version}, load before ${loadavg()[0]?.toFixed(1) ?? '?'}`,
  )
  if (!isThere('kamailio'))
    say('# Kamailio is not installed (Debian package kamailio): its lines are missing below')
  for (const name of wanted) await SECTIONS.get(name)?.()
}

await main()
