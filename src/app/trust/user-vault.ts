/** Credentials of hosted users on disk, one folder each, and how new ones are made (adapter-mapping s.2, C1). */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EnrollOutcome, HostedCredential } from '../../adapter/index.ts'
import {
  credentialFolderName,
  issueCredential,
  loadCredential,
  saveCredential,
  type StoredAuthority,
} from '../../enrollment/io/index.ts'
import type { Trace } from '../../common/trace.ts'
import type { NodeCrypto } from '../../reload/security/index.ts'
import { privateFolder } from '../files.ts'

/** M-05: renewal at two thirds of the validity. */
const RENEW_AT = 2 / 3

export class UserVault {
  private readonly crypto: NodeCrypto
  private readonly folder: string
  private readonly overlayName: string
  private readonly authority: StoredAuthority | undefined
  private readonly trace: Trace
  private readonly expiries = new Map<string, { readonly notBefore: number; readonly notAfter: number }>()

  /** `authority` undefined: only what is already in the folder can be used. Throws `ConfigError`. */
  constructor(
    components: {
      readonly crypto: NodeCrypto
      readonly authority: StoredAuthority | undefined
      readonly trace: Trace
    },
    init: { readonly folder: string; readonly overlayName: string },
  ) {
    this.crypto = components.crypto
    this.authority = components.authority
    this.trace = components.trace
    this.folder = init.folder
    this.overlayName = init.overlayName
    privateFolder(init.folder, 'data.dir')
  }

  /** Every usable credential; one that cannot be read is left aside and made anew when its user registers. */
  async load(): Promise<HostedCredential[]> {
    const found: HostedCredential[] = []
    for (const name of await readdir(this.folder)) {
      try {
        const credential = await loadCredential(this.crypto, join(this.folder, name), this.overlayName)
        if (credential === undefined || credential.certificate.notAfter <= Date.now()) continue
        const aor = credential.certificate.userName
        this.expiries.set(aor, credential.certificate)
        found.push({ aor, credential })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        this.trace({
          level: 'warn',
          area: 'enrollment',
          event: 'user_credential_unusable',
          folder: name,
          reason,
        })
      }
    }
    return found
  }

  /** A new certificate for a user, kept on disk before it is used. Never rejects. */
  readonly enroll = async (aor: string): Promise<EnrollOutcome> => {
    if (this.authority === undefined) {
      return { ok: false, final: true, reason: 'this node has no authority that could enroll users' }
    }
    try {
      const issued = await issueCredential(this.authority, { userName: aor }, Date.now())
      if (!issued.ok) return { ok: false, final: true, reason: issued.error.reason }
      const { certificate, pkcs8, credential } = issued.value
      await saveCredential(join(this.folder, credentialFolderName(aor)), { certificate, pkcs8 })
      this.expiries.set(aor, credential.certificate)
      return { ok: true, credential }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.trace({ level: 'error', area: 'enrollment', event: 'user_enrollment_failed', reason })
      return { ok: false, final: false, reason }
    }
  }

  /** Certificates by state, for the metrics. */
  states(): { readonly ok: number; readonly expiring: number; readonly expired: number } {
    const now = Date.now()
    const states = { ok: 0, expiring: 0, expired: 0 }
    for (const { notBefore, notAfter } of this.expiries.values()) {
      if (now >= notAfter) states.expired++
      else if (now >= notBefore + (notAfter - notBefore) * RENEW_AT) states.expiring++
      else states.ok++
    }
    return states
  }
}
