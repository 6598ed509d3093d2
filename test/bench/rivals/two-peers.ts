/** Calls to a phone at another peer: how much later it rings than a phone at the same peer, with flows open and with none. */
import { load, median, type Measured } from '../load.ts'
import { ringbridge, type Server } from '../servers.ts'

const USERS = 200
const CALLS = 500
const ROUNDS = 5
/** Peers of the overlay in which no two have talked SIP yet; each is called once by its neighbor in the list. */
const COLD_PEERS = 8

/** One call at a time: this is latency, not throughput. */
const ONE_AT_A_TIME = ['-w', '1', '-p', '5090']

export async function twoPeerCalls(port: number): Promise<string[]> {
  return [
    `calls across two peers, UDP, one at a time, ${ROUNDS} rounds of ${CALLS}: INVITE to 180`,
    ...(await warmFigures(port)),
    ...(await coldFigures(port)),
  ]
}

async function warmFigures(port: number): Promise<string[]> {
  const server = await ringbridge(2, 2 * USERS, 'none', port)
  try {
    // The first users are at peer 0, the others at peer 1; all calls enter at peer 0.
    await register(server, 0, 0, USERS)
    await register(server, 1, USERS, USERS)
    const near: Measured[] = []
    const far: Measured[] = []
    for (const first of [0, USERS]) await calls(server, 0, first, CALLS)
    for (let round = 0; round < ROUNDS; round++) {
      near.push(await calls(server, 0, 0, CALLS))
      far.push(await calls(server, 0, USERS, CALLS))
    }
    const [near50, near99] = delays(near)
    const [far50, far99] = delays(far)
    return [
      `  one peer             ; p50 ${ms(near50)}, p99 ${ms(near99)}`,
      `  two peers, warm flows; p50 ${ms(far50)}, p99 ${ms(far99)}; added p50 ${ms(far50 - near50)}, p99 ${ms(far99 - near99)}${lost([...near, ...far])}`,
    ]
  } finally {
    await server.stop()
  }
}

/** The first call between two peers: AppAttach, a TLS handshake in each direction of trust, then the INVITE. */
async function coldFigures(port: number): Promise<string[]> {
  const server = await ringbridge(COLD_PEERS, COLD_PEERS, 'none', port)
  try {
    for (let peer = 0; peer < COLD_PEERS; peer++) await register(server, peer, peer, 1)
    const first: Measured[] = []
    const second: Measured[] = []
    for (let peer = 0; peer + 1 < COLD_PEERS; peer += 2) {
      first.push(await calls(server, peer, peer + 1, 1))
      second.push(await calls(server, peer, peer + 1, 1))
    }
    const of = (runs: readonly Measured[]): string =>
      runs.map((run) => (run.pdd_p50_us / 1000).toFixed(1)).join(', ')
    return [
      `  two peers, no flow yet (${COLD_PEERS} peers, ${first.length} pairs that never talked): ${of(first)} ms; the next call ${of(second)} ms${lost([...first, ...second])}`,
    ]
  } finally {
    await server.stop()
  }
}

async function register(server: Server, peer: number, first: number, count: number): Promise<void> {
  const flags = [
    '-m',
    'register',
    '-U',
    String(first),
    '-u',
    String(count),
    '-n',
    String(count),
    ...ONE_AT_A_TIME,
  ]
  await load(server.pids, server.targets[peer] ?? '', flags)
}

function calls(server: Server, peer: number, first: number, count: number): Promise<Measured> {
  const users = Math.min(count, first === 0 || count > 1 ? USERS : 1)
  const flags = [
    '-m',
    'call',
    '-U',
    String(first),
    '-u',
    String(users),
    '-n',
    String(count),
    ...ONE_AT_A_TIME,
  ]
  return load(server.pids, server.targets[peer] ?? '', flags)
}

function delays(runs: readonly Measured[]): readonly [number, number] {
  return [median(runs.map((run) => run.pdd_p50_us)), median(runs.map((run) => run.pdd_p99_us))]
}

function ms(us: number): string {
  return `${(us / 1000).toFixed(2)} ms`
}

function lost(runs: readonly Measured[]): string {
  const count = runs.reduce((sum, run) => sum + run.fail + run.unfinished, 0)
  return count === 0 ? '' : `; LOST ${count} ${runs.map((run) => run.bad).find((bad) => bad !== '') ?? ''}`
}
