import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Running } from './processes.ts'
import type { Surrounding } from './sites.ts'

const CONFIGURATION = join(dirname(dirname(fileURLToPath(import.meta.url))), 'kamailio', 'pbx.cfg')

/** Debian's Kamailio as the proxy of pbx.example.com (see kamailio/pbx.cfg), on UDP and TCP. */
export class Kamailio {
  readonly address: string
  private readonly process: Running

  private constructor(address: string, process: Running) {
    this.address = address
    this.process = process
  }

  /** `friend` and `pstn`: host:port of the phones behind it. */
  static async start(
    init: { readonly address: string; readonly friend: string; readonly pstn: string },
    surrounding: Surrounding = {},
  ): Promise<Kamailio> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-kamailio-'))
    const file = join(folder, 'pbx.cfg')
    const text = readFileSync(CONFIGURATION, 'utf8')
    writeFileSync(
      file,
      text.replace('sip:FRIEND', `sip:${init.friend}`).replace('sip:PSTN', `sip:${init.pstn}`),
    )
    const [command, ...args] = [
      ...(surrounding.before ?? []),
      ...['kamailio', '-f', file, '-DD', '-E', '-w', folder, '-Y', folder, '-P', join(folder, 'pid')],
      ...['-l', `udp:${init.address}`, '-l', `tcp:${init.address}`, '-m', '32', '-M', '8'],
    ]
    const process = new Running(command as string, args, { ownGroup: true })
    await process.line((line) => line.includes('Listening on'), 'Kamailio', 20_000)
    return new Kamailio(init.address, process)
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
