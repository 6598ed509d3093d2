/**
 * `npm run soak:mutation`: broken messages from a seed into a running node over UDP, TCP, TLS and WebSocket, while good ones have to be
 * answered. Exit code 1 when the node ends, trips over a fault of its own, lets a turn of its event loop take longer than 50 ms, or is
 * larger afterwards than before.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/common/random.ts'
import { BrokenPhones, WAYS, type Way } from './broken-phones.ts'
import { WatchedNode } from './watched-node.ts'

const HELP = `npm run soak:mutation -- [options]

  --messages N      broken messages (default 1000000), half of them to a node with digest, half to one without
  --ways LIST       of ${WAYS.join(',')} (default: all)
  --seed TEXT       (default: the time)
  --base-port PORT  (default 29000)`

const OPTIONS = {
  messages: { type: 'string', default: '1000000' },
  ways: { type: 'string', default: WAYS.join(',') },
  seed: { type: 'string', default: String(Date.now()) },
  'base-port': { type: 'string', default: '29000' },
  help: { type: 'boolean', default: false },
} as const

const TURN_MAX_MS = 50
/** Compiled code, caches and tables that have had their first use; what is left over message by message comes to more. */
const GROWTH_MAX = 16 * 1024 * 1024
/** Small enough for the socket buffer of the node; then a good request has to be answered. */
const BURST = 40
const SAY_EVERY = 50_000
/** The last phone of an INVITE may begin to ring after three minutes, and another three later Timer C ends it. */
const CALM_WITHIN_MS = 420_000

const started = performance.now()
function say(line: string): void {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}\n`)
}

function torture(): string[] {
  const folder = new URL('../vectors/rfc4475/', import.meta.url)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.dat'))
    .map((file) => readFileSync(new URL(file, folder)).toString('latin1'))
}

interface Wishes {
  readonly messages: number
  readonly ways: readonly Way[]
  readonly seed: string
  readonly basePort: number
}

/** Faults in words; none is what is wanted. */
async function round(auth: 'digest' | 'none', wishes: Wishes): Promise<string[]> {
  const { basePort, messages, ways } = wishes
  const ports = {
    sip: basePort,
    tls: basePort + 1,
    ws: basePort + 2,
    admin: basePort + 3,
    reload: basePort + 4,
  }
  const node = new WatchedNode(ports, auth)
  const random = new SeededRandom(`${wishes.seed}-${auth}`)
  const phones = await BrokenPhones.open({ random, torture: torture(), target: ports, port: basePort + 9 })
  const faults: string[] = []
  try {
    await node.start()
    say(`auth ${auth}: the node is ready`)
    await storm(node, phones, { messages: Math.min(20_000, messages), ways })
    say('warm')
    await calm(node, phones)
    const before = await node.heapBytes()
    node.longestTurnMs = 0
    node.longestCollectionMs = 0
    const answered = await storm(node, phones, { messages, ways })
    if (!answered) faults.push(`auth ${auth}: a good request was not answered (message ${phones.sent})`)
    await calm(node, phones)
    const after = node.ended === undefined ? await node.heapBytes() : 0
    const left = await node.metric('sip_transactions_active')
    if (left > 0) faults.push(`auth ${auth}: ${left} transactions are still there`)
    if (node.longestTurnMs > TURN_MAX_MS)
      faults.push(`auth ${auth}: a turn of the event loop took ${node.longestTurnMs.toFixed(1)} ms`)
    if (after - before > GROWTH_MAX)
      faults.push(`auth ${auth}: the heap grew from ${mega(before)} to ${mega(after)}`)
    const internal = await node.metric('sip_malformed_messages_total', 'internal')
    if (internal > 0) faults.push(`auth ${auth}: ${internal} requests tripped over a fault of ours`)
    for (const line of node.faults().slice(0, 5)) faults.push(`auth ${auth}: ${line}`)
    if (node.ended !== undefined)
      faults.push(`auth ${auth}: the node has ended (${node.ended})\\n${node.log().slice(-2_000)}`)
    say(`messages sent                     ${phones.sent}`)
    say(`requests read                     ${await node.metric('sip_requests_received_total')}`)
    say(`broken beyond use                 ${await node.metric('sip_malformed_messages_total')}`)
    say(`connections closed                ${phones.closed}`)
    say(
      `longest turn, longest collection  ${node.longestTurnMs.toFixed(1)} ms, ${node.longestCollectionMs.toFixed(1)} ms`,
    )
    say(`heap before, after                ${mega(before)}, ${mega(after)}`)
    return faults
  } finally {
    phones.close()
    await node.stop()
  }
}

/** False when the node stopped answering. */
async function storm(
  node: WatchedNode,
  phones: BrokenPhones,
  { messages, ways }: { readonly messages: number; readonly ways: readonly Way[] },
): Promise<boolean> {
  phones.mute = false
  const end = phones.sent + messages
  let next = phones.sent + SAY_EVERY
  while (phones.sent < end) {
    for (let i = 0; i < BURST && phones.sent < end; i++) phones.send(ways)
    await setImmediate()
    if (node.ended !== undefined || !(await phones.probe())) return false
    if (phones.sent < next) continue
    next += SAY_EVERY
    say(`${phones.sent} sent; longest turn ${node.longestTurnMs.toFixed(1)} ms`)
  }
  return true
}

/** Waits until nothing is under way. */
async function calm(node: WatchedNode, phones: BrokenPhones): Promise<void> {
  phones.mute = true
  phones.hangUp()
  const until = performance.now() + CALM_WITHIN_MS
  while (performance.now() < until && node.ended === undefined) {
    if ((await node.metric('sip_transactions_active')) === 0) return
    await sleep(1_000)
  }
}

function mega(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const ways = WAYS.filter((way) => values.ways.split(',').includes(way))
  const wishes = {
    messages: Math.ceil(Number(values.messages) / 2),
    ways,
    seed: values.seed,
    basePort: Number(values['base-port']),
  }
  say(`SEED ${values.seed}: ${values.messages} messages over ${ways.join(', ')}`)
  const faults = [...(await round('none', wishes)), ...(await round('digest', wishes))]
  for (const fault of faults) say(`FAULT ${fault}`)
  say(faults.length === 0 ? 'PASSED' : 'FAILED')
  return faults.length === 0 ? 0 : 1
}

process.exitCode = await main()
