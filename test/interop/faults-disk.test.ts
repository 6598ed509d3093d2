/** The disk of one node of three fills up under its running journal, and gets room again. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { LevelJournal } from '../../src/reload/io/disk-store.ts'
import { UdpPhones } from '../support/udp-phones.ts'
import { shortCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { available, interop } from './support/require.ts'
import { Sites, type Site } from './support/sites.ts'
import { SmallDisk } from './support/small-disk.ts'
import { DOMAIN, user } from './support/testbed.ts'

/** Of the phones that register while one disk is full. */
const NUMBERS = Array.from({ length: 24 }, (_, index) => 22 + index)

/** Of those of the node itself, and of those before it is killed. */
const OWN_NUMBERS = [46, 47]
const LATER_NUMBERS = Array.from({ length: 12 }, (_, index) => 48 + index)

let disks: SmallDisk[] = []
let sites: Sites
let phones: UdpPhones
beforeAll(async () => {
  if (!available('unshare')) return
  disks = await Promise.all([0, 1, 2].map(() => SmallDisk.mount(8)))
  sites = await Sites.start(
    { nodes: 3, users: 60 },
    Object.fromEntries(disks.map((disk, index) => [index, disk.surrounding])),
  )
  phones = await UdpPhones.open(DOMAIN)
})
afterAll(async () => {
  phones?.close()
  await sites?.stop()
  for (const disk of disks) await disk.release()
})

/** The one that has most of the first numbers to store: Node-IDs are random, and some nodes have next to nothing. */
async function mostAsked(): Promise<number> {
  const counts = [0, 0, 0]
  const ids = await Promise.all(sites.sites.map((site) => site.nodeId()))
  for (const number of NUMBERS) {
    const owner = ids.indexOf(await sites.site(0).responsible(user(number)))
    counts[owner] = (counts[owner] ?? 0) + 1
  }
  return counts.indexOf(Math.max(...counts))
}

describe('a disk that is full', () => {
  interop(
    ['unshare'],
    'R-06 the journal loses nothing that it has acknowledged, before, between and after',
    async () => {
      const small = await SmallDisk.mount(1)
      const path = join(small.folder, 'journal')
      const journal = await LevelJournal.open(path)
      const acknowledged = new Map<string, number>()
      let attempts = 0
      const put = async (): Promise<boolean> => {
        const value = ++attempts % 256
        try {
          await journal.write([{ kind: 'put', key: `k${attempts}`, value: new Uint8Array(700).fill(value) }])
        } catch {
          return false
        }
        acknowledged.set(`k${attempts}`, value)
        return true
      }
      for (let round = 0; round < 3; round++) {
        for (let count = 0; count < 20; count++) expect(await put()).toBe(true)
        small.fill()
        while (await put());
        for (let count = 0; count < 5; count++) await put()
        small.makeRoom()
      }
      expect(await put()).toBe(true)
      await journal.close()
      const again = await LevelJournal.open(path)
      const found = new Map<string, number>()
      for await (const [key, value] of again.load()) found.set(key, value[0] ?? -1)
      await again.close()
      for (const [key, value] of acknowledged) expect(found.get(key), key).toBe(value)
      await small.release()
    },
  )

  interop(
    ['unshare', 'sipp'],
    'R-06 a node with a full disk says so, sends its own phones away, reads, calls, and answers for its users with what the others wrote down; it recovers by itself, and nothing that was acknowledged is lost, not even by kill -9 before there is room',
    async () => {
      const index = await mostAsked()
      const disk = disks[index] as SmallDisk
      const full = sites.site(index)
      const others = sites.sites.filter((site) => site !== full)
      const homes = new Map<string, Site>()
      const refused: { readonly name: string; readonly site: Site }[] = []
      const register = async (name: string, site: Site): Promise<number> => {
        const { status, retryAfterS } = await phones.register(name, site.sip)
        if (status === 200) homes.set(name, site)
        else {
          expect({ name, status }).toEqual({ name, status: 503 })
          expect(retryAfterS).toBeGreaterThan(0)
          refused.push({ name, site })
        }
        return status
      }
      const expectTruth = async (): Promise<void> => {
        for (const site of sites.sites) {
          for (const [name, home] of homes)
            expect(await site.targets(name), `${name} from ${site.admin}`).toEqual([await home.nodeId()])
        }
      }
      for (let number = 10; number < 22; number++)
        expect(await register(user(number), sites.site(number % 3))).toBe(200)

      disk.fill()
      // Phones of the other two; a third of them at least has its place at the node with the full disk.
      for (const number of NUMBERS) expect(await register(user(number), others[number % 2] as Site)).toBe(200)
      // The first time costs a certificate, which has to be kept.
      for (const number of OWN_NUMBERS) expect(await register(user(number), full)).toBe(503)
      expect((await full.readiness()).status).toBe(503)
      expect(await full.failing()).toHaveProperty('journal')
      expect(await full.metric('p2psip_ready{check="journal"}')).toBe(0)
      expect(await full.metric('p2psip_journal_write_failures_total')).toBeGreaterThan(0)
      expect(full.log).toMatch(/"event":"journal_write_failed".*No space left on device/)
      await expectTruth()
      const [here, there] = others as [Site, Site]
      const called = [...homes.keys()].find((name) => homes.get(name) === there) as string
      await shortCall({ user: user(0), at: here.sip }, { user: called, at: there.sip })

      disk.makeRoom()
      await eventually('readiness with room', async () => (await full.readiness()).status === 200)
      await full.said('journal_written_again')
      for (const { name, site } of refused.splice(0)) expect(await register(name, site)).toBe(200)
      await expectTruth()

      disk.fill()
      for (const number of LATER_NUMBERS)
        expect(await register(user(number), others[number % 2] as Site)).toBe(200)
      await full.process.stop('SIGKILL')
      for (const [name, home] of [...homes]) if (home === full) homes.delete(name)
      disk.makeRoom()
      await full.start()
      await eventually('the truth after kill -9', async () => {
        await expectTruth()
        return true
      })
    },
  )
})
