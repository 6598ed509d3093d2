/** What a running node takes over when its configuration is read again (contract s.3: accounts, certificates, limits, log level). */
import { Private } from '../common/pii.ts'
import type { Trace } from '../common/trace.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import { sameId } from '../reload/codec/index.ts'
import type { NodeCrypto } from '../reload/security/index.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import { ConfigError } from './config/fault.ts'
import type { Config } from './config/schema.ts'
import { httpsFiles, type EnrollmentService } from './enrollment-service.ts'
import type { HostedAccounts } from './hosted-accounts.ts'
import type { LiveDocument } from './live-document.ts'
import type { NodeLoop } from './node-loop.ts'
import type { PhoneTlsWatch } from './phone-tls-watch.ts'
import { flowLimits, linkLimits, sipTunables, storageLimits } from './settings.ts'
import { importedUsers } from './trust/imported-users.ts'
import { importedCredential, tlsIdentity } from './trust/node-identity.ts'
import type { RenewableCredential } from './trust/renewable-credential.ts'
import type { UserVault } from './trust/user-vault.ts'

export interface TakeOverParts {
  /** What the node was started with. */
  readonly running: Config
  readonly crypto: NodeCrypto
  readonly credential: RenewableCredential
  readonly overlayName: string
  readonly accounts: HostedAccounts
  readonly vault: UserVault
  readonly documents: LiveDocument
  readonly loop: NodeLoop
  readonly links: TlsLinks
  readonly streams: StreamShells
  readonly phoneTls: PhoneTlsWatch
  readonly enrollment: EnrollmentService | undefined
  readonly trace: Trace
}

/**
 * Takes over what can be taken over without ending a call: existing connections, bindings and stored values stay even where
 * a limit is lower now. Certificates and document are looked at first: when theirs is a fault, nothing has changed. Throws `ConfigError`.
 */
export function takeOver(next: Config, parts: TakeOverParts): void {
  const { running, accounts, documents, loop, links, streams, phoneTls, enrollment } = parts
  const renewed = importedAgain(next, parts)
  const usersRenewed = usersImportedAgain(parts)
  const phonesRenewed = phoneTls.prepare(next)
  const serverRenewed = enrollment?.prepare(httpsFiles(next))
  const documentRead = documents.prepare()
  if (running.sip.roles.length > 0) {
    accounts.reload()
    loop.feed(accounts.hosted())
  }
  documentRead()
  renewed()
  usersRenewed()
  phonesRenewed()
  serverRenewed?.()
  streams.limit(flowLimits(next))
  links.limit(linkLimits(next))
  loop.feed({ kind: 'limits', sip: sipTunables(next), storage: storageLimits(next) })
}

/** Certificates that the operator has brought for users, in the files that the node was started with; the answer puts them into force. */
function usersImportedAgain({ running, crypto, overlayName, vault, loop, trace }: TakeOverParts): () => void {
  const users = importedUsers(crypto, running, overlayName)
  for (const [aor, { nodeId }] of users) {
    const known = vault.nodeIdOf(aor)
    if (known !== undefined && !sameId(known, nodeId))
      throw new ConfigError(
        `"sip.hostedUsers": the certificate of ${aor} has another key; that takes a restart`,
      )
  }
  return () => {
    for (const [aor, credential] of users) {
      if (!vault.bring(aor, credential)) continue
      loop.feed({ kind: 'enrolled', aor, outcome: { ok: true, credential } })
      const notAfter = new Date(credential.certificate.notAfter).toISOString()
      trace({
        level: 'info',
        area: 'app',
        event: 'user_certificate_reloaded',
        aor: new Private(aor),
        notAfter,
      })
    }
  }
}

/** An imported certificate read again; the answer puts it into force for signatures and new links. */
function importedAgain(next: Config, parts: TakeOverParts): () => void {
  const { running, crypto, credential, overlayName, links, trace } = parts
  const imports = running.overlay.credentials === 'import' && next.overlay.credentials === 'import'
  if (!imports) return () => undefined
  const read = importedCredential(crypto, next, overlayName)
  const { certificate } = read
  if (certificate.fingerprint === credential.certificate.fingerprint) return () => undefined
  if (!sameId(read.nodeId, credential.nodeId))
    throw new ConfigError('"overlay.certificate": is of another node; that takes a restart')
  return () => {
    credential.renew(read)
    links.renew(tlsIdentity(read))
    const notAfter = new Date(certificate.notAfter).toISOString()
    trace({ level: 'info', area: 'app', event: 'node_certificate_reloaded', notAfter })
  }
}
