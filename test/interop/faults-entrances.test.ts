/** Ways into the overlay that are away: the founder, which everybody was told to join through, and the name server. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { UdpPhones } from '../support/udp-phones.ts'
import { shortCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { NameServer } from './support/name-server.ts'
import { freePort } from './support/processes.ts'
import { interop } from './support/require.ts'
import { expectFound, Sites, type Site } from './support/sites.ts'
import { DOMAIN, user } from './support/testbed.ts'

let sites: Sites
let phones: UdpPhones
beforeAll(async () => {
  sites = await Sites.start({ nodes: 3, users: 20 })
  phones = await UdpPhones.open(DOMAIN)
})
afterAll(async () => {
  phones.close()
  await sites.stop()
})

const at = (index: number, number: number) => ({ user: user(number), at: sites.site(index).sip })

/** Registers as a phone does: one that is refused while the ring closes over a dead peer comes again. */
async function register(name: string, site: Site): Promise<void> {
  await eventually(
    `${name} at ${site.sip}`,
    async () => (await phones.register(name, site.sip)).status === 200,
  )
}

describe('a way in that is away', () => {
  interop(
    ['sipp'],
    'R-06 the founder is killed: phones register and call, a node that restarts meanwhile finds the others again, and the founder comes back into the same ring',
    async () => {
      const [founder, one, two] = [sites.site(0), sites.site(1), sites.site(2)]
      const homes = new Map<string, Site>()
      for (const [number, site] of [one, two, one, two].entries()) {
        await register(user(number), site)
        homes.set(user(number), site)
      }
      await founder.process.stop('SIGKILL')
      await register(user(4), one)
      homes.set(user(4), one)
      await shortCall(at(1, 5), at(2, 6))
      await expectFound([one, two], homes)
      await one.process.stop('SIGKILL')
      await one.start()
      for (const [name, home] of homes) {
        if (home === one) await register(name, one)
      }
      await expectFound([one, two], homes)
      await founder.start()
      await sites.settled()
      await expectFound(sites.sites, homes)
      await shortCall(at(0, 7), at(2, 8))
    },
  )

  interop(
    ['dnsmasq', 'unshare', 'sipp'],
    'R6940-11.2-02 a node that knows nothing but the name of the overlay finds the configuration server by SRV and the peers by name; with the name server gone it starts again',
    async () => {
      const closed = await freePort()
      const srv = `_reload-config._tcp.${DOMAIN}`
      const names = await NameServer.start([
        `--srv-host=${srv},down.example.com,${closed},1,1`,
        `--srv-host=${srv},config.example.com,${sites.serverPort},2,1`,
        ...['down', 'config', 'peers'].map((name) => `--host-record=${name}.example.com,127.0.0.1`),
      ])
      try {
        const overlay = {
          configuration: 'discover',
          bootstrap: [`peers.example.com:${sites.entrancePort}`],
        }
        const site = await sites.add({ ...names.surrounding, overlay })
        expect(names.wasAsked('SRV', srv)).toBe(true)
        expect(names.wasAsked('A', 'config.example.com')).toBe(true)
        expect(names.wasAsked('A', 'peers.example.com')).toBe(true)
        await shortCall(at(0, 9), { user: user(10), at: site.sip })
        await names.stop()
        await site.process.stop('SIGKILL')
        await site.start()
        expect(site.log).toContain('"event":"configuration_from_disk"')
        expect(site.log).toContain('"event":"bootstrap_unresolved"')
        await sites.settled()
        await register(user(11), site)
        await shortCall(at(1, 12), { user: user(10), at: site.sip })
      } finally {
        await names.stop()
      }
    },
  )
})
