/** Nodes that phones reach and the overlay does not: all overlay ports are cut off, in silence, and nothing else. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Caller } from './support/caller.ts'
import { eventually } from './support/eventually.ts'
import { Namespace } from './support/namespace.ts'
import { available, interop, type Tool } from './support/require.ts'
import { sipp } from './support/sipp.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

const TOOLS: readonly Tool[] = ['ip', 'nft', 'curl', 'sipp']
/** contract: 503 within 30 s of the cut. */
const NOTICED_WITHIN_MS = 30_000
const CUT = 1

let namespace: Namespace
let testbed: Testbed

beforeAll(async () => {
  if (TOOLS.some((tool) => !available(tool))) return
  namespace = Namespace.make()
  testbed = await Testbed.start(['--peers', '3', '--users', '20', '--base-port', '21700'], namespace.before)
})
afterAll(async () => {
  await testbed?.stop()
  namespace?.remove()
})

function readiness(peer = CUT): { readonly status: number; readonly body: string } {
  return namespace.get(`http://${testbed.peer(peer).admin}/readyz`)
}

/** Whether the node's neighbor table names all others. */
function knowsAll(peer: number): boolean {
  const { body } = namespace.get(`http://${testbed.peer(peer).admin}/api/v1/ring`)
  const { successors } = JSON.parse(body) as { readonly successors: readonly string[] }
  return testbed.peers.every(({ nodeId }, index) => index === peer || successors.includes(nodeId))
}

/** A REGISTER of a new user at the node; what it was answered besides the challenge. */
async function register(number: number, ladder: Caller): Promise<void> {
  const target = testbed.peer(CUT).sip
  const running = sipp({ scenario: ladder, target, transport: 'udp', user: user(number) }, namespace.before)
  expect(await running.exit(), running.output).toBe(0)
}

const self = (): Caller => new Caller('sip:[field0]@[domain]')

describe('nodes whose overlay ports are cut off', () => {
  interop(
    TOOLS,
    'R-06 say so in /readyz within 30 s, send phones away with 503 and Retry-After, and find each other again',
    async () => {
      await register(1, self().begins('REGISTER', {}, 401).gets(200))
      // Links are opened from both sides, so that one node's ports alone cut nothing off.
      const overlay = testbed.peers.map(({ reload }) => Number(reload.split(':')[1]))
      namespace.cut(overlay.flatMap((port) => [port, port + 1]))
      await eventually('503 of /readyz', async () => readiness().status === 503, NOTICED_WITHIN_MS)
      expect(readiness().body).toMatch(/"name":"(selftest|overlay|joined|neighbors)"/)
      await register(
        2,
        self()
          .begins('REGISTER', {}, 401)
          .gets(503, { check: { 'Retry-After:': '[0-9]' } }),
      )
      namespace.mend()
      // All of them and with each other: one that is back with half of the ring is ready before the other half is.
      await eventually(
        'readiness and one ring after the cut',
        async () => testbed.peers.every((_, index) => readiness(index).status === 200 && knowsAll(index)),
        120_000,
      )
      await register(3, self().begins('REGISTER', {}, 401).gets(200))
      const found = namespace.get(`http://${testbed.peer(0).admin}/api/v1/locate?aor=${user(3)}@${DOMAIN}`)
      expect(found.body).toContain(testbed.peer(CUT).nodeId)
    },
  )
})
