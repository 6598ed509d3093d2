/**
 * Takes the pictures of docs/images: every view of the admin page with 1, 3 and 16 peers, during a join and after a kill, light and
 * dark, on a laptop and on a phone. Needs Debian's chromium and a build. `npm run screenshots [-- SIZE ...]`
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  HANDSET,
  LAPTOP,
  PageBrowser,
  type Look,
  type OpenPage,
} from '../../test/interop/support/page-browser.ts'
import { DOMAIN, ROOT, user } from '../../test/interop/support/testbed.ts'
import { withPalette } from './palette-png.ts'
import { Stage } from './stage.ts'

const FOLDER = join(ROOT, 'docs', 'images')
const BASE_PORT = 26_000
/** Longer pages are cut there. */
const HEIGHT_MAX = 2_000
/** So that the rates have something to draw. */
const SETTLE_MS = 9_000

const SCHEMES = ['light', 'dark'] as const
const SHAPES = { laptop: LAPTOP, phone: HANDSET } as const

interface View {
  readonly name: string
  readonly hash: string
  readonly prepare: (page: OpenPage) => Promise<void>
}

const VIEWS: readonly View[] = [
  { name: 'ring', hash: 'ring', prepare: (page) => page.sees('.banner', /asked in/) },
  { name: 'find', hash: 'ring', prepare: findAor },
  { name: 'phones', hash: 'phones', prepare: (page) => page.sees('.phones-page .rows', user(1)) },
  { name: 'calls', hash: 'calls', prepare: (page) => page.sees('.calls-page .rows', /answered|ended/) },
  { name: 'trace', hash: 'calls', prepare: openTrace },
  { name: 'health', hash: 'health', prepare: (page) => page.sees('.health-page', 'Storage') },
]

async function findAor(page: OpenPage): Promise<void> {
  await page.sees('.banner', /asked in/)
  await page.page.locator('#aor').fill(`${user(3)}@${DOMAIN}`)
  await page.page.keyboard.press('Enter')
  await page.sees('.find-panel .entry', 'signature valid')
  await page.page.getByRole('button', { name: 'Show the way' }).click()
  await page.page.locator('.find-panel .result').waitFor()
}

async function openTrace(page: OpenPage): Promise<void> {
  await page.sees('.calls-page .rows', /ended/)
  await page.page
    .getByRole('row', { name: 'ended' })
    .getByRole('link', { name: user(8) })
    .first()
    .click()
  await page.page.locator('svg.ladder').waitFor()
  const invite = page.page.locator('.label', { hasText: /^INVITE/ })
  await page.page.locator('.ladder .step', { has: invite }).last().click()
}

/** Takes one picture of a page and writes it, small. */
async function picture(page: OpenPage, name: string): Promise<void> {
  // What is at the top of the screen would otherwise be drawn in the middle of the picture.
  await page.page.mouse.move(0, 0)
  await page.page.evaluate('scrollTo(0, 0)')
  const height = await page.page.evaluate<number>('document.documentElement.scrollHeight')
  const { width = 0, height: screen = 0 } = page.page.viewportSize() ?? {}
  const png = await page.page.screenshot({
    fullPage: true,
    animations: 'disabled',
    clip: { x: 0, y: 0, width, height: Math.min(Math.max(height, screen), HEIGHT_MAX) },
  })
  const small = withPalette(png)
  writeFileSync(join(FOLDER, `${name}.png`), small)
  for (const fault of [...page.faults, ...page.strangers]) process.stdout.write(`  ! ${fault}\n`)
  process.stdout.write(`${name}.png ${(small.length / 1024).toFixed(0)} kB\n`)
}

/** Every look, opened and shown by `prepare`. */
async function looks(
  browser: PageBrowser,
  admin: string,
  { name, hash, prepare }: View,
): Promise<(readonly [string, OpenPage])[]> {
  const pages: (readonly [string, OpenPage])[] = []
  for (const [shape, look] of Object.entries(SHAPES)) {
    for (const scheme of SCHEMES) {
      const page = await browser.open(admin, hash, { ...look, scheme } satisfies Look)
      await prepare(page)
      pages.push([`${name}-${shape}-${scheme}`, page])
    }
  }
  return pages
}

async function views(browser: PageBrowser, stage: Stage, peers: number): Promise<void> {
  const { admin } = stage.testbed.peer(0)
  for (const view of VIEWS) {
    const pages = await looks(browser, admin, view)
    if (view.hash === 'ring') await pause()
    for (const [name, page] of pages) {
      await picture(page, `${peers}-${name}`)
      await page.close()
    }
  }
}

/** Pages that are open while it happens. */
async function happening(
  browser: PageBrowser,
  stage: Stage,
  name: 'join' | 'kill',
  peers: number,
): Promise<void> {
  const view: View = { name, hash: 'ring', prepare: (page) => page.sees('.banner', 'one ring') }
  const pages = await looks(browser, stage.testbed.peer(0).admin, view)
  if (name === 'join') stage.join()
  else stage.kill(2)
  for (const [file, page] of pages) {
    await page.sees('.changes', name === 'join' ? /joined/ : /has gone|does not answer/, 90_000)
    await picture(page, `${peers}-${file}`)
  }
  for (const [, page] of pages) await page.close()
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, SETTLE_MS))
}

const wanted = process.argv.slice(2).map(Number)
mkdirSync(FOLDER, { recursive: true })
const browser = await PageBrowser.start()
try {
  for (const peers of wanted.length > 0 ? wanted : [1, 3, 16]) {
    const stage = await Stage.build(peers, BASE_PORT)
    try {
      await views(browser, stage, peers)
      if (peers > 1) {
        await happening(browser, stage, 'join', peers)
        await happening(browser, stage, 'kill', peers)
      }
    } finally {
      await stage.down()
    }
  }
} finally {
  await browser.stop()
}
