/** A new Configuration Document on a running overlay of sites (RFC 6940 s.11.1, s.6.5.4). */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { LongCall, shortCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { interop } from './support/require.ts'
import { Sites } from './support/sites.ts'
import { user } from './support/testbed.ts'

let sites: Sites
beforeAll(async () => {
  sites = await Sites.start({ nodes: 4 })
})
afterAll(() => sites.stop())

const at = (index: number, number: number) => ({ user: user(number), at: sites.site(index).sip })
const sequences = () => Promise.all(sites.sites.map((site) => site.sequence()))

describe('a new Configuration Document', () => {
  interop(
    ['sipp'],
    'R6940-6.5.4.2-03 R6940-6.3.2.1-02 published at the server and fetched by one node, it reaches all nodes; a call that is up goes on, new ones too',
    async () => {
      const before = await sequences()
      expect(new Set(before).size).toBe(1)
      const call = await LongCall.start(at(0, 0), at(2, 1), 6)
      try {
        const sequence = await sites.sign('--update-interval', '6')
        expect(sequence).toBe((before[0] ?? 0) + 1)
        sites.site(1).process.child.kill('SIGHUP')
        await eventually('the new sequence at every node', async () =>
          (await sequences()).every((each) => each === sequence),
        )
        await shortCall(at(3, 2), at(1, 3))
        await call.end()
      } finally {
        await call.stop()
      }
      for (const site of sites.sites) expect((await site.readiness()).status).toBe(200)
    },
  )

  interop(
    ['sipp'],
    'R6940-11.1-02 a node on the list of bad nodes is cut off by all others and says so; what it does not serve goes on',
    async () => {
      const bad = await sites.site(3).nodeId()
      const sequence = await sites.sign('--bad-node', bad)
      sites.site(1).process.child.kill('SIGHUP')
      const others = sites.sites.slice(0, 3)
      await eventually('no link to the bad node', async () => {
        for (const site of others) {
          if ((await site.sequence()) !== sequence || (await site.links()).includes(bad)) return false
        }
        return true
      })
      await eventually('the bad node knows', async () => (await sites.site(3).readiness()).status === 503)
      await shortCall(at(0, 4), at(2, 5))
      for (const site of others) expect(await site.links()).not.toContain(bad)
    },
  )
})
