import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Running } from './processes.ts'
import type { Surrounding } from './sites.ts'

/** Nobody else's address of the loopback network. */
const ADDRESS = '127.0.0.84'
/** For processes that can be told of their name server. */
export const NAME_SERVER = `${ADDRESS}:53`

/** dnsmasq on loopback with these records only, and processes for which it is the name server. */
export class NameServer {
  /** What is started in here has a /etc/resolv.conf of its own. */
  readonly surrounding: Surrounding
  private readonly process: Running

  private constructor(process: Running, resolvConf: string) {
    this.process = process
    this.surrounding = {
      before: ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolvConf],
    }
  }

  /** `records`: options of dnsmasq, e.g. `--srv-host=_x._tcp.example.com,host.example.com,443`. */
  static async start(records: readonly string[]): Promise<NameServer> {
    const resolvConf = join(mkdtempSync(join(tmpdir(), 'ringbridge-dns-')), 'resolv.conf')
    writeFileSync(resolvConf, `nameserver ${ADDRESS}\noptions timeout:1 attempts:1\n`)
    const running = new Running('dnsmasq', [
      ...[
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
        '--no-daemon',
        '--user=root',
      ],
      ...[
        `--listen-address=${ADDRESS}`,
        '--bind-interfaces',
        '--log-queries',
        '--local=/example.com/',
        ...records,
      ],
    ])
    await running.line((line) => line.includes('started'), 'the name server')
    return new NameServer(running, resolvConf)
  }

  /** Whether it was asked for a record of that type and name. */
  wasAsked(type: string, name: string): boolean {
    return this.process.output.includes(`query[${type}] ${name} `)
  }

  async stop(): Promise<void> {
    await this.process.stop('SIGKILL')
  }
}
