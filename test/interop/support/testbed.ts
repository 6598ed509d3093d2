import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Running } from './processes.ts'

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
export const COMMAND = join(ROOT, 'bin', 'ringbridge.mjs')
export const DOMAIN = 'dht.example.com'

export interface TestbedPeer {
  readonly peer: number
  readonly pid: number
  readonly nodeId: string
  readonly sip: string
  readonly admin: string
  readonly reload: string
  /** host:port, where the testbed has them. */
  readonly tls?: string
  readonly ws?: string
  readonly wss?: string
}

/** `ringbridge testbed` as a script sees it: one process a peer, spoken to over its own ports only. */
export class Testbed {
  readonly process: Running
  readonly peers: readonly TestbedPeer[]
  readonly folder: string

  private constructor(process: Running, peers: readonly TestbedPeer[], folder: string) {
    this.process = process
    this.peers = peers
    this.folder = folder
  }

  /** `before`: a command that the testbed is run by. `withinMs`: until the ring is stable. */
  static async start(
    flags: readonly string[],
    before: readonly string[] = [],
    withinMs = 90_000,
  ): Promise<Testbed> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-testbed-'))
    const [command, ...args] = [...before, process.execPath, COMMAND, 'testbed', '--json']
    const running = new Running(command as string, [...args, '--data', folder, ...flags])
    try {
      await running.line((line) => line.includes('"testbed-ready"'), 'testbed-ready', withinMs)
    } catch (error) {
      await running.stop()
      throw error
    }
    const peers: TestbedPeer[] = []
    for (const line of running.output.split('\n')) {
      if (!line.startsWith('{"event":"ready"')) continue
      peers.push(JSON.parse(line) as TestbedPeer)
    }
    peers.sort((a, b) => a.peer - b.peer)
    return new Testbed(running, peers, folder)
  }

  peer(index: number): TestbedPeer {
    const peer = this.peers[index]
    if (peer === undefined) throw new Error(`no peer ${index}`)
    return peer
  }

  async api(index: number, path: string): Promise<unknown> {
    const response = await fetch(`http://${this.peer(index).admin}${path}`)
    return response.json()
  }

  async stop(): Promise<void> {
    await this.process.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function user(number: number): string {
  return `u${String(number).padStart(7, '0')}`
}
