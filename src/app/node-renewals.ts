/** Which certificates of a node are renewed, and what happens with a new one. */
import type { Trace } from '../common/trace.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import type { Credential } from '../reload/security/index.ts'
import { nodeFolder } from './config/places.ts'
import type { Config } from './config/schema.ts'
import type { NodeLoop } from './node-loop.ts'
import { Renewals, type Renew } from './renewals.ts'
import type { CertificateSource, SourceFailure } from './trust/certificate-source.ts'
import { renewedCredential, tlsIdentity } from './trust/node-identity.ts'
import type { RenewableCredential } from './trust/renewable-credential.ts'
import type { UserVault } from './trust/user-vault.ts'

/** No user name: those have an @. */
const NODE = 'node'

export interface NodeRenewalParts {
  readonly config: Config
  readonly credential: RenewableCredential
  /** Undefined: certificates are imported, and renewed by whoever made them. */
  readonly source: CertificateSource | undefined
  readonly vault: UserVault
  readonly loop: NodeLoop
  /** Whether somebody is a user of this node by now. */
  readonly hosts: (aor: string) => boolean
  readonly links: TlsLinks
  readonly trace: Trace
}

export function renewalsOf(parts: NodeRenewalParts): Renewals {
  const { credential, source, vault, loop, hosts, trace } = parts
  const renew: Renew = async (name) => {
    if (source === undefined) return { final: true, reason: 'certificates are imported' }
    if (name !== NODE) {
      const made = await vault.certify(name)
      if ('credential' in made) loop.feed({ kind: 'enrolled', aor: name, outcome: { ok: true, ...made } })
      return made
    }
    return renewNode(parts, source)
  }
  const renewals = new Renewals(renew, trace, (name) => name === NODE || hosts(name))
  if (source !== undefined) {
    renewals.watch(NODE, credential)
    vault.watch((aor, each) => renewals.watch(aor, each))
  }
  return renewals
}

/** The same key, name and Node-ID for a longer time: on disk first, then in signatures and on new links. */
async function renewNode(
  { config, credential, links, trace }: NodeRenewalParts,
  source: CertificateSource,
): Promise<{ readonly credential: Credential } | SourceFailure> {
  try {
    const made = await renewedCredential(source, nodeFolder(config), credential)
    if (!made.ok) return made.error
    const same = credential.renew(made.value)
    if (same) links.renew(tlsIdentity(made.value))
    const { notAfter } = made.value.certificate
    trace({
      level: same ? 'info' : 'warn',
      area: 'enrollment',
      event: same ? 'node_certificate_renewed' : 'node_certificate_for_next_start',
      notAfter: new Date(notAfter).toISOString(),
    })
    return { credential: made.value }
  } catch (error) {
    return { final: false, reason: error instanceof Error ? error.message : String(error) }
  }
}
