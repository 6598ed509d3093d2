/**
 * `npm run bench`: what a REGISTER, a call, a store, a fetch and a message cost, beside rivals measured in the same run. Figures of
 * one run mean little; runs alternate (A B A B) and medians are printed.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { codecFigures } from './codec.ts'
import { forwardingFigures } from './forwarding.ts'
import { load, median, type Measured } from './load.ts'
import { overlayLatency } from './overlay.ts'
import { kamailio, npmSip, ringbridge, type Server } from './servers.ts'
import { signedStorageFigures } from './signed-storage.ts'

const USERS = 1000
const ROUNDS = 3

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function registerRounds(
  servers: readonly Server[],
  flags: readonly string[],
  total: number,
): Promise<void> {
  const results = servers.map((): Measured[] => [])
  const base = ['-m', 'register', '-u', String(USERS), '-p', '5090', '-w', '32', ...flags]
  for (const server of servers)
    await load(server.pids, server.targets[0] ?? '', [...base, '-n', String(USERS)])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, server] of servers.entries()) {
      results[index]?.push(await load(server.pids, server.targets[0] ?? '', [...base, '-n', String(total)]))
    }
  }
  print(servers, results, 'REGISTER')
}

async function callRounds(servers: readonly Server[], total: number): Promise<void> {
  const results = servers.map((): Measured[] => [])
  for (const server of servers) {
    const home = server.targets[server.targets.length > 1 ? 1 : 0] ?? ''
    await load(server.pids, home, [
      '-m',
      'register',
      '-u',
      String(USERS),
      '-p',
      '5090',
      '-w',
      '16',
      '-n',
      String(USERS),
    ])
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, server] of servers.entries()) {
      const flags = ['-m', 'call', '-u', String(USERS), '-p', '5090', '-w', '16', '-n', String(total)]
      results[index]?.push(await load(server.pids, server.targets[0] ?? '', flags))
    }
  }
  print(servers, results, 'call')
}

function print(servers: readonly Server[], results: readonly (readonly Measured[])[], unit: string): void {
  const own = median((results[0] ?? []).map((result) => result.cpuUs))
  for (const [index, server] of servers.entries()) {
    const runs = results[index] ?? []
    const rate = median(runs.map((run) => run.rate))
    const cpu = median(runs.map((run) => run.cpuUs))
    const p99 = median(runs.map((run) => run.p99_us))
    const lost = runs.reduce((sum, run) => sum + run.fail + run.unfinished, 0)
    const ratio = index === 0 ? '' : `, ${server.name} / ringbridge CPU ${(cpu / own).toFixed(2)}`
    say(
      `  ${server.name}: ${rate.toFixed(0)} ${unit}/s, ${cpu.toFixed(1)} CPU-us a ${unit}, p99 ${p99.toFixed(0)} us, lost ${lost}${ratio}`,
    )
  }
}

async function all(
  servers: readonly (Server | undefined)[],
  run: (servers: readonly Server[]) => Promise<void>,
): Promise<void> {
  const there = servers.filter((server) => server !== undefined)
  try {
    await run(there)
  } finally {
    for (const server of there) await server.stop()
  }
}

/** The parts of a run in their order; `npm run bench -- --only forwarding,storage` runs some of them. */
const SECTIONS: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['codec', codec],
  ['forwarding', forwarding],
  ['storage', storage],
  ['register', register],
  ['calls', calls],
  ['overlay', overlays],
])

function codec(): Promise<void> {
  say('codec, us a message:')
  for (const line of codecFigures()) say(`  ${line}`)
  return Promise.resolve()
}

async function forwarding(): Promise<void> {
  say('Pings passed on by one peer over TLS links, CPU of that peer:')
  for (const line of await forwardingFigures(22500)) say(`  ${line}`)
}

async function storage(): Promise<void> {
  say(
    'Store (two replicas) and Fetch in a ring of six, CPU of all peers, beside what the signatures alone cost:',
  )
  for (const algorithm of ['ecdsa', 'rsa'] as const)
    for (const line of await signedStorageFigures(algorithm)) say(`  ${line}`)
}

async function register(): Promise<void> {
  say('REGISTER without digest, UDP, one peer:')
  await all(
    [await ringbridge(1, USERS, 'none', 22000), await kamailio(22060, false), await npmSip(22070)],
    (servers) => registerRounds(servers, [], 20_000),
  )
  say('REGISTER with MD5 digest, UDP, one peer (challenge and answer count as one):')
  await all([await ringbridge(1, USERS, 'digest', 22100), await kamailio(22160, true)], (servers) =>
    registerRounds(servers, ['-A', 'md5'], 20_000),
  )
}

async function calls(): Promise<void> {
  say('whole calls through one peer, UDP:')
  await all(
    [await ringbridge(1, USERS, 'none', 22200), await kamailio(22260, false), await npmSip(22270)],
    (servers) => callRounds(servers, 4_000),
  )
  say('whole calls across two peers, UDP, callee registered at the other one (CPU of both peers):')
  await all([await ringbridge(2, USERS, 'none', 22300)], (servers) => callRounds(servers, 3_000))
}

async function overlays(): Promise<void> {
  for (const peers of [3, 16]) {
    say(`store and fetch over ${peers} peers:`)
    await all([await ringbridge(peers, 60, 'none', 22400)], async ([server]) => {
      if (server !== undefined) for (const line of await overlayLatency(server)) say(`  ${line}`)
    })
  }
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const wanted = values.only?.split(',') ?? [...SECTIONS.keys()]
const unknown = wanted.filter((name) => !SECTIONS.has(name))
if (unknown.length > 0)
  throw new Error(`no section ${unknown.join(', ')}; there are ${[...SECTIONS.keys()].join(', ')}`)
say(
  `# ${cpus()[0]?.model ?? 'unknown CPU'} x${cpus().length}, Node ${process.version}, load before ${loadavg()[0]?.toFixed(1) ?? '?'}`,
)
for (const name of wanted) await SECTIONS.get(name)?.()
