/** The processes of a testbed, killed from outside and started again; which of them runs, and since which life. */
import { closeSync, openSync } from 'node:fs'
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMAND, Testbed, type TestbedPeer } from '../interop/support/testbed.ts'

const POLL_MS = 200
const RESTART_AFTER_MS = 300

/** One peer over its lives. */
export class Peer {
  readonly plan: TestbedPeer
  /** Counts its deaths. */
  life = 0
  state: 'dead' | 'joining' | 'ready' = 'ready'
  pid: number
  child: ChildProcess | undefined

  constructor(plan: TestbedPeer) {
    this.plan = plan
    this.pid = plan.pid
  }
}

/** What a node answered over HTTP; status 0 when there was no answer. */
export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
  readonly ms: number
}

export async function ask(peer: Peer, path: string, withinMs = 15_000): Promise<HttpAnswer> {
  const started = performance.now()
  const ms = () => performance.now() - started
  try {
    const signal = AbortSignal.timeout(withinMs)
    const response = await fetch(`http://${peer.plan.admin}${path}`, { signal })
    return { status: response.status, body: await response.json(), ms: ms() }
  } catch (error) {
    return { status: 0, body: { error: String(error) }, ms: ms() }
  }
}

export class Fleet {
  readonly peers: readonly Peer[]
  /** Milliseconds from a start to ready, of every restart that got there. */
  readonly joins: number[] = []
  /** What must not happen, in words. */
  readonly faults: string[] = []
  kills = 0
  private readonly testbed: Testbed
  private readonly joining = new Set<Promise<void>>()
  private stopping = false

  private constructor(testbed: Testbed) {
    this.testbed = testbed
    this.peers = testbed.peers.map((plan) => new Peer(plan))
  }

  static async start(flags: readonly string[]): Promise<Fleet> {
    return new Fleet(await Testbed.start(flags))
  }

  get ready(): Peer[] {
    return this.peers.filter(({ state }) => state === 'ready')
  }

  get folder(): string {
    return this.testbed.folder
  }

  /** SIGKILL, and a new life shortly after. */
  kill(peer: Peer): void {
    this.kills++
    peer.life++
    peer.state = 'dead'
    process.kill(peer.pid, 'SIGKILL')
    const back = this.restart(peer).finally(() => this.joining.delete(back))
    this.joining.add(back)
  }

  /** Waits for all that are on their way back; false when that takes longer than `withinMs`. */
  async allReady(withinMs: number): Promise<boolean> {
    const late = sleep(withinMs).then(() => false)
    return Promise.race([Promise.all(this.joining).then(() => true), late])
  }

  async stop(): Promise<void> {
    this.stopping = true
    for (const { child } of this.peers) child?.kill('SIGKILL')
    await this.testbed.stop()
  }

  private async restart(peer: Peer): Promise<void> {
    await sleep(RESTART_AFTER_MS)
    if (this.stopping) return
    const started = performance.now()
    this.spawn(peer)
    peer.state = 'joining'
    const { life } = peer
    while (!this.stopping && peer.life === life) {
      await sleep(POLL_MS)
      const { status } = await ask(peer, '/readyz', 3_000)
      if (status !== 200 || peer.life !== life) continue
      peer.state = 'ready'
      this.joins.push(performance.now() - started)
      return
    }
  }

  private spawn(peer: Peer): void {
    const folder = `${this.folder}/peer-${peer.plan.peer}`
    const log = openSync(`${folder}/log.jsonl`, 'a')
    const child = spawn(process.execPath, [COMMAND, 'start', '--config', `${folder}/config.yaml`, '--tied'], {
      stdio: ['pipe', log, log],
    })
    closeSync(log)
    const { life } = peer
    child.once('exit', (code, signal) => {
      if (this.stopping || peer.life !== life) return
      peer.state = 'dead'
      this.faults.push(`peer ${peer.plan.peer} ended by itself (${signal ?? String(code)})`)
    })
    peer.child = child
    peer.pid = child.pid ?? 0
  }
}
