import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register, sipp } from './support/sipp.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

/** So many that one that the first peer does not store is among them: with 20 users one run in 200 had none. */
const USERS = 300

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', String(USERS), '--base-port', '21200'])
})
afterAll(async () => {
  await testbed.stop()
})

interface Location {
  readonly responsible: string
}

describe('a peer dies', () => {
  interop(
    ['sipp'],
    'R-06 the peer that stores a registration is killed and the next call succeeds',
    async () => {
      // A user whose entry is stored by a peer that serves neither the caller nor the callee.
      let chosen: { callee: number; calleePeer: number; callerPeer: number; storer: number } | undefined
      for (let number = 2; number < USERS && chosen === undefined; number++) {
        const { responsible } = (await testbed.api(
          0,
          `/api/v1/locate?aor=${user(number)}@${DOMAIN}`,
        )) as Location
        const storer = testbed.peers.findIndex((peer) => peer.nodeId === responsible)
        const others = testbed.peers.map((peer) => peer.peer).filter((peer) => peer !== storer)
        if (storer > 0)
          chosen = { callee: number, calleePeer: others[1] ?? 0, callerPeer: others[0] ?? 0, storer }
      }
      expect(chosen).toBeDefined()
      if (chosen === undefined) return
      const port = await freePort()
      const target = testbed.peer(chosen.calleePeer).sip
      const answering = sipp({ scenario: 'uas.xml', target, transport: 'udp', port })
      expect(await register(target, user(chosen.callee), port, 'udp')).toBe(0)
      process.kill(testbed.peer(chosen.storer).pid, 'SIGKILL')
      const calling = sipp({
        scenario: 'uac.xml',
        target: testbed.peer(chosen.callerPeer).sip,
        transport: 'udp',
        user: user(1),
        keys: { callee: user(chosen.callee) },
      })
      expect(await calling.exit(), calling.output).toBe(0)
      expect(await answering.exit(), answering.output).toBe(0)
    },
  )
})
