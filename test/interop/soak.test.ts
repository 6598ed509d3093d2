/** A process that has carried many calls next to one that has carried few, at the same concurrency. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CallPair } from '../soak/call-pair.ts'
import { WatchedNode } from '../soak/watched-node.ts'
import { eventually } from './support/eventually.ts'
import { freePort, freePortPair } from './support/processes.ts'

const FEW = 30
const MANY = 150
/** Code that is compiled, and what V8 keeps for itself. Calls that stayed would take 20 kB each, 3 MB in all. */
const HEAP_SLACK_BYTES = 2_000_000

/** Gauges that follow the clock or the load of the machine, not what the node holds. */
const WANDERING = /_seconds|_bytes|_ratio|estimate|rtt/

let node: WatchedNode
let pair: CallPair
beforeAll(async () => {
  const ports = {
    sip: await freePort(),
    tls: await freePort(),
    ws: await freePort(),
    admin: await freePort(),
    reload: await freePortPair(),
  }
  // Traces of the latest calls fill their memory to its limit, which is theirs to do.
  node = new WatchedNode(ports, 'digest', { trace: { memory: 0 } })
  await node.start()
  const sip = `127.0.0.1:${ports.sip}`
  pair = await CallPair.open(['alice', 'bob'], sip, sip)
})
afterAll(async () => {
  pair.close()
  await node.stop()
})

async function levels(): Promise<[string, number][]> {
  return [...(await node.levels())].filter(([name]) => !WANDERING.test(name))
}

/** So many more calls, and then what is left of them once their transactions are over. */
async function after(calls: number): Promise<{ levels: [string, number][]; heap: number }> {
  const until = pair.calls.length + calls
  await pair.keepCalling(0, () => pair.calls.length < until)
  // Timer H, I, J and what RFC 6026 adds: 32 s each.
  await eventually(
    'transactions to end',
    async () => (await node.metric('sip_transactions_active')) === 0,
    120_000,
  )
  return { levels: await levels(), heap: await node.heapBytes() }
}

const gauges = (all: readonly [string, number][]): [string, number][] =>
  all.filter(([name]) => name !== 'files')

const files = (all: readonly [string, number][]): number => all.find(([name]) => name === 'files')?.[1] ?? 0

describe('many calls and few', () => {
  it('R-09 leave the same gauges, open files and heap behind', async () => {
    const few = await after(FEW)
    const many = await after(MANY)
    expect(pair.calls.filter(({ status, byeStatus }) => status !== 200 || byeStatus !== 200)).toEqual([])
    expect(pair.calls).toHaveLength(FEW + MANY)
    expect(few.levels.length).toBeGreaterThan(10)
    expect(gauges(many.levels)).toEqual(gauges(few.levels))
    expect(files(many.levels)).toBeGreaterThan(0)
    // The journal may have one file less meanwhile, where it has tidied up, and a connection of who looks may be about to close.
    await eventually('no more open files than before', async () => files(await levels()) <= files(few.levels))
    expect(many.heap - few.heap).toBeLessThan(HEAP_SLACK_BYTES)
    expect(node.faults()).toEqual([])
  })
})
