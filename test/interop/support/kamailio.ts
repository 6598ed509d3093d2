import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Running } from './processes.ts'
import type { Surrounding } from './sites.ts'

const CONFIGURATIONS = join(dirname(dirname(fileURLToPath(import.meta.url))), 'kamailio')

/** Debian's Kamailio on UDP and TCP, with one of the configurations in kamailio/. */
export class Kamailio {
  readonly address: string
  private readonly process: Running

  private constructor(address: string, process: Running) {
    this.address = address
    this.process = process
  }

  /** The proxy of pbx.example.com. `friend` and `pstn`: host:port of the phones behind it. */
  static async start(
    init: { readonly address: string; readonly friend: string; readonly pstn: string },
    surrounding: Surrounding = {},
  ): Promise<Kamailio> {
    const { address, friend, pstn } = init
    return Kamailio.run(
      'pbx.cfg',
      address,
      { 'sip:FRIEND': `sip:${friend}`, 'sip:PSTN': `sip:${pstn}` },
      surrounding,
    )
  }

  /** A border controller before `node`, host:port. */
  static async edge(address: string, node: string): Promise<Kamailio> {
    return Kamailio.run('edge.cfg', address, { NODE: node }, {})
  }

  private static async run(
    name: string,
    address: string,
    changes: Readonly<Record<string, string>>,
    surrounding: Surrounding,
  ): Promise<Kamailio> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-kamailio-'))
    const file = join(folder, name)
    let text = readFileSync(join(CONFIGURATIONS, name), 'utf8')
    for (const [what, by] of Object.entries(changes)) text = text.replaceAll(what, by)
    writeFileSync(file, text)
    const [command, ...args] = [
      ...(surrounding.before ?? []),
      ...['kamailio', '-f', file, '-DD', '-E', '-w', folder, '-Y', folder, '-P', join(folder, 'pid')],
      ...['-l', `udp:${address}`, '-l', `tcp:${address}`, '-m', '32', '-M', '8'],
    ]
    const process = new Running(command as string, args, { ownGroup: true })
    await process.line((line) => line.includes('Listening on'), 'Kamailio', 20_000)
    return new Kamailio(address, process)
  }

  get log(): string {
    return this.process.output
  }

  /** Waits for a request that it has logged. */
  async request(matches: RegExp): Promise<string> {
    return this.process.line((line) => line.includes('request ') && matches.test(line), String(matches))
  }

  /** By force: see Collector. */
  async stop(): Promise<void> {
    await this.process.stop('SIGKILL')
  }
}
