/** Renews the certificates of the node and of its hosted users in good time, one after the other. */
import { Tally } from '../common/instruments.ts'
import type { Trace } from '../common/trace.ts'
import { RenewalSchedule, type RenewalAction, type RenewalInput } from '../enrollment/index.ts'
import { Loop } from '../reload/io/loop.ts'
import type { Credential } from '../reload/security/index.ts'
import { CryptoRandom } from './crypto-random.ts'
import type { SourceFailure } from './trust/certificate-source.ts'

/** Makes and keeps a certificate for the same key. Must not reject. */
export type Renew = (name: string) => Promise<{ readonly credential: Credential } | SourceFailure>

/** How long one that nobody needs is left alone before it is asked again: who has been taken away may be back. */
const NEEDED_AGAIN_MS = 3_600_000

export class Renewals {
  readonly results = new Tally(['ok', 'failed'])
  private readonly renew: Renew
  private readonly trace: Trace
  private readonly needed: (name: string) => boolean
  private readonly loop: Loop<RenewalInput, RenewalAction>
  /** The renewal under way and those behind it: each costs a request, and phones are served in between. */
  private last: Promise<void> = Promise.resolve()
  private stopped = false

  /** `needed`: a certificate of somebody who is gone is let run out. */
  constructor(renew: Renew, trace: Trace, needed: (name: string) => boolean = () => true) {
    this.renew = renew
    this.trace = trace
    this.needed = needed
    const schedule = new RenewalSchedule({ random: new CryptoRandom() })
    this.loop = new Loop(schedule, { kind: 'timeout' }, ({ name }) => {
      this.last = this.last.then(() => this.one(name))
    })
  }

  /** A certificate that is in use from now on. */
  watch(name: string, { certificate }: Credential): void {
    const { notBefore, notAfter } = certificate
    this.loop.feed({ kind: 'certificate', name, notBefore, notAfter })
  }

  /** No further renewal is begun; resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.stopped = true
    this.loop.stop()
    await this.last
  }

  private async one(name: string): Promise<void> {
    if (this.stopped) return
    if (!this.needed(name)) return this.loop.feed({ kind: 'failed', name, waitMs: NEEDED_AGAIN_MS })
    const made = await this.renew(name)
    if ('credential' in made) {
      this.results.add('ok')
      this.watch(name, made.credential)
      return
    }
    this.results.add('failed')
    this.trace({ level: 'warn', area: 'enrollment', event: 'renewal_failed', reason: made.reason })
    const { waitMs } = made
    this.loop.feed({ kind: 'failed', name, ...(waitMs === undefined ? {} : { waitMs }) })
  }
}
