/**
 * `npm run soak:churn`: a testbed of real processes, thousands of registered AORs, a random process killed every few seconds and
 * started again, lookups meanwhile. Exit code 1 when an AOR of a living peer is lost or any answer is wrong.
 */
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom, type Random } from '../../src/common/random.ts'
import { DOMAIN, user } from '../interop/support/testbed.ts'
import { UdpPhones } from '../support/udp-phones.ts'
import { Crowd, type Phone } from './crowd.ts'
import { ask, Fleet, type Peer } from './fleet.ts'
import { lookup, type Lookup } from './lookups.ts'
import { Report } from './report.ts'

const HELP = `npm run soak:churn -- [options]

  --peers N         processes (default 16)
  --aors N          registered users (default 2000)
  --minutes M       of kills (default 2)
  --kill-every S    seconds between two kills (default 5)
  --down-max N      no kill while so many peers are down or joining: for machines on which a restart takes longer
                    than the kills are apart (default: all but two)
  --refresh S       phones of a killed peer register again within so many seconds (default 30)
  --lookups N       lookups under way at any time (default 2)
  --seed TEXT       (default: the time)
  --base-port PORT  (default 28000)`

const OPTIONS = {
  peers: { type: 'string', default: '16' },
  aors: { type: 'string', default: '2000' },
  minutes: { type: 'string', default: '2' },
  'kill-every': { type: 'string', default: '5' },
  'down-max': { type: 'string' },
  refresh: { type: 'string', default: '30' },
  lookups: { type: 'string', default: '2' },
  seed: { type: 'string', default: String(Date.now()) },
  'base-port': { type: 'string', default: '28000' },
  help: { type: 'boolean', default: false },
} as const

const REGISTERS_AT_ONCE = 16
/** Between two lookups of one asker. */
const LOOKUP_PAUSE_MS = 100
/** After the last kill: until everybody has joined, and until what is still late counts as lost. */
const JOIN_WITHIN_MS = 300_000
const SECOND_LOOK_MS = 20_000
/** Peers that each AOR is asked of at the end. */
const ASKERS = 3

interface Wishes {
  readonly minutes: number
  readonly killEveryMs: number
  readonly downMax: number
  readonly refreshMs: number
  readonly lookups: number
}

interface Run {
  readonly wishes: Wishes
  readonly random: Random
  readonly fleet: Fleet
  readonly crowd: Crowd
  readonly report: Report
}

function pick<T>(random: Random, list: readonly T[]): T | undefined {
  return list.length === 0 ? undefined : list[random.int(list.length)]
}

/** Kills at fixed times, whatever the machine makes of it. */
async function killer({ wishes, random, fleet, crowd, report }: Run): Promise<void> {
  const order = random.fork('kills')
  const until = performance.now() + 60_000 * wishes.minutes
  for (let next = performance.now(); next < until; next += wishes.killEveryMs) {
    await sleep(Math.max(0, next - performance.now()))
    const peer = pick(order, fleet.ready)
    if (peer === undefined || fleet.peers.length - fleet.ready.length >= wishes.downMax) {
      report.postponed++
      continue
    }
    report.say(
      `kill peer ${peer.plan.peer}; ready ${fleet.ready.length - 1}, without a home ${crowd.withoutHome}`,
    )
    fleet.kill(peer)
    crowd.orphan(peer, wishes.refreshMs)
  }
}

async function asker({ fleet, crowd, report }: Run, random: Random, on: () => boolean): Promise<void> {
  while (on()) {
    const peer = pick(random, fleet.ready)
    const phone = pick(random, crowd.phones)
    if (peer !== undefined && phone !== undefined) report.during(await lookup(phone, peer))
    await sleep(LOOKUP_PAUSE_MS)
  }
}

/** Asks `ASKERS` peers for every AOR; those that one of them did not find. */
async function look({ fleet, random, report }: Run, phones: readonly Phone[]): Promise<Phone[]> {
  const notFound = new Set<Phone>()
  const queue = phones.values()
  const line = async (): Promise<void> => {
    for (const phone of queue) {
      for (let count = 0; count < ASKERS; count++) {
        const answer: Lookup = await lookup(phone, pick(random, fleet.ready) as Peer)
        report.after(answer)
        if (answer.verdict !== 'found' && answer.verdict !== 'stale') notFound.add(phone)
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, line))
  return [...notFound]
}

/** What the peer that serves it thinks of a phone. */
async function believed({ user: name, home }: Phone): Promise<string> {
  if (home === undefined) return `${name} has no home`
  const { peer } = home
  const { body } = await ask(peer, `/api/v1/bindings?aor=${name}@${DOMAIN}`)
  return `${name} at home at peer ${peer.plan.peer} (${peer.state}, life ${peer.life}), whose bindings are ${JSON.stringify(body)}`
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const [peers, aors] = [Number(values.peers), Number(values.aors)]
  const wishes = {
    minutes: Number(values.minutes),
    killEveryMs: 1000 * Number(values['kill-every']),
    downMax: Number(values['down-max'] ?? peers - 2),
    refreshMs: 1000 * Number(values.refresh),
    lookups: Number(values.lookups),
  }
  const random = new SeededRandom(values.seed)
  const report = new Report()
  report.say(
    `SEED ${values.seed}: ${peers} peers, ${aors} AORs, a kill every ${values['kill-every']} s for ${values.minutes} min`,
  )
  const fleet = await Fleet.start([
    ...[
      '--peers',
      String(peers),
      '--users',
      String(aors),
      '--base-port',
      values['base-port'],
      '--log-level',
      'warn',
    ],
  ])
  const udp = await UdpPhones.open(DOMAIN)
  const users = Array.from({ length: aors }, (_, index) => user(index))
  const crowd = new Crowd(udp, random.fork('crowd'), users, fleet)
  const run: Run = { wishes, random, fleet, crowd, report }
  const stop = async (): Promise<void> => {
    crowd.stop()
    await fleet.stop()
    udp.close()
  }
  process.once('SIGINT', () => void stop().then(() => process.exit(1)))
  try {
    report.say(`${fleet.peers.length} peers are ready`)
    await crowd.registerAll(REGISTERS_AT_ONCE)
    report.say(`${aors} AORs are registered`)
    report.registered(crowd)
    let churning = true
    const askers = Array.from({ length: wishes.lookups }, (_, index) =>
      asker(run, random.fork(`asker ${index}`), () => churning),
    )
    await killer(run)
    report.say('no more kills')
    const joined = await fleet.allReady(JOIN_WITHIN_MS)
    if (!joined) fleet.faults.push('a peer was not ready in time after the last kill')
    await crowd.allBack()
    churning = false
    await Promise.all(askers)
    report.say(`all are back; every AOR is asked of ${ASKERS} peers`)
    const late = await look(run, crowd.phones)
    if (late.length > 0) await sleep(SECOND_LOOK_MS)
    const lost = late.length === 0 ? [] : await look(run, late)
    for (const phone of lost) report.say(`lost: ${await believed(phone)}`)
    return report.end({ fleet, crowd, late: late.length, lost: lost.map((phone) => phone.user) }) ? 0 : 1
  } finally {
    await stop()
  }
}

process.exitCode = await main()
