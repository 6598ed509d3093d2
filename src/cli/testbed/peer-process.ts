/** One peer of a testbed as a process of its own, and what it says about itself over HTTP. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { ask } from '../admin-client.ts'
import type { RingView } from '../commands/ask.ts'
import type { PeerPlan } from './plan.ts'

/** After SIGTERM a node has 20 s (contract s.3). */
const EXIT_WITHIN_MS = 25_000

export class PeerProcess {
  readonly plan: PeerPlan
  private readonly child: ChildProcess
  private ended = false
  private readonly onEnd: Promise<void>

  /** `command`: the arguments of node that run `ringbridge`. The log goes straight to a file, not through the parent. `onEnd` hears how the process ended. */
  constructor(plan: PeerPlan, command: readonly string[], onEnd: (how: string) => void) {
    this.plan = plan
    const log = openSync(plan.logFile, 'a')
    const messages = openSync(plan.messagesFile, 'a')
    this.child = spawn(process.execPath, [...command, 'start', '--config', plan.configFile, '--tied'], {
      // The parent holds the other end of standard input: when it dies, however it dies, the peer leaves.
      stdio: ['pipe', log, messages],
    })
    closeSync(log)
    closeSync(messages)
    this.onEnd = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.ended = true
        onEnd(signal ?? `exit code ${code ?? 'unknown'}`)
        resolve()
      })
    })
    this.child.once('error', () => {
      this.ended = true
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get alive(): boolean {
    return !this.ended
  }

  /** Undefined while it does not answer or is not ready. */
  async readyNodeId(): Promise<string | undefined> {
    const ready = await ask(this.plan.admin, '/readyz', undefined)
    if (!ready.ok) return undefined
    const peer = await ask(this.plan.admin, '/api/v1/peer', undefined)
    if (!peer.ok) return undefined
    const { nodeId, pid } = peer.body as { nodeId: string; pid: number }
    // Another process may hold the port and be quite ready.
    return pid === this.pid ? nodeId : undefined
  }

  async ring(): Promise<RingView | undefined> {
    const answer = await ask(this.plan.admin, '/api/v1/ring', undefined)
    return answer.ok ? (answer.body as RingView) : undefined
  }

  /** Leaves; killed when that takes too long. */
  async stop(): Promise<void> {
    if (this.ended) return
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), EXIT_WITHIN_MS)
    await this.onEnd
    clearTimeout(timer)
  }

  /** The end of its log and, of one that has ended, of what it said besides: why it did not come up. */
  lastLines(count: number): string {
    const files = this.ended ? [this.plan.logFile, this.plan.messagesFile] : [this.plan.logFile]
    return files
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .slice(-count),
      )
      .join('\n')
  }
}
