/**
 * One log line for each TLS connection to a server outside that did not come up: event `tls_connect_failed` with the server, the name its certificate had
 * to prove, and the code of the failure. To the caller a server that is not believed is one that does not answer (408).
 */
import type { Millis } from '../../common/time.ts'
import { TokenBucket } from '../../common/token-bucket.ts'
import type { Trace } from '../../common/trace.ts'
import { bracketed } from '../message/index.ts'
import type { Flow } from './flows.ts'

/** Judgement: a trunk that fails all night is seen, and users who call where nobody is fill no disk; in lines a second. */
const LINES = { perSecond: 0.1, burst: 30 }

export class TlsLog {
  private readonly trace: Trace
  private lines: TokenBucket | undefined

  constructor(trace: Trace) {
    this.trace = trace
  }

  /** `flow` did not come up; nothing is said of other transports, where a failure has one meaning. */
  failed(now: Millis, flow: Pick<Flow, 'hop' | 'dialledFor'> | undefined, reason: string): void {
    if (flow?.hop.transport !== 'tls') return
    this.lines ??= new TokenBucket(LINES, now)
    if (this.lines.take(LINES, now) > 0) return
    const { host, port } = flow.hop
    this.trace({
      level: 'warn',
      area: 'sip',
      event: 'tls_connect_failed',
      server: `${bracketed(host)}:${port}`,
      name: flow.dialledFor ?? host,
      reason,
    })
  }
}
