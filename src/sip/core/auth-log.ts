/**
 * One log line for each refused credential, in a form that log filters may rely on (deploy/fail2ban): event `auth_failed` with src,
 * transport, method, reason. No user name and no part of the credentials. The address of a datagram is whatever its sender wrote.
 */
import { RateLimit, sourceOf } from '../../common/rate-limit.ts'
import type { Millis } from '../../common/time.ts'
import { TokenBucket } from '../../common/token-bucket.ts'
import type { Trace } from '../../common/trace.ts'
import type { Hop } from '../transaction/index.ts'

/** Judgement: enough for any filter to count, too little to fill a disk; in lines a second. */
const LINES_PER_SOURCE = { perSecond: 1, burst: 30 }
const LINES = { perSecond: 50, burst: 500 }
/** Methods are tokens of any length. */
const METHOD_CHARS_MAX = 32

export class AuthLog {
  private readonly trace: Trace
  private readonly perSource = new RateLimit(LINES_PER_SOURCE)
  private all: TokenBucket | undefined
  private suppressed = 0

  constructor(trace: Trace) {
    this.trace = trace
  }

  /** `bad`: the credentials were wrong. `blocked`: not looked at, since too many of that source and user were. */
  refused(now: Millis, source: Hop, method: string, reason: 'bad' | 'blocked'): void {
    this.all ??= new TokenBucket(LINES, now)
    if (this.perSource.take(sourceOf(source.host), now) > 0 || this.all.take(LINES, now) > 0) {
      this.suppressed++
      return
    }
    const { suppressed } = this
    this.suppressed = 0
    this.trace({
      level: 'warn',
      area: 'sip',
      event: 'auth_failed',
      src: plain(source.host),
      transport: source.transport,
      method: method.slice(0, METHOD_CHARS_MAX),
      reason,
      ...(suppressed === 0 ? {} : { suppressed }),
    })
  }
}

/** An IPv4 address as it is, also where a listener on :: has seen it. */
function plain(host: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(host) ? host.slice('::ffff:'.length) : host
}
