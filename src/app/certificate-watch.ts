/** Says when others do not believe the certificate of this node any more, or not yet, and when there is a valid one again. */
import type { Trace, TraceEvent } from '../common/trace.ts'
import type { Credential } from '../reload/security/index.ts'

/** The wall clock may jump, so no timer is set for the end itself. */
const LOOK_MS = 5_000

/** `early`: a clock that is behind, as after its battery has died. */
type Validity = 'early' | 'valid' | 'expired'

const ANNOUNCEMENTS: Readonly<
  Record<Validity, { readonly level: TraceEvent['level']; readonly event: string }>
> = {
  early: { level: 'error', event: 'node_certificate_not_valid_yet' },
  valid: { level: 'info', event: 'node_certificate_valid_again' },
  expired: { level: 'error', event: 'node_certificate_expired' },
}

export class CertificateWatch {
  private readonly credential: Credential
  private readonly trace: Trace
  private readonly timer: NodeJS.Timeout
  /** What the log said last. */
  private told: Validity = 'valid'

  constructor(credential: Credential, trace: Trace, lookMs = LOOK_MS) {
    this.credential = credential
    this.trace = trace
    this.timer = setInterval(() => this.look(), lookMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    const { notBefore, notAfter } = this.credential.certificate
    const now = Date.now()
    const validity = now < notBefore ? 'early' : now < notAfter ? 'valid' : 'expired'
    if (validity === this.told) return
    this.told = validity
    this.trace({
      ...ANNOUNCEMENTS[validity],
      area: 'app',
      notBefore: new Date(notBefore).toISOString(),
      notAfter: new Date(notAfter).toISOString(),
    })
  }
}
