/** Phones in a real browser: Debian's Chromium, steered by playwright-core, running JsSIP. */
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { ROOT } from './testbed.ts'

const PAGE = join(ROOT, 'test', 'interop', 'browser', 'phone.html')

/** A browser that believes the given certificates besides what it believes anyway. */
export class PhoneBrowser {
  private readonly browser: Browser
  private readonly server: Server
  private readonly url: string

  private constructor(browser: Browser, server: Server, url: string) {
    this.browser = browser
    this.server = server
    this.url = url
  }

  /** `certificates`: PEM files of servers. */
  static async start(certificates: readonly string[]): Promise<PhoneBrowser> {
    const script = bundle('jssip', 'JsSIP')
    const server = createServer((request, response) => {
      const isScript = request.url === '/jssip.js'
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : readFileSync(PAGE))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        `--ignore-certificate-errors-spki-list=${certificates.map(keyHash).join(',')}`,
      ],
    })
    return new PhoneBrowser(browser, server, `http://127.0.0.1:${port}/`)
  }

  /** A page with a phone that registers `aor` at `server`, a WebSocket URL. */
  async phone(server: string, aor: string, password: string): Promise<BrowserPhone> {
    const page = await this.browser.newPage()
    await page.goto(this.url)
    const phone = new BrowserPhone(page)
    await phone.run('start', server, aor, password)
    return phone
  }

  async stop(): Promise<void> {
    await this.browser.close()
    this.server.close()
    await once(this.server, 'close')
  }
}

export class BrowserPhone {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Calls a function of the page. */
  async run(name: string, ...args: readonly string[]): Promise<void> {
    await this.page.evaluate(`${name}(${args.map((each) => JSON.stringify(each)).join(', ')})`)
  }

  /** Detail of the next event of that name; fails when it does not come in time. */
  async event(name: string, withinMs = 60_000): Promise<string> {
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => void this.tell(name).then(reject), withinMs)
      timer.unref()
    })
    return Promise.race([this.page.evaluate<string>(`next(${JSON.stringify(name)})`), late])
  }

  private async tell(name: string): Promise<Error> {
    const seen = await this.page.evaluate<string>('JSON.stringify(seen)')
    return new Error(`the page has not seen "${name}", but ${seen}`)
  }
}

/** What Chromium pins a certificate by. */
function keyHash(file: string): string {
  const { publicKey } = new X509Certificate(readFileSync(file))
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

/** A CommonJS package and all that it requires as one script that sets the global `name`. */
function bundle(entry: string, name: string): string {
  const modules = new Map<string, string>()
  const add = (file: string): void => {
    if (modules.has(file)) return
    const require = createRequire(file)
    modules.set(file, '')
    const text = readFileSync(file, 'utf8')
    if (file.endsWith('.json')) {
      modules.set(file, `module.exports = ${text}`)
      return
    }
    const source = text.replace(/\brequire\((['"])([^'"]+)\1\)/g, (_text, _quote, wanted: string) => {
      const found = forBrowsers(require, wanted)
      add(found)
      return `__require(${JSON.stringify(found)})`
    })
    modules.set(file, source)
  }
  const first = createRequire(join(ROOT, 'package.json')).resolve(entry)
  add(first)
  const table = [...modules].map(
    ([file, source]) => `${JSON.stringify(file)}: (module, exports, __require) => {\n${source}\n}`,
  )
  return `globalThis.process = { env: {} };
const __modules = {${table.join(',\n')}};
const __loaded = {};
function __require(file) {
  if (!(file in __loaded)) {
    const module = (__loaded[file] = { exports: {} });
    __modules[file](module, module.exports, __require);
  }
  return __loaded[file].exports;
}
globalThis.${name} = __require(${JSON.stringify(first)});`
}

/** Packages may name another file for browsers. */
function forBrowsers(require: NodeJS.Require, wanted: string): string {
  if (wanted.startsWith('.')) return require.resolve(wanted)
  // `events` is a package here, not Node's own module.
  const manifest = require.resolve(`${wanted}/package.json`)
  const { browser, main } = JSON.parse(readFileSync(manifest, 'utf8')) as { browser?: unknown; main?: string }
  const file = typeof browser === 'string' ? browser : (main ?? 'index.js')
  return require.resolve(join(manifest, '..', file))
}
