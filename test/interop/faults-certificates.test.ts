/** Certificates of a minute: renewed under way, an enrollment server that is away meanwhile, and one that nobody renews. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { UdpPhones } from '../support/udp-phones.ts'
import { LongCall, shortCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { interop } from './support/require.ts'
import { Sites } from './support/sites.ts'
import { DOMAIN, user } from './support/testbed.ts'

/** Node 3 has an account of its own, which is taken away from it. */
const DOOMED = 3
const FAILED = 'p2psip_certificate_renewals_total{result="failed"}'
const RENEWED = 'p2psip_certificate_renewals_total{result="ok"}'

let sites: Sites
let phones: UdpPhones
beforeAll(async () => {
  sites = await Sites.start({ nodes: 4, validity: 60, accounts: { [DOOMED]: 'doomed' } })
  phones = await UdpPhones.open(DOMAIN)
  for (const [index, site] of sites.sites.entries()) {
    const { status } = await phones.register(user(index), site.sip)
    if (status !== 200) throw new Error(`REGISTER at node ${index}: ${status}`)
  }
  await sites.account('remove', 'doomed')
})
afterAll(async () => {
  phones.close()
  await sites.stop()
})

const healthy = () => sites.sites.slice(0, DOOMED)
const at = (index: number, number: number) => ({ user: user(number), at: sites.site(index).sip })

describe('certificates of running nodes', () => {
  interop(
    ['sipp'],
    'R-06 M-05 while the enrollment server is away, phones register and call, renewals fail and are told, and are made good when it is back; no call and no registration is lost',
    async () => {
      await sites.stopServer()
      const call = await LongCall.start(at(0, 4), at(2, 2), 35)
      try {
        await eventually(
          'a renewal that failed, at every node',
          async () => {
            for (const site of healthy()) if ((await site.metric(FAILED)) === 0) return false
            return true
          },
          45_000,
        )
        for (const [index, site] of healthy().entries()) {
          expect(site.log).toContain('"event":"renewal_failed"')
          expect((await site.readiness()).status, `node ${index}`).toBe(200)
          expect((await phones.register(user(index), site.sip)).status).toBe(200)
        }
        // A phone that was never here needs a certificate first.
        const stranger = await phones.register(user(9), sites.site(0).sip)
        expect(stranger).toMatchObject({ status: 503 })
        expect(stranger.retryAfterS).toBeGreaterThan(0)
        await shortCall(at(1, 1), at(0, 0))
        await sites.startServer()
        await eventually('renewed node certificates', async () =>
          healthy().every((site) => site.times('node_certificate_renewed') > 0),
        )
        await call.end()
      } finally {
        await call.stop()
      }
      for (const site of healthy()) expect(await site.metric(RENEWED)).toBeGreaterThan(0)
      for (const [index, home] of healthy().entries()) {
        for (const site of healthy())
          expect(await site.targets(user(index)), `${user(index)} from ${site.admin}`).toEqual([
            await home.nodeId(),
          ])
      }
    },
  )

  interop(
    ['sipp'],
    'R-06 a node whose certificate has expired says so in readiness, log and metrics and refuses phones; the others stop believing it and go on',
    async () => {
      const doomed = sites.site(DOOMED)
      const nodeId = await doomed.nodeId()
      await eventually('readiness', async () => 'certificate' in (await doomed.failing()), 60_000)
      const { status } = await doomed.readiness()
      expect(status).toBe(503)
      expect((await doomed.failing())['certificate']).toMatch(/^the node's certificate expired at 2/)
      expect(await doomed.metric('p2psip_ready{check="certificate"}')).toBe(0)
      expect(await doomed.metric('p2psip_certificate_expiry_timestamp_seconds{use="node"}')).toBeLessThan(
        Date.now() / 1000,
      )
      expect(await doomed.metric(FAILED)).toBeGreaterThan(0)
      expect(doomed.log).toMatch(/"event":"renewal_failed".*failed_authentication/)
      await eventually('the log', () =>
        Promise.resolve(doomed.log.includes('"event":"node_certificate_expired"')),
      )
      expect(await phones.register(user(DOOMED), doomed.sip)).toMatchObject({ status: 503 })
      await eventually('nobody has it as a neighbor', async () => {
        for (const site of healthy()) {
          const ring = await site.api<{ successors: string[]; predecessors: string[] }>('/api/v1/ring')
          if ([...ring.successors, ...ring.predecessors].includes(nodeId)) return false
        }
        return true
      })
      // Its user's certificate was issued after the node's, and is believed as long as it lasts.
      await eventually(
        'the end of its user’s certificate',
        async () => (await doomed.metric('p2psip_user_certificates{state="expired"}')) === 1,
      )
      for (const site of healthy()) {
        expect(await site.targets(user(DOOMED))).toEqual([])
        expect((await site.readiness()).status).toBe(200)
      }
      await shortCall(at(0, 6), at(2, 7))
    },
  )
})
