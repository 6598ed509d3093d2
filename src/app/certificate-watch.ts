/** Says when the certificate of this node has come to its end, and when there is a valid one again. */
import type { Trace } from '../common/trace.ts'
import type { Credential } from '../reload/security/index.ts'

/** The wall clock may jump, so no timer is set for the end itself. */
const LOOK_MS = 5_000

export class CertificateWatch {
  private readonly credential: Credential
  private readonly trace: Trace
  private readonly timer: NodeJS.Timeout
  private expired = false

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
    const { notAfter } = this.credential.certificate
    const expired = Date.now() >= notAfter
    if (expired === this.expired) return
    this.expired = expired
    this.trace({
      level: expired ? 'error' : 'info',
      area: 'app',
      event: expired ? 'node_certificate_expired' : 'node_certificate_valid_again',
      notAfter: new Date(notAfter).toISOString(),
    })
  }
}
