/** Everybody away at once: a power cut, a cluster whose machines restart together (ADR 31). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UdpPhones } from '../support/udp-phones.ts'
import { eventually } from './support/eventually.ts'
import { expectFound, Sites, type Site } from './support/sites.ts'
import { DOMAIN, user } from './support/testbed.ts'

let phones: UdpPhones
beforeAll(async () => {
  phones = await UdpPhones.open(DOMAIN)
})
afterAll(() => phones.close())

async function register(name: string, site: Site): Promise<void> {
  await eventually(
    `${name} at ${site.sip}`,
    async () => (await phones.register(name, site.sip)).status === 200,
  )
}

describe('a whole overlay that was away at once', () => {
  it('R-06 all nodes are killed and started again: a bootstrap node founds the ring, whichever of them there are, and what was stored is found', async () => {
    // Else a node that was killed takes back what it had stored for its phones.
    const keeping = { sip: { persistBindings: true } }
    const cluster = await Sites.start(
      { nodes: 3, users: 20, bootstrapNodes: 2 },
      { 0: keeping, 1: keeping, 2: keeping },
    )
    try {
      const nodes = cluster.sites
      const homes = new Map<string, Site>()
      for (const [number, site] of nodes.entries()) {
        await register(user(number), site)
        homes.set(user(number), site)
      }
      await Promise.all(nodes.map((site) => site.process.stop('SIGKILL')))
      await Promise.all(nodes.map((site) => site.start()))
      await cluster.settled()
      await expectFound(nodes, homes)
      await Promise.all(nodes.map((site) => site.process.stop('SIGKILL')))
      // The first of the bootstrap nodes stays away: the second one founds in its turn.
      const [, second, third] = nodes as [Site, Site, Site]
      await Promise.all([second.start(), third.start()])
      expect([second.log, third.log].map((log) => log.includes('"event":"ring_founded_anew"'))).toEqual([
        true,
        false,
      ])
      await register(user(5), third)
      await eventually('the ring of both', async () => (await second.links()).length >= 1)
      await expectFound([second], new Map([[user(5), third]]))
    } finally {
      await cluster.stop()
    }
  })
})
