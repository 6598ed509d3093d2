/** Credentials of hosted users on disk, one folder each, and how new ones are made (adapter-mapping s.2, C1 and C2). */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EnrollOutcome, HostedCredential } from '../../adapter/index.ts'
import { renewalTime } from '../../enrollment/index.ts'
import { credentialFolderName, loadCredential, saveCredential } from '../../enrollment/io/index.ts'
import type { Trace } from '../../common/trace.ts'
import type { NodeId } from '../../reload/codec/index.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import { privateFolder } from '../files.ts'
import { keyOfCredential, type CertificateSource, type SourceFailure } from './certificate-source.ts'

export class UserVault {
  private readonly crypto: NodeCrypto
  private readonly folder: string
  private readonly overlayName: string
  private readonly source: CertificateSource | undefined
  private readonly trace: Trace
  /** All that are in the folder, expired ones too: their keys, and so their Node-IDs, are used again. */
  private readonly credentials = new Map<string, Credential>()
  /** Of these, the ones whose certificates come from the operator and are renewed there (C3). */
  private readonly imported = new Set<string>()
  private onCredential: (aor: string, credential: Credential) => void = () => undefined

  /** `source` undefined: only what is already in the folder can be used. Throws `ConfigError`. */
  constructor(
    components: {
      readonly crypto: NodeCrypto
      readonly source: CertificateSource | undefined
      readonly trace: Trace
    },
    init: { readonly folder: string; readonly overlayName: string },
  ) {
    this.crypto = components.crypto
    this.source = components.source
    this.trace = components.trace
    this.folder = init.folder
    this.overlayName = init.overlayName
    privateFolder(init.folder, 'data.dir')
  }

  nodeIdOf(aor: string): NodeId | undefined {
    return this.credentials.get(aor)?.nodeId
  }

  /** Takes a certificate that the operator has brought, in place of any other. False when it is in use already. */
  bring(aor: string, credential: Credential): boolean {
    const known = this.credentials.get(aor)
    this.imported.add(aor)
    if (known?.certificate.fingerprint === credential.certificate.fingerprint) return false
    this.credentials.set(aor, credential)
    return true
  }

  /** Told of every credential that is in use from now on, those of the folder first. */
  watch(onCredential: (aor: string, credential: Credential) => void): void {
    this.onCredential = onCredential
    for (const [aor, credential] of this.credentials) {
      if (this.imported.has(aor)) continue
      if (credential.certificate.notAfter > Date.now()) onCredential(aor, credential)
    }
  }

  /** Every usable credential; one that cannot be read is left aside and made anew when its user registers. */
  async load(): Promise<HostedCredential[]> {
    const found: HostedCredential[] = [...this.credentials].map(([aor, credential]) => ({ aor, credential }))
    for (const name of await readdir(this.folder)) {
      try {
        const credential = await loadCredential(this.crypto, join(this.folder, name), this.overlayName)
        if (credential === undefined) continue
        const aor = credential.certificate.userName
        if (this.imported.has(aor)) continue
        this.credentials.set(aor, credential)
        if (credential.certificate.notAfter > Date.now()) found.push({ aor, credential })
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

  /** A certificate for a user, kept on disk before it is used. Never rejects. */
  readonly enroll = async (aor: string): Promise<EnrollOutcome> => {
    const made = await this.certify(aor)
    return 'credential' in made
      ? { ok: true, credential: made.credential }
      : { ok: false, final: made.final, reason: made.reason }
  }

  /** The same for a user whose certificate is due; the key stays. Never rejects. */
  async certify(aor: string): Promise<{ readonly credential: Credential } | SourceFailure> {
    if (this.imported.has(aor)) return { final: true, reason: 'its certificate comes from the operator' }
    if (this.source === undefined) {
      return {
        final: true,
        reason: 'this node has no authority that could enroll users; see sip.hostedUsers[].credentials',
      }
    }
    try {
      const known = this.credentials.get(aor)
      const made = await this.source.certify(aor, known === undefined ? undefined : keyOfCredential(known))
      if (!made.ok) return made.error
      const { pair, credential } = made.value
      await saveCredential(join(this.folder, credentialFolderName(aor)), pair)
      this.credentials.set(aor, credential)
      this.onCredential(aor, credential)
      return { credential }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.trace({ level: 'error', area: 'enrollment', event: 'user_enrollment_failed', reason })
      return { final: false, reason }
    }
  }

  /** Certificates of those who are users of this node by now, by state, for the metrics. */
  states(hosts: (aor: string) => boolean): {
    readonly ok: number
    readonly expiring: number
    readonly expired: number
  } {
    const now = Date.now()
    const states = { ok: 0, expiring: 0, expired: 0 }
    for (const [aor, { certificate }] of this.credentials) {
      if (!hosts(aor)) continue
      const { notBefore, notAfter } = certificate
      if (now >= notAfter) states.expired++
      // M-05: renewal at two thirds of the validity.
      else if (now >= renewalTime(notBefore, notAfter, 0)) states.expiring++
      else states.ok++
    }
    return states
  }
}
