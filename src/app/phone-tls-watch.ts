/** The certificate for phones while the node runs: renewed or read again without dropping a connection, its end announced. */
import type { Trace } from '../common/trace.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import type { SipListener } from '../sip/index.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import { ConfigError } from './config/fault.ts'
import type { Config } from './config/schema.ts'
import { phoneTls, phoneTlsOfFiles, type PhoneTls } from './sip-certificate.ts'

/** How often certificates are looked at. */
const LOOK_MS = 3_600_000
/** Somebody has to do something when so little time is left; those issued here have been renewed long before. */
const WARN_BEFORE_MS = 14 * 86_400_000

export interface PhoneTlsParts {
  readonly config: Config
  readonly authority: StoredAuthority | undefined
  readonly streams: StreamShells
  readonly listeners: readonly SipListener[]
  readonly trace: Trace
}

export class PhoneTlsWatch {
  private readonly parts: PhoneTlsParts
  private readonly timer: NodeJS.Timeout
  private current: PhoneTls

  constructor(parts: PhoneTlsParts, current: PhoneTls) {
    this.parts = parts
    this.current = current
    this.timer = setInterval(() => void this.look(), LOOK_MS)
    this.timer.unref()
    this.announce()
  }

  /** End of the certificate in force, milliseconds since 1970; undefined where nothing listens with TLS. */
  get notAfter(): number | undefined {
    return this.current.certificate?.notAfter
  }

  /** For /readyz; undefined where nothing listens with TLS. */
  check(wallMs: number): { readonly ok: boolean; readonly detail?: string } | undefined {
    const { notAfter } = this
    if (notAfter === undefined) return undefined
    const end = new Date(notAfter).toISOString()
    if (wallMs >= notAfter) return { ok: false, detail: `the certificate for phones expired at ${end}` }
    return wallMs < notAfter - WARN_BEFORE_MS
      ? { ok: true }
      : { ok: true, detail: `the certificate for phones expires at ${end}` }
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
    clearInterval(this.timer)
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

  private async look(): Promise<void> {
    const { config, authority, trace } = this.parts
    try {
      if (this.current.certificate?.issuedHere === true)
        this.takeOver(await phoneTls(config, authority), 'sip_certificate_renewed')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      trace({ level: 'error', area: 'app', event: 'sip_certificate_not_renewed', reason })
    }
    this.announce()
  }

  private announce(): void {
    const { ok, detail } = this.check(Date.now()) ?? { ok: true }
    if (detail === undefined) return
    const event = ok ? 'sip_certificate_expiring' : 'sip_certificate_expired'
    this.parts.trace({ level: ok ? 'warn' : 'error', area: 'app', event, detail })
  }
}
