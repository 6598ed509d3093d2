/**
 * An overlay of sites as its operators run it: an enrollment and configuration server, and nodes that know its URL, its root and
 * a password. Every node is a process of its own that can be started in another surrounding (a clock, a mount).
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { saveAccounts } from '../../../src/app/accounts/account-file.ts'
import { newAccount } from '../../../src/app/accounts/new-account.ts'
import { eventually } from './eventually.ts'
import { freePort, Running } from './processes.ts'
import { COMMAND, DOMAIN, user } from './testbed.ts'

const run = promisify(execFile)

export interface SitesInit {
  readonly nodes: number
  /** How many of them, from the first, are bootstrap nodes of the document; default 1. */
  readonly bootstrapNodes?: number
  /** Accounts u0000000 ..., good at every node. */
  readonly users?: number
  /** Seconds that certificates are valid. */
  readonly validity?: number
  /** Nodes that have an account of their own at the enrollment server; the others share one. */
  readonly accounts?: Readonly<Record<number, string>>
}

/** What a node is started in: a command in front of it, and more of an environment. */
export interface Surrounding {
  readonly before?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Its data folder, when that is to be somewhere else. */
  readonly data?: string
  /** Keys of `overlay` that are to be others. */
  readonly overlay?: object
  /** Further keys of `sip`. */
  readonly sip?: object
}

export interface Readiness {
  readonly status: number
  readonly failing: readonly { readonly name: string; readonly detail: string }[]
}

interface Ports {
  readonly sip: number
  readonly admin: number
  readonly reload: number
  readonly application: number
}

/** One node, over its lives. */
export class Site {
  readonly folder: string
  readonly sip: string
  readonly admin: string
  private readonly config: string
  private readonly surrounding: Surrounding
  private running: Running | undefined

  constructor(folder: string, ports: Ports, overlay: object, surrounding: Surrounding) {
    this.folder = folder
    this.surrounding = surrounding
    this.sip = `127.0.0.1:${ports.sip}`
    this.admin = `127.0.0.1:${ports.admin}`
    this.config = join(folder, 'config.yaml')
    mkdirSync(folder, { recursive: true })
    // JSON is YAML.
    writeFileSync(
      this.config,
      JSON.stringify({
        overlay: {
          ...overlay,
          ...surrounding.overlay,
          listen: [`tls://127.0.0.1:${ports.reload}`],
          applicationListen: `tls://127.0.0.1:${ports.application}`,
        },
        sip: {
          listen: [`udp://${this.sip}`, `tcp://${this.sip}`],
          users: join(folder, '..', 'users.jsonl'),
          enrollOnFirstRegister: true,
          ...surrounding.sip,
        },
        admin: { listen: this.admin },
        data: { dir: this.data },
        log: { format: 'json' },
      }),
    )
  }

  get data(): string {
    return this.surrounding.data ?? join(this.folder, 'data')
  }

  get process(): Running {
    if (this.running === undefined) throw new Error(`${this.folder} was never started`)
    return this.running
  }

  get log(): string {
    return this.process.output
  }

  /** Resolves once it is ready. */
  async start(): Promise<this> {
    const { before = [], env = {} } = this.surrounding
    const [command, ...args] = [...before, process.execPath, COMMAND, 'start', '--config', this.config]
    this.running = new Running(command as string, args, { env: { ...process.env, ...env } })
    await this.said('ready')
    return this
  }

  /** Waits for an event in the log of this life. */
  async said(event: string, timeoutMs = 60_000): Promise<string> {
    return this.process.line((line) => line.includes(`"event":"${event}"`), event, timeoutMs)
  }

  times(event: string): number {
    return this.log.split(`"event":"${event}"`).length - 1
  }

  async api<T>(path: string): Promise<T> {
    return (await fetch(`http://${this.admin}${path}`)).json() as Promise<T>
  }

  async readiness(): Promise<Readiness> {
    const response = await fetch(`http://${this.admin}/readyz`)
    return { status: response.status, ...((await response.json()) as { failing: Readiness['failing'] }) }
  }

  /** The details of the checks that fail now. */
  async failing(): Promise<Readonly<Record<string, string>>> {
    const { failing } = await this.readiness()
    return Object.fromEntries(failing.map(({ name, detail }) => [name, detail]))
  }

  /** One value of /metrics; `series` as it stands there, with its labels. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://${this.admin}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${series} `))
    if (line === undefined) throw new Error(`no ${series} in the metrics of ${this.admin}`)
    return Number(line.slice(series.length + 1))
  }

  /** Node-IDs in the entries that the overlay has for a user, as this node sees it. */
  async targets(name: string): Promise<readonly string[]> {
    const answer = await this.api<{ entries?: { target: string }[]; error?: string }>(
      `/api/v1/locate?aor=${name}@${DOMAIN}`,
    )
    if (answer.entries === undefined) throw new Error(`${this.admin} cannot locate ${name}: ${answer.error}`)
    return answer.entries.map(({ target }) => target)
  }

  /** Node-ID of the peer that stores what this user registers. */
  async responsible(name: string): Promise<string> {
    return (await this.api<{ responsible: string }>(`/api/v1/locate?aor=${name}@${DOMAIN}`)).responsible
  }

  async nodeId(): Promise<string> {
    return (await this.api<{ nodeId: string }>('/api/v1/peer')).nodeId
  }

  async sequence(): Promise<number> {
    return (await this.api<{ configurationSequence: number }>('/api/v1/peer')).configurationSequence
  }

  /** Node-IDs of its links. */
  async links(): Promise<readonly string[]> {
    const { connections } = await this.api<{ connections: { nodeId: string }[] }>('/api/v1/ring')
    return connections.map(({ nodeId }) => nodeId)
  }
}

/** The server and its nodes. Node 0 is a bootstrap node of the document and founds the overlay. */
export class Sites {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringbridge-sites-'))
  readonly sites: Site[] = []
  private readonly init: SitesInit
  private readonly httpsPort: number
  /** Of node 0, 1 ... */
  private readonly bootstrapPorts: readonly number[]
  private server: Running | undefined
  private started = 0
  private readonly passwords = new Map<string, string>()

  private constructor(init: SitesInit, httpsPort: number, bootstrapPorts: readonly number[]) {
    this.init = init
    this.httpsPort = httpsPort
    this.bootstrapPorts = bootstrapPorts
  }

  /** `surroundings[i]` is that of node i. */
  static async start(
    init: SitesInit,
    surroundings: Readonly<Record<number, Surrounding>> = {},
  ): Promise<Sites> {
    const ports: string[] = []
    while (ports.length < (init.bootstrapNodes ?? 1)) ports.push(String(await freePort()))
    // Node 0 has the first turn among them.
    const sites = new Sites(init, await freePort(), ports.toSorted().map(Number))
    try {
      await sites.found()
      await sites.add(surroundings[0])
      const others = Array.from({ length: init.nodes - 1 }, (_, index) => sites.add(surroundings[index + 1]))
      await Promise.all(others)
      await sites.settled()
      return sites
    } catch (error) {
      await sites.stop()
      throw error
    }
  }

  get authority(): string {
    return join(this.folder, 'authority')
  }

  get configurationUrl(): string {
    return `https://127.0.0.1:${this.httpsPort}/.well-known/reload-config`
  }

  /** Port of the server. */
  get serverPort(): number {
    return this.httpsPort
  }

  /** Port of node 0, the one in the document. */
  get entrancePort(): number {
    return this.bootstrapPorts[0] as number
  }

  site(index: number): Site {
    const site = this.sites[index]
    if (site === undefined) throw new Error(`no site ${index}`)
    return site
  }

  /** Signs the next document with these changes; returns its sequence. */
  async sign(...changes: readonly string[]): Promise<number> {
    const printed = await this.ringbridge(
      'overlay',
      'sign',
      DOMAIN,
      '--json',
      ...this.folderFlag(),
      ...changes,
    )
    return (JSON.parse(printed) as { sequence: number }).sequence
  }

  /** Adds or removes an account of the enrollment server. */
  account(verb: 'add' | 'remove', name: string, ...flags: readonly string[]): Promise<string> {
    return this.ringbridge('overlay', 'accounts', verb, name, '--json', ...this.folderFlag(), ...flags)
  }

  async startServer(): Promise<void> {
    const validity = this.init.validity === undefined ? [] : ['--validity', String(this.init.validity)]
    this.server = new Running(process.execPath, [
      ...[COMMAND, 'overlay', 'serve', DOMAIN, '--json', ...this.folderFlag()],
      ...['--listen', `127.0.0.1:${this.httpsPort}`, ...validity],
    ])
    await this.server.line((line) => line.includes('"event":"enrollment_served"'), 'the enrollment server')
  }

  async stopServer(): Promise<void> {
    await this.server?.stop()
    this.server = undefined
  }

  /** One more node, started. */
  async add(surrounding: Surrounding = {}): Promise<Site> {
    const index = this.started++
    const [sip, admin, application, reload] = [
      await freePort(),
      await freePort(),
      await freePort(),
      this.bootstrapPorts[index] ?? (await freePort()),
    ]
    const ports = { sip, admin, application, reload }
    const site = new Site(join(this.folder, `site-${index}`), ports, this.overlayKeys(index), surrounding)
    this.sites[index] = site
    return site.start()
  }

  /** Waits until every node has a link to every other. */
  async settled(): Promise<void> {
    const others = this.sites.length - 1
    await eventually('links between all nodes', async () => {
      for (const site of this.sites) if ((await site.links()).length < others) return false
      return true
    })
  }

  async stop(): Promise<void> {
    // Without a farewell: one that is cut off has nobody to take leave of, and would try.
    await Promise.all(this.sites.map((site) => site.process.stop('SIGKILL')))
    await this.stopServer()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async found(): Promise<void> {
    const https = `https://127.0.0.1:${this.httpsPort}/enroll`
    await this.ringbridge(
      ...['overlay', 'init', DOMAIN, '--enrollment', https, ...this.folderFlag()],
      ...['--bootstrap', this.bootstrapPorts.map((port) => `127.0.0.1:${port}`).join(',')],
      ...['--update-interval', '5', '--ping-interval', '5'],
    )
    for (const account of new Set(['sites', ...Object.values(this.init.accounts ?? {})])) {
      const names = ['--names', `*@${DOMAIN}`]
      const added = await this.account('add', account, ...names)
      this.passwords.set(account, (JSON.parse(added) as { password: string }).password)
    }
    const names = Array.from({ length: this.init.users ?? 10 }, (_, index) => user(index))
    saveAccounts(
      join(this.folder, 'users.jsonl'),
      names.map((name) => newAccount(name, DOMAIN, `pw-${name}`)),
    )
    await this.startServer()
  }

  private overlayKeys(index: number): object {
    const account = this.init.accounts?.[index] ?? 'sites'
    return {
      name: DOMAIN,
      configuration: this.configurationUrl,
      ca: join(this.authority, 'root-ca.pem'),
      account,
      password: this.passwords.get(account),
      userName: `site-${index}@${DOMAIN}`,
    }
  }

  private folderFlag(): readonly string[] {
    return ['--authority', this.authority]
  }

  private async ringbridge(...args: readonly string[]): Promise<string> {
    return (await run(process.execPath, [COMMAND, ...args])).stdout
  }
}

/** Every one of these nodes finds the users exactly where they are. */
export async function expectFound(askers: readonly Site[], homes: ReadonlyMap<string, Site>): Promise<void> {
  for (const site of askers) {
    for (const [name, home] of homes)
      expect(await site.targets(name), `${name} from ${site.admin}`).toEqual([await home.nodeId()])
  }
}
