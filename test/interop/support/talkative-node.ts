/** A node with everything switched on that talks: debug log, traces, a HEP collector, an admin API behind a token. Keeps all it says. */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, Running } from './processes.ts'
import { COMMAND } from './testbed.ts'

/** Shared by the nodes of a domain. */
export const SIP_SECRET = 'ab'.repeat(32)

export interface TalkativeInit {
  readonly domain: string
  /** Holds configuration and data folder, under the node's name. */
  readonly folder: string
  readonly name: string
  /** Joins this one, with certificates of its authority. */
  readonly joins?: TalkativeNode
}

export class TalkativeNode {
  readonly data: string
  readonly sip: number
  readonly reload: number
  readonly token = `token-${randomBytes(12).toString('hex')}`
  /** Answers of the admin API and page, with their headers. */
  readonly answers: string[] = []
  readonly packets: string[] = []
  readonly process: Running
  private readonly admin: number
  private readonly collector: Socket
  private stopped = false

  private constructor(
    init: TalkativeInit,
    ports: { readonly sip: number; readonly admin: number; readonly reload: number },
    collector: Socket,
  ) {
    const { domain, folder, name, joins } = init
    const { sip, admin, reload } = ports
    this.data = join(folder, name)
    this.sip = sip
    this.admin = admin
    this.reload = reload
    this.collector = collector
    collector.on('message', (bytes) => this.packets.push(bytes.toString('latin1')))
    const place =
      joins === undefined
        ? 'standalone: true'
        : `authority: ${join(joins.data, 'authority')}, bootstrap: ["127.0.0.1:${joins.reload}"]`
    const config = join(folder, `${name}.yaml`)
    writeFileSync(
      config,
      `overlay: { name: ${domain}, listen: ["tls://127.0.0.1:${reload}"], applicationListen: "tls://127.0.0.1:0", ${place} }
sip: { listen: ["udp://127.0.0.1:${sip}", "tcp://127.0.0.1:${sip}"], domains: [${domain}], secret: "${SIP_SECRET}" }
admin: { listen: "127.0.0.1:${admin}", token: "${this.token}" }
data: { dir: ${this.data} }
log: { level: debug, format: json }
trace: { hep: "udp://127.0.0.1:${collector.address().port}" }
`,
    )
    this.process = new Running(process.execPath, [COMMAND, 'start', '--config', config])
  }

  /** Resolves once it has joined. */
  static async start(init: TalkativeInit): Promise<TalkativeNode> {
    const collector = createSocket('udp4')
    collector.bind(0, '127.0.0.1')
    await once(collector, 'listening')
    const ports = { sip: await freePort(), admin: await freePort(), reload: await freePort() }
    const node = new TalkativeNode(init, ports, collector)
    try {
      await node.process.line((line) => line.includes('"joined"'), 'joined')
      return node
    } catch (error) {
      await node.stop()
      throw error
    }
  }

  async fetched(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.admin}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string>) },
    })
    const text = await response.text()
    this.answers.push(`${path} ${response.status} ${JSON.stringify([...response.headers])} ${text}`)
    return text
  }

  async account(username: string, password: string): Promise<void> {
    await this.fetched('/api/v1/users', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    })
  }

  /** Asks for everything that can be asked for: traces in all forms, views, page; and for its state and a reload by signal. */
  async everything(aor: string): Promise<void> {
    const { traces } = JSON.parse(await this.fetched('/api/v1/traces')) as { traces: { callId: string }[] }
    for (const { callId } of traces)
      for (const format of ['json', 'text', 'svg'])
        await this.fetched(`/api/v1/traces/${encodeURIComponent(callId)}?format=${format}`)
    const views = ['peer', 'ring', 'ring/walk', 'bindings', 'storage', 'users', 'rates']
    for (const path of [...views, `locate?aor=${aor}`, `path?aor=${aor}`])
      await this.fetched(`/api/v1/${path}`)
    for (const path of ['/', '/readyz?verbose', '/metrics', '/api/docs', '/assets/main.js'])
      await this.fetched(path)
    this.process.child.kill('SIGUSR2')
    this.process.child.kill('SIGHUP')
    await this.process.line(
      (line) => line.includes('"event":"state"') || line.includes('state_dump') || line.includes('reload'),
      'state',
    )
  }

  /** Where it has said something, and what. */
  said(): readonly (readonly [place: string, text: string])[] {
    return [
      ['log', this.process.output],
      ['api', this.answers.join('\n')],
      ['hep', this.packets.join('\n')],
    ]
  }

  async stop(): Promise<void> {
    await this.process.stop()
    if (this.stopped) return
    this.stopped = true
    this.collector.close()
  }
}
