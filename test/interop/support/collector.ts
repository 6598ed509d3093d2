import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, Running } from './processes.ts'

const CONFIGURATION = join(dirname(dirname(fileURLToPath(import.meta.url))), 'kamailio', 'collector.cfg')

export interface CollectedPacket {
  readonly type: string
  readonly family: string
  readonly protocol: string
  readonly from: string
  readonly to: string
  readonly agent: string
  readonly seconds: string
  readonly correlation: string
  readonly payload: string
}

/** Debian's Kamailio as a HEP collector (see kamailio/collector.cfg): another implementation's view of what arrives. */
export class Collector {
  readonly port: number
  private readonly process: Running

  private constructor(port: number, process: Running) {
    this.port = port
    this.process = process
  }

  static async start(): Promise<Collector> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-collector-'))
    const file = join(folder, 'collector.cfg')
    writeFileSync(file, readFileSync(CONFIGURATION, 'utf8').replace('FOLDER', folder))
    const port = await freePort()
    const args = [
      ...['-f', file, '-DD', '-E', '-w', folder, '-Y', folder, '-P', join(folder, 'pid')],
      ...['-l', `udp:127.0.0.1:${port}`, '-m', '32', '-M', '8'],
    ]
    const process = new Running('kamailio', args, { ownGroup: true })
    await process.line((line) => line.includes('Listening on'), 'Kamailio', 20_000)
    return new Collector(port, process)
  }

  get packets(): CollectedPacket[] {
    return this.process.output.split('\n').flatMap((line) => {
      const packet = packetOf(line)
      return packet === undefined ? [] : [packet]
    })
  }

  /** Waits for a packet. */
  async packet(matches: (packet: CollectedPacket) => boolean, what: string): Promise<CollectedPacket> {
    const line = await this.process.line((each) => {
      const packet = packetOf(each)
      return packet !== undefined && matches(packet)
    }, what)
    return packetOf(line) as CollectedPacket
  }

  get log(): string {
    return this.process.output
  }

  /** Its workers now and then wait for one another for ever when they are asked to end; they have nothing to lose. */
  async stop(): Promise<void> {
    await this.process.stop('SIGKILL')
  }
}

function packetOf(line: string): CollectedPacket | undefined {
  const at = line.indexOf('packet type=')
  if (at < 0) return undefined
  const fields = line.slice(at + 'packet '.length).split(' ')
  const entries = fields.map((field) => {
    const equals = field.indexOf('=')
    return [field.slice(0, equals), field.slice(equals + 1)] as const
  })
  const found = new Map(entries)
  const text = (name: string): string => found.get(name) ?? ''
  // One family has the addresses, the other none.
  const end = (name: string): string => `${text(name)}${text(`${name}6`)}:${text(`${name}Port`)}`
  return {
    type: text('type'),
    family: text('family'),
    protocol: text('protocol'),
    from: end('from'),
    to: end('to'),
    agent: text('agent'),
    seconds: text('seconds'),
    correlation: text('correlation'),
    payload: Buffer.from(text('payload'), 'hex').toString('latin1'),
  }
}
