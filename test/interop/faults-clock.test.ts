/** The wall clock of one node jumps by an hour, forward and back again, and backward and back again (libfaketime). */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { UdpPhones } from '../support/udp-phones.ts'
import { shortCall } from './support/call.ts'
import { Clock } from './support/clock.ts'
import { eventually } from './support/eventually.ts'
import { interop } from './support/require.ts'
import { Sites, type Site } from './support/sites.ts'
import { DOMAIN, user } from './support/testbed.ts'

const JUMPING = 1
const HOUR_S = 3_600
/** Users that come new at every node after each jump. */
const NEW = 3

const clock = new Clock()
let sites: Sites
let phones: UdpPhones
/** Where every user is registered now; undefined after it took that back. */
const homes = new Map<string, Site | undefined>()
let users = 10

beforeAll(async () => {
  sites = await Sites.start({ nodes: 3, users: 100 }, { [JUMPING]: clock.surrounding })
  phones = await UdpPhones.open(DOMAIN)
  await newcomers()
})
afterAll(async () => {
  phones.close()
  await sites.stop()
})

async function register(name: string, site: Site): Promise<void> {
  expect(await phones.register(name, site.sip), `${name} at ${site.admin}`).toMatchObject({ status: 200 })
  homes.set(name, site)
}

async function newcomers(): Promise<void> {
  for (const site of sites.sites)
    for (let count = 0; count < NEW; count++) await register(user(users++), site)
}

/** Of every node's phones one takes its registration back, one moves to the next node, the others refresh. */
async function comeAndGo(): Promise<void> {
  const next = (site: Site) => sites.site((sites.sites.indexOf(site) + 1) % sites.sites.length)
  for (const site of sites.sites) {
    const [leaving, moving, ...staying] = [...homes].filter(([, home]) => home === site).map(([name]) => name)
    for (const name of [leaving, moving] as [string, string]) {
      expect(await phones.register(name, site.sip, 0)).toMatchObject({ status: 200 })
      homes.set(name, undefined)
    }
    await register(moving as string, next(site))
    for (const name of staying) await register(name, site)
  }
}

/** Every node finds every user exactly where it is, and nobody who has gone. */
async function expectTruth(): Promise<void> {
  const ids = new Map(
    await Promise.all(sites.sites.map(async (site) => [site, await site.nodeId()] as const)),
  )
  for (const site of sites.sites) {
    for (const [name, home] of homes) {
      const expected = home === undefined ? [] : [ids.get(home)]
      expect(await site.targets(name), `${name} as seen from ${site.admin}`).toEqual(expected)
    }
  }
}

/** Killed and started again with its clock as it is; the phones that were there register anew. */
async function killAndRestart(): Promise<void> {
  const site = sites.site(JUMPING)
  await site.process.stop('SIGKILL')
  await site.start()
  for (const [name, home] of homes) if (home === site) await register(name, site)
}

/** The clock of the node, as its HTTP answers tell it. */
async function aheadS(): Promise<number> {
  const response = await fetch(`http://${sites.site(JUMPING).admin}/healthz`)
  return (Date.parse(response.headers.get('date') ?? '') - Date.now()) / 1000
}

describe('the clock of one node of three', () => {
  const jumps = [
    ['jumps an hour ahead', HOUR_S],
    ['comes back', 0],
    ['falls an hour behind', -HOUR_S],
    ['is put right', 0],
  ] as const
  for (const [what, offset] of jumps) {
    interop(
      ['sipp', 'faketime'],
      `R-06 ${what}: phones register, move, leave and call at all nodes, also after the node was killed and started in that time; nobody is lost and nobody comes back`,
      async () => {
        await expectTruth()
        clock.set(offset)
        await eventually('the clock', async () => Math.abs((await aheadS()) - offset) < 30)
        await expectTruth()
        await newcomers()
        await expectTruth()
        await comeAndGo()
        await expectTruth()
        // What it stored before carries other times than what it stores now; neither may win for being from an odd hour.
        await killAndRestart()
        await expectTruth()
        await comeAndGo()
        await expectTruth()
        await shortCall(
          { user: user(0), at: sites.site(0).sip },
          { user: user(1), at: sites.site(JUMPING).sip },
        )
        await shortCall(
          { user: user(2), at: sites.site(JUMPING).sip },
          { user: user(3), at: sites.site(2).sip },
        )
        await eventually('all nodes ready', async () => {
          for (const site of sites.sites) if ((await site.readiness()).status !== 200) return false
          return true
        })
      },
    )
  }
})
