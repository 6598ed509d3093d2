/** Which certificates of a node are renewed, and what happens with a new one. */
import type { Trace } from '../common/trace.ts'
import type { Credential } from '../reload/security/index.ts'
import { nodeFolder } from './config/places.ts'
import type { Config } from './config/schema.ts'
import type { NodeLoop } from './node-loop.ts'
import { Renewals } from './renewals.ts'
import type { CertificateSource, SourceFailure } from './trust/certificate-source.ts'
import { renewedCredential } from './trust/node-identity.ts'
import type { UserVault } from './trust/user-vault.ts'

/** No user name: those have an @. */
const NODE = 'node'

export interface NodeRenewalParts {
  readonly config: Config
  readonly credential: Credential
  /** Undefined: certificates are imported, and renewed by whoever made them. */
  readonly source: CertificateSource | undefined
  readonly vault: UserVault
  readonly loop: NodeLoop
  readonly trace: Trace
}

export function renewalsOf(parts: NodeRenewalParts): Renewals {
  const { credential, source, vault, loop, trace } = parts
  let own = credential
  const renewals = new Renewals(async (name) => {
    if (source === undefined) return { final: true, reason: 'certificates are imported' }
    if (name !== NODE) {
      const made = await vault.certify(name)
      if ('credential' in made) loop.feed({ kind: 'enrolled', aor: name, outcome: { ok: true, ...made } })
      return made
    }
    const made = await renewNode(parts, source, own)
    if ('credential' in made) own = made.credential
    return made
  }, trace)
  if (source !== undefined) {
    renewals.watch(NODE, credential)
    vault.watch((aor, each) => renewals.watch(aor, each))
  }
  return renewals
}

/**
 * The same key, name and Node-ID for a longer time. Kept on disk: the machines of a running node go on with the certificate
 * they were built with, of which a third of its life is left.
 */
async function renewNode(
  { config, trace }: NodeRenewalParts,
  source: CertificateSource,
  old: Credential,
): Promise<{ readonly credential: Credential } | SourceFailure> {
  try {
    const made = await renewedCredential(source, nodeFolder(config), old)
    if (!made.ok) return made.error
    const { notAfter } = made.value.certificate
    trace({
      level: 'info',
      area: 'enrollment',
      event: 'node_certificate_renewed',
      notAfter: new Date(notAfter).toISOString(),
      inForce: 'after the next start',
    })
    return { credential: made.value }
  } catch (error) {
    return { final: false, reason: error instanceof Error ? error.message : String(error) }
  }
}
