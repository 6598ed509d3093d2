/**
 * `npm run soak:avalanche`: a testbed of real processes; thousands of phones get their power back within seconds and register at one
 * peer, while others that are registered go on calling. Exit code 1 when a phone is not registered in time, a call fails or a peer ends.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DOMAIN, Testbed, user } from '../interop/support/testbed.ts'
import { UdpPhones } from '../support/udp-phones.ts'
import { CallPair, type Call } from './call-pair.ts'

const HELP = `npm run soak:avalanche -- [options]

  --phones N        that power up (default 10000)
  --within S        seconds in which they do (default 10)
  --registered S    seconds after which all have to be registered (default 60)
  --addresses N     loopback addresses that they come from (default 100)
  --pairs N         pairs of registered phones that call each other meanwhile: half of them
                    within the peer, half from another one (default 10)
  --call-max S      seconds that a call may take to be set up (default 2)
  --fresh           their accounts have never registered: certificates are made then, too.
                    Otherwise each has been registered before, and unregistered
  --again           with --fresh: all unregister then, and the power goes and comes back once more
  --base-port PORT  (default 29000)`

const OPTIONS = {
  phones: { type: 'string', default: '10000' },
  within: { type: 'string', default: '10' },
  registered: { type: 'string', default: '60' },
  addresses: { type: 'string', default: '100' },
  pairs: { type: 'string', default: '10' },
  'call-max': { type: 'string', default: '2' },
  fresh: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  'base-port': { type: 'string', default: '29000' },
  help: { type: 'boolean', default: false },
} as const

const PEERS = 3
/** At which the phones register. */
const PEER = 0
const BEFORE_AT_ONCE = 32
const BETWEEN_CALLS_MS = 300
const QUIET_MS = 10_000
/** A phone that got no answer at all tries again after so long. */
const RETRY_S = 10
/** AORs that are looked up at another peer in the end. */
const SAMPLE = 200

interface Phone {
  readonly user: string
  readonly at: UdpPhones
  /** After its power came back. */
  registeredMs: number | undefined
  /** Of the attempt that succeeded. */
  waitedMs: number
  readonly refused: number[]
  readonly retryAfterS: number[]
}

interface Usage {
  readonly cpuS: readonly number[]
  readonly readAt: number
}

const started = performance.now()

function say(line: string): void {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}\n`)
}

/** Calm: each with these times of expiry, the last of which is 0, so that certificates and nothing else are there. */
async function unregistered(
  phones: readonly Phone[],
  target: string,
  times: readonly number[],
): Promise<void> {
  const queue = phones.values()
  let done = 0
  const line = async (): Promise<void> => {
    for (const phone of queue) {
      const { user: name, at } = phone
      for (const expires of times) {
        for (let status = 0; status !== 200;) {
          const answer = await at.register(name, target, expires)
          status = answer.status
          if (status !== 200) await sleep(1000 * (answer.retryAfterS ?? 1))
        }
      }
      phone.registeredMs = undefined
      phone.refused.length = 0
      phone.retryAfterS.length = 0
      if (++done % 1000 === 0) say(`${done} have been registered before`)
    }
  }
  await Promise.all(Array.from({ length: BEFORE_AT_ONCE }, line))
}

/** One phone from power to registration; it does what it is told, and gives up when `until` has passed. */
async function power(phone: Phone, target: string, delayMs: number, until: number): Promise<void> {
  await sleep(delayMs)
  const began = performance.now()
  while (performance.now() < until) {
    const answer = await phone.at.register(phone.user, target, 3_600)
    if (answer.status === 200) {
      phone.registeredMs = performance.now() - began
      phone.waitedMs = answer.ms
      return
    }
    phone.refused.push(answer.status)
    if (answer.retryAfterS !== undefined) phone.retryAfterS.push(answer.retryAfterS)
    await sleep(1000 * (answer.retryAfterS ?? RETRY_S))
  }
}

function usage({ peers }: Testbed): Usage {
  const cpuS = peers.map(({ pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  })
  return { cpuS, readAt: performance.now() }
}

async function metric({ peers }: Testbed, peer: number, name: string): Promise<number> {
  const response = await fetch(`http://${peers[peer]?.admin}/metrics`)
  let sum = 0
  for (const line of (await response.text()).split('\n'))
    if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  return sum
}

/** Users of a sample whom another peer does not find. */
async function notFound(testbed: Testbed, phones: readonly Phone[]): Promise<string[]> {
  const missing: string[] = []
  const home = testbed.peer(PEER).nodeId
  const step = Math.max(1, Math.floor(phones.length / SAMPLE))
  for (let index = 0; index < phones.length; index += step) {
    const name = (phones[index] as Phone).user
    const { entries = [] } = (await testbed.api(1, `/api/v1/locate?aor=${name}@${DOMAIN}`)) as {
      entries?: { target: string }[]
    }
    if (!entries.some(({ target }) => target === home)) missing.push(name)
  }
  return missing
}

function spread(values: readonly number[], unit = ''): string {
  if (values.length === 0) return 'none'
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number).toFixed(
      unit === 's' ? 1 : 0,
    )
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)}${unit === '' ? '' : ` ${unit}`}`
}

function counts(values: readonly number[]): string {
  const counted = new Map<number, number>()
  for (const value of values) counted.set(value, (counted.get(value) ?? 0) + 1)
  return [...counted].map(([value, count]) => `${count} x ${value}`).join(', ') || 'none'
}

function failed(calls: readonly Call[]): Call[] {
  return calls.filter(({ status, byeStatus }) => status !== 200 || byeStatus !== 200)
}

type Wishes = Readonly<Record<'within' | 'registered' | 'call-max', string>>

interface Run {
  readonly testbed: Testbed
  readonly talkers: readonly CallPair[]
  readonly phones: readonly Phone[]
  readonly wishes: Wishes
}

/** One power cut; true when it went well. */
async function round({ testbed, talkers, phones, wishes }: Run, fresh: boolean): Promise<boolean> {
  const count = phones.length
  const target = testbed.peer(PEER).sip
  const withinMs = 1000 * Number(wishes.within)
  const registeredMs = 1000 * Number(wishes.registered)
  const callMaxMs = 1000 * Number(wishes['call-max'])
  for (const { calls } of talkers) calls.length = 0
  let calling = true
  const talks = talkers.map((pair) => pair.keepCalling(BETWEEN_CALLS_MS, () => calling))
  await sleep(QUIET_MS)
  const quiet = talkers.flatMap(({ calls }) => [...calls])
  for (const { calls } of talkers) calls.length = 0
  const first = usage(testbed)
  say(`the power comes back: ${count} phones within ${wishes.within} s`)
  const until = performance.now() + registeredMs
  const begun = performance.now()
  const all = Promise.all(
    phones.map((phone, index) => power(phone, target, (withinMs * index) / count, until)),
  )
  let done = false
  const ended = all.then(() => (done = true))
  while (!done) {
    await Promise.race([ended, sleep(5_000)])
    say(`${phones.filter((phone) => phone.registeredMs !== undefined).length} are registered`)
  }
  const tookMs = performance.now() - begun
  const last = usage(testbed)
  calling = false
  await Promise.all(talks)
  const busy = talkers.flatMap(({ calls }) => calls)
  const alive = testbed.peers.filter(({ pid }) => isAlive(pid)).length
  const left = phones.filter((phone) => phone.registeredMs === undefined)
  const aors = await metric(testbed, PEER, 'p2psip_registrar_aors')
  const missing = await notFound(
    testbed,
    phones.filter((phone) => phone.registeredMs !== undefined),
  )
  const seconds = (last.readAt - first.readAt) / 1000
  const cpu = last.cpuS.map((each, index) => (each - (first.cpuS[index] as number)).toFixed(1))
  const refused = phones.flatMap((phone) => phone.refused)
  const slow = busy.filter(({ setupMs }) => setupMs > callMaxMs)
  const rows: [string, string][] = [
    ['phones', `${count} within ${wishes.within} s${fresh ? ', never registered before' : ''}`],
    ['registered', `${count - left.length}; AORs at the peer: ${aors}`],
    ['until the last one', `${(tookMs / 1000).toFixed(1)} s`],
    [
      'power to registration',
      spread(
        phones.flatMap((p) => (p.registeredMs === undefined ? [] : [p.registeredMs / 1000])),
        's',
      ),
    ],
    [
      '  of it the last attempt',
      spread(
        phones.flatMap((p) => (p.registeredMs === undefined ? [] : [p.waitedMs])),
        'ms',
      ),
    ],
    ['refused, by status (408: no answer)', counts(refused)],
    [
      '  Retry-After',
      spread(
        phones.flatMap((phone) => phone.retryAfterS),
        's',
      ),
    ],
    [
      'calls before',
      `${quiet.length}, failed ${failed(quiet).length}; set up ${spread(
        quiet.map(({ setupMs }) => setupMs),
        'ms',
      )}`,
    ],
    [
      'calls meanwhile',
      `${busy.length}, failed ${failed(busy).length}; set up ${spread(
        busy.map(({ setupMs }) => setupMs),
        'ms',
      )}`,
    ],
    [`  set up later than ${wishes['call-max']} s`, String(slow.length)],
    ['CPU of the peers', `${cpu.join(' + ')} s in ${seconds.toFixed(1)} s`],
    ['not found by another peer', `${missing.length} of a sample`],
    ['peers alive', `${alive} of ${PEERS}`],
  ]
  for (const [name, value] of rows) say(`${name.padEnd(38)}${value}`)
  for (const call of failed(busy).slice(0, 10)) say(`failed: ${JSON.stringify(call)}`)
  const good = left.length === 0 && failed(busy).length === 0 && slow.length === 0 && missing.length === 0
  say(good && alive === PEERS ? 'PASSED' : 'FAILED')
  return good && alive === PEERS
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const [count, pairs] = [Number(values.phones), Number(values.pairs)]
  const flags = [
    '--peers',
    String(PEERS),
    '--users',
    String(count + 2 * pairs),
    '--base-port',
    values['base-port'],
  ]
  const testbed = await Testbed.start([...flags, '--log-level', 'warn'])
  const sockets = await Promise.all(
    Array.from({ length: Number(values.addresses) }, (_, index) =>
      UdpPhones.open(DOMAIN, `127.1.${index >> 8}.${(index & 255) + 1}`),
    ),
  )
  const talkers: CallPair[] = []
  try {
    const target = testbed.peer(PEER).sip
    const phones: Phone[] = Array.from({ length: count }, (_, index) => ({
      user: user(index),
      at: sockets[index % sockets.length] as UdpPhones,
      registeredMs: undefined,
      waitedMs: 0,
      refused: [],
      retryAfterS: [],
    }))
    for (let index = 0; index < pairs; index++) {
      const users = [user(count + 2 * index), user(count + 2 * index + 1)] as const
      talkers.push(await CallPair.open(users, testbed.peer(index % 2).sip, target))
    }
    say(`${PEERS} peers are ready, ${pairs} pairs are registered`)
    const run = { testbed, talkers, phones, wishes: values }
    if (!values.fresh) {
      await unregistered(phones, target, [3_600, 0])
      return (await round(run, false)) ? 0 : 1
    }
    const first = await round(run, true)
    if (!values.again) return first ? 0 : 1
    await unregistered(phones, target, [0])
    return (await round(run, false)) && first ? 0 : 1
  } finally {
    for (const pair of talkers) pair.close()
    for (const socket of sockets) socket.close()
    await testbed.stop()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

process.exitCode = await main()
