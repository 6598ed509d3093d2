/** The certificate for phones while the node runs: renewed or read again without dropping a connection, its end announced. */
import type { Trace, TraceEvent } from '../common/trace.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import type { SipListener } from '../sip/index.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import { ConfigError } from './config/fault.ts'
import type { Config } from './config/schema.ts'
import { phoneTls, phoneTlsOfFiles, type PhoneCertificate, type PhoneTls } from './sip-certificate.ts'

/** How often certificates that are issued here are made again when they are due, and what is wrong with others is said again. */
const RENEW_MS = 3_600_000
/** How soon it is said that one has begun or come to its end. The wall clock may jump, so no timer is set for that itself. */
const LOOK_MS = 5_000
/** Somebody has to do something when so little time is left; those issued here have been renewed long before. */
const WARN_BEFORE_MS = 14 * 86_400_000

/** `early`: phones refuse it as they do one that has expired. */
type Validity = 'early' | 'valid' | 'expiring' | 'expired'

const ANNOUNCEMENTS: Readonly<
  Record<Validity, { readonly level: TraceEvent['level']; readonly event: string }>
> = {
  early: { level: 'error', event: 'sip_certificate_not_valid_yet' },
  valid: { level: 'info', event: 'sip_certificate_valid_again' },
  expiring: { level: 'warn', event: 'sip_certificate_expiring' },
  expired: { level: 'error', event: 'sip_certificate_expired' },
}

export interface PhoneTlsParts {
  readonly config: Config
  readonly authority: StoredAuthority | undefined
  readonly streams: StreamShells
  readonly listeners: readonly SipListener[]
  readonly trace: Trace
}

export class PhoneTlsWatch {
  private readonly parts: PhoneTlsParts
  private readonly timers: readonly NodeJS.Timeout[]
  private current: PhoneTls
  private renewing = false
  /** What the log said last. */
  private told: Validity = 'valid'

  constructor(parts: PhoneTlsParts, current: PhoneTls) {
    this.parts = parts
    this.current = current
    this.timers = [setInterval(() => void this.renew(), RENEW_MS), setInterval(() => this.look(), LOOK_MS)]
    for (const timer of this.timers) timer.unref()
    this.announce()
  }

  /** End of the certificate in force, milliseconds since 1970; undefined where nothing listens with TLS. */
  get notAfter(): number | undefined {
    return this.current.certificate?.notAfter
  }

  /** For /readyz; undefined where nothing listens with TLS. */
  check(wallMs: number): { readonly ok: boolean; readonly detail?: string } | undefined {
    const { certificate } = this.current
    if (certificate === undefined) return undefined
    const [begin, end] = [certificate.notBefore, certificate.notAfter].map((at) => new Date(at).toISOString())
    switch (validityOf(certificate, wallMs)) {
      case 'early':
        return {
          ok: false,
          detail: `the certificate for phones begins at ${begin}; is the clock of this machine right?`,
        }
      case 'expired':
        return { ok: false, detail: `the certificate for phones expired at ${end}` }
      case 'expiring':
        return { ok: true, detail: `the certificate for phones expires at ${end}` }
      case 'valid':
        return { ok: true }
    }
  }

  /** Files read again; the answer puts them into force. Throws `ConfigError` when they are not fit. */
  prepare(next: Config): () => void {
    const { certificate } = this.current
    const named = next.sip.tls.certificate !== undefined
    if (certificate !== undefined && !certificate.issuedHere && !named)
      throw new ConfigError('"sip.tls.certificate": to take it away takes a restart')
    // Which listeners there are is settled; only files and authorities are taken from the next configuration.
    const { listen } = this.parts.config.sip
    const read = phoneTlsOfFiles({ ...next, sip: { ...next.sip, listen } }, this.parts.authority)
    const { identity } = this.current.settings
    const { verifyClients } = this.parts.config.sip.tls
    const whole: PhoneTls =
      read.certificate === undefined
        ? { ...this.current, settings: { ...read.settings, identity, verifyClients } }
        : { ...read, settings: { ...read.settings, verifyClients } }
    this.refuseOtherNames(whole)
    return () => this.takeOver(whole, 'sip_certificate_reloaded')
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer)
  }

  /** Phones have been told names that stand in routes for hours. */
  private refuseOtherNames({ certificate }: PhoneTls): void {
    if (certificate === undefined) return
    const told = this.parts.listeners.filter(({ transport }) => transport === 'tls' || transport === 'wss')
    for (const { advertisedHost } of told) {
      const before = this.current.certificate?.isFor(advertisedHost) === true
      if (!before || certificate.isFor(advertisedHost)) continue
      throw new ConfigError(
        `"sip.tls.certificate": no longer names ${advertisedHost}, which phones were told; that takes a restart`,
      )
    }
  }

  private takeOver(next: PhoneTls, event: string): void {
    const { streams, trace } = this.parts
    const changed = next.settings.identity?.certificates !== this.current.settings.identity?.certificates
    streams.renew(next.settings)
    this.current = next
    if (!changed || next.certificate === undefined) return
    const notAfter = new Date(next.certificate.notAfter).toISOString()
    trace({ level: 'info', area: 'app', event, notAfter })
    this.announce()
  }

  private async renew(): Promise<void> {
    const { config, authority, trace } = this.parts
    if (this.renewing) return
    this.renewing = true
    try {
      if (this.current.certificate?.issuedHere === true)
        this.takeOver(await phoneTls(config, authority), 'sip_certificate_renewed')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      trace({ level: 'error', area: 'app', event: 'sip_certificate_not_renewed', reason })
    } finally {
      this.renewing = false
    }
    this.announce()
  }

  /** What has changed by the clock alone. */
  private look(): void {
    const { certificate } = this.current
    if (certificate === undefined || validityOf(certificate, Date.now()) === this.told) return
    // A clock that was put forward brings the end of one that would have been renewed in good time.
    if (certificate.issuedHere) void this.renew()
    else this.announce()
  }

  private announce(): void {
    const { certificate } = this.current
    if (certificate === undefined) return
    const now = Date.now()
    const validity = validityOf(certificate, now)
    const before = this.told
    this.told = validity
    const { level, event } = ANNOUNCEMENTS[validity]
    const detail = this.check(now)?.detail
    if (detail !== undefined) this.parts.trace({ level, area: 'app', event, detail })
    else if (before === 'early' || before === 'expired') this.parts.trace({ level, area: 'app', event })
  }
}

function validityOf({ notBefore, notAfter }: PhoneCertificate, wallMs: number): Validity {
  if (wallMs < notBefore) return 'early'
  if (wallMs >= notAfter) return 'expired'
  return wallMs < notAfter - WARN_BEFORE_MS ? 'valid' : 'expiring'
}
