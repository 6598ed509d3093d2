/** The admin page in a real browser: Debian's Chromium, steered by playwright-core. */
import { chromium, type Browser, type Page } from 'playwright-core'

export interface Look {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  /** Pixels of the picture for one of the page. */
  readonly scale?: number
}

export const LAPTOP: Look = { width: 1280, height: 800, scheme: 'light' }
export const HANDSET: Look = { width: 390, height: 844, scheme: 'light' }

export class PageBrowser {
  private readonly browser: Browser

  private constructor(browser: Browser) {
    this.browser = browser
  }

  static async start(): Promise<PageBrowser> {
    return new PageBrowser(
      await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
    )
  }

  /** Opens a page at `admin` (host:port); `hash` names the view. */
  async open(admin: string, hash: string, look: Look): Promise<OpenPage> {
    const { width, height, scheme, scale = 1 } = look
    const page = await this.browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      deviceScaleFactor: scale,
    })
    const opened = new OpenPage(page, admin)
    await page.goto(`http://${admin}/#${hash}`)
    return opened
  }

  async stop(): Promise<void> {
    await this.browser.close()
  }
}

export class OpenPage {
  readonly page: Page
  /** What went wrong in the page: errors of scripts and refused loads. */
  readonly faults: string[] = []
  /** Addresses outside the node that it asked for. */
  readonly strangers: string[] = []

  constructor(page: Page, admin: string) {
    this.page = page
    page.on('pageerror', (error) => this.faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(`http://${admin}/`)) this.strangers.push(request.url())
    })
  }

  /** Waits for something that can be seen with this text. */
  async sees(selector: string, text: string | RegExp, withinMs = 30_000): Promise<void> {
    await this.page.locator(selector, { hasText: text }).first().waitFor({ timeout: withinMs })
  }

  async text(selector: string): Promise<string> {
    return this.page.locator(selector).first().innerText()
  }

  async count(selector: string): Promise<number> {
    return this.page.locator(selector).count()
  }

  /** Elements that reach over the edge of the screen where nothing can be scrolled, by name. */
  async cutOff(): Promise<string[]> {
    return this.page.evaluate<string[]>(CUT_OFF)
  }

  /** Text that is harder to read than WCAG AA allows, with its contrast. */
  async faint(): Promise<string[]> {
    return this.page.evaluate<string[]>(FAINT)
  }

  async close(): Promise<void> {
    await this.page.close()
  }
}

/** Runs in the page. */
const CUT_OFF = `(() => {
  const edge = document.documentElement.clientWidth
  const scrolls = (element) => {
    for (let at = element.parentElement; at !== null; at = at.parentElement) {
      if (/auto|scroll|hidden/.test(getComputedStyle(at).overflowX)) return true
    }
    return false
  }
  const found = []
  if (document.documentElement.scrollWidth > edge) found.push('the page itself')
  for (const element of document.querySelectorAll('#app *')) {
    const { left, right, width } = element.getBoundingClientRect()
    if (width === 0 || (left >= -1 && right <= edge + 1)) continue
    if (element.closest('.unseen, thead') === null && !scrolls(element))
      found.push(element.tagName + '.' + (element.getAttribute('class') ?? '') + ' ' + (element.textContent ?? '').slice(0, 40))
  }
  return found
})()`

const FAINT = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = ([r, g, b]) => {
    const part = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 }
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  }
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor)
      if (colour[3] === 255) return colour
    }
    return rgba('#ffffff')
  }
  const found = new Set()
  for (const element of document.querySelectorAll('#app *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!own || element.closest('.unseen, thead, title') !== null || element.getClientRects().length === 0) continue
    const style = getComputedStyle(element)
    const colour = rgba(element instanceof SVGElement ? style.fill : style.color)
    const behind = ground(element)
    const opacity = element instanceof SVGElement ? Number(style.fillOpacity) : 1
    const seen = colour.slice(0, 3).map((part, index) => part * opacity + behind[index] * (1 - opacity))
    const [a, b] = [light(seen), light(behind)]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast < 4.5) found.add(element.tagName + '.' + (element.getAttribute('class') ?? '') + ' ' + contrast.toFixed(2) + ' ' + (element.textContent ?? '').slice(0, 30))
  }
  return [...found]
})()`
