import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { HANDSET, LAPTOP, PageBrowser, type OpenPage } from './support/page-browser.ts'
import { Running } from './support/processes.ts'
import { available, interop } from './support/require.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

const PHONES = [
  [0, 1],
  [1, 2],
  [2, 3],
] as const

let testbed: Testbed
let browser: PageBrowser
const phones: Running[] = []
beforeAll(async () => {
  if (!available('chromium')) return
  testbed = await Testbed.start(['--peers', '3', '--users', '6', '--base-port', '22300'])
  browser = await PageBrowser.start()
  for (const [peer, who] of PHONES)
    phones.push(plain('answer', peer, who, '--seconds', '600', '--calls', '9'))
  for (const phone of phones) await phone.line((line) => line.includes('status=200'), 'registered')
  const call = plain('call', 0, 4, `${user(3)}@${DOMAIN}`, '--seconds', '0')
  expect(await call.exit(), call.output).toBe(0)
})
afterAll(async () => {
  if (!available('chromium')) return
  await browser.stop()
  for (const phone of phones) await phone.stop('SIGKILL')
  await testbed.stop()
})

function plain(verb: string, peer: number, who: number, ...rest: string[]): Running {
  return new Running(process.execPath, [
    ...[COMMAND, 'phone', verb, `${user(who)}@${DOMAIN}`, ...rest],
    ...['--server', testbed.peer(peer).sip, '--password', `pw-${user(who)}`],
  ])
}

/** Nothing failed in the page, and everything in it came from the node. */
function clean(page: OpenPage): void {
  expect(page.faults).toEqual([])
  expect(page.strangers).toEqual([])
}

async function openAt(peer: number, hash: string, look = LAPTOP): Promise<OpenPage> {
  return browser.open(testbed.peer(peer).admin, hash, look)
}

const short = (peer: number): string => testbed.peer(peer).nodeId.slice(0, 8)

describe('the admin page in a browser', () => {
  interop(['chromium'], 'the ring shows every peer, what each owns, and that it is one ring', async () => {
    const page = await openAt(0, 'ring')
    await page.sees('.banner', /one ring\s+3 nodes asked/)
    expect(await page.count('.ring .node')).toBe(3)
    expect(await page.count('.ring .arc')).toBe(3)
    expect(await page.text('.status')).toContain('ready')
    // By the keyboard: its Node-ID may be so near another's that the pointer meets that one.
    await page.page.locator(`.ring .node[aria-label*="${short(1)}"]`).press('Enter')
    await page.sees('.node-panel', testbed.peer(1).nodeId)
    await page.page.getByRole('button', { name: 'Ping', exact: true }).click()
    await page.sees('.node-panel', 'answered in')
    clean(page)
    await page.close()
  })

  interop(
    ['chromium'],
    'an AOR is found with its Resource-ID, responsible peer, copies, signer and lifetime, and can be tried',
    async () => {
      const page = await openAt(0, 'ring')
      await page.sees('.banner', 'one ring')
      await page.page.locator('#aor').fill(`${user(2)}@${DOMAIN}`)
      await page.page.keyboard.press('Enter')
      await page.sees('.find-panel .entry', testbed.peer(1).nodeId)
      const answer = await page.text('.find-panel .answer')
      for (const part of ['Resource-ID', 'Responsible', 'Copies', 'signature valid', 'left of'])
        expect(answer).toContain(part)
      expect(await page.count('.ring .node.responsible')).toBe(1)
      expect(await page.count('.ring .node.replica')).toBe(2)
      await page.page.getByRole('button', { name: 'Ping the responsible peer' }).click()
      await page.sees('.find-panel', 'answered in')
      await page.page.locator('#aor').fill(`nobody@${DOMAIN}`)
      await page.page.keyboard.press('Enter')
      await page.sees('.find-panel', 'The overlay knows no such user.')
      clean(page)
      await page.close()
    },
  )

  interop(
    ['chromium'],
    'phones are listed with their flow, and lead to their place on the ring',
    async () => {
      const page = await openAt(1, 'phones')
      await page.sees('.phones-page', `${user(2)}@${DOMAIN}`)
      await page.page.getByRole('button', { name: 'On the ring' }).click()
      await page.sees('.find-panel .entry', 'Registered')
      clean(page)
      await page.close()
    },
  )

  interop(
    ['chromium'],
    'a call shows its ladder; a step shows its message, with the digest response covered',
    async () => {
      const page = await openAt(0, 'calls')
      await page.page.getByRole('link', { name: `${user(4)}@${DOMAIN}` }).click()
      await page.page.locator('svg.ladder').waitFor()
      expect(await page.count('.ladder .who')).toBeGreaterThanOrEqual(3)
      const invite = page.page.locator('.label', { hasText: /^INVITE/ })
      await page.page.locator('.ladder .step', { has: invite }).first().click()
      await page.sees('pre.message', /^INVITE /)
      const messages: string[] = []
      for (const step of await page.page.locator('.ladder .step').all()) {
        await step.press('Enter')
        messages.push(await page.text('pre.message'))
      }
      const all = messages.join('\n')
      expect(all).toMatch(/authorization: Digest \*+$/im)
      expect(all).not.toMatch(/response="?[0-9a-f]/i)
      clean(page)
      await page.close()
    },
  )

  interop(['chromium'], 'health shows checks, certificates, storage and links', async () => {
    const page = await openAt(2, 'health')
    await page.sees('.health-page', 'Joined the overlay')
    const text = await page.text('.health-page')
    for (const part of ['Certificates', 'SIP-REGISTRATION', 'Links', testbed.peer(2).nodeId])
      expect(text).toContain(part)
    clean(page)
    await page.close()
  })

  interop(
    ['chromium'],
    'nothing is cut off and no text is faint, wide or narrow, light or dark',
    async () => {
      for (const shape of [LAPTOP, HANDSET]) {
        for (const scheme of ['light', 'dark'] as const) {
          const page = await openAt(0, 'ring', { ...shape, scheme })
          await page.sees('.banner', 'one ring')
          await page.page.locator('#aor').fill(`${user(2)}@${DOMAIN}`)
          await page.page.keyboard.press('Enter')
          await page.sees('.find-panel .entry', 'signature valid')
          await page.page.getByText('The ring as a table').click()
          for (const view of ['ring', 'phones', 'calls', 'health']) {
            await page.page.locator(`nav a[href="#${view}"]`).click()
            if (view === 'calls') {
              await page.page.getByRole('link', { name: `${user(4)}@${DOMAIN}` }).click()
              await page.page.locator('svg.ladder').waitFor()
            } else await page.page.locator(`.${view}-page .panel`).first().waitFor()
            const where = `${view} ${shape.width} ${scheme}`
            expect(await page.cutOff(), where).toEqual([])
            expect(await page.faint(), where).toEqual([])
          }
          clean(page)
          await page.close()
        }
      }
    },
  )

  interop(['chromium'], 'a peer that is killed is marked, and its return is seen', async () => {
    const page = await openAt(0, 'ring')
    await page.sees('.banner', /one ring\s+3 nodes asked/)
    process.kill(testbed.peer(2).pid, 'SIGKILL')
    await page.sees('.changes', new RegExp(`${short(2)}[^]*(has gone|does not answer)`), 60_000)
    await page.sees('.ring .count', '2', 60_000)
    const config = join(testbed.folder, 'peer-2', 'config.yaml')
    const again = new Running(process.execPath, [COMMAND, 'start', '--config', config])
    try {
      await page.sees('.changes', new RegExp(`${short(2)}[^]*(is back|joined)`), 60_000)
      await page.sees('.banner', /one ring\s+3 nodes asked/, 60_000)
    } finally {
      await again.stop()
    }
    clean(page)
    await page.close()
  })
})
