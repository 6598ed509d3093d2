/** The node's own certificate and key: imported from files, or had from its source once and kept in data/node. */
import { randomBytes, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromUtf8 } from '../../common/bytes.ts'
import { ok, RingbridgeError, type Result } from '../../common/errors.ts'
import type { Millis } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import { ownUserName, renewalTime } from '../../enrollment/index.ts'
import { generateKey, keyPem, loadCredential, saveCredential } from '../../enrollment/io/index.ts'
import type { TlsIdentity } from '../../reload/io/tls-identity.ts'
import {
  pkcs8OfCredential,
  type Credential,
  type GeneratedKey,
  type NodeCrypto,
} from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { nodeFolder } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { readNeeded } from '../files.ts'
import { keyOfCredential, type CertificateSource, type SourceFailure } from './certificate-source.ts'
import { asConfigError } from './overlay-folder.ts'

/** An enrollment server that is just coming up is waited for; a node that has no certificate that counts cannot do without. */
const TRIES_MAX = 12
const WAIT_MIN_MS = 5_000
const CREDENTIAL = 'key and certificate of this node'

export interface NodeIdentityParts {
  readonly crypto: NodeCrypto
  /** Undefined: certificates are imported. */
  readonly source: CertificateSource | undefined
  readonly trace: Trace
  /** Between two tries; tests have no time. */
  readonly wait?: (ms: Millis) => Promise<unknown>
}

/** Throws `ConfigError` for what a person has to mend, `RingbridgeError` when no certificate could be had. */
export async function nodeCredential(
  parts: NodeIdentityParts,
  config: Config,
  overlayName: string,
): Promise<Credential> {
  const { crypto, source, trace } = parts
  if (source === undefined) return importedCredential(crypto, config, overlayName)
  const folder = nodeFolder(config)
  const stored = await asConfigError(loadCredential(crypto, folder, overlayName), CREDENTIAL)
  if (stored === undefined) {
    const userName = nodeUserName(config, overlayName)
    // One key for all tries: a certificate whose answer was lost is asked for again, not a second one.
    const key = await generateKey('ecdsa')
    return awaitedCredential(parts, source, { folder, userName, key, lack: 'no certificate for this node' })
  }
  const { userName, notBefore, notAfter } = stored.certificate
  if (Date.now() < renewalTime(notBefore, notAfter, 0)) return stored
  if (Date.now() >= notAfter) {
    const lack = `${folder}: the certificate has expired`
    return awaitedCredential(parts, source, { folder, userName, key: keyOfCredential(stored), lack })
  }
  const renewed = await renewedCredential(source, folder, stored)
  if (renewed.ok) return renewed.value
  const { reason } = renewed.error
  trace({ level: 'warn', area: 'enrollment', event: 'node_certificate_not_renewed', reason })
  return stored
}

/** The same key and user name, hence the same Node-ID and the same place in the ring; on disk when it resolves. */
export async function renewedCredential(
  source: CertificateSource,
  folder: string,
  old: Credential,
): Promise<Result<Credential, SourceFailure>> {
  const made = await source.certify(old.certificate.userName, keyOfCredential(old))
  if (!made.ok) return made
  await asConfigError(saveCredential(folder, made.value.pair), CREDENTIAL)
  return ok(made.value.credential)
}

interface Wanted {
  /** Where it is kept. */
  readonly folder: string
  readonly userName: string
  readonly key: GeneratedKey
  /** What is wrong without it, for messages. */
  readonly lack: string
}

/** The certificate that a node cannot start without: after a power cut the server may come up later than the node. */
async function awaitedCredential(
  { trace, wait = sleep }: NodeIdentityParts,
  source: CertificateSource,
  { folder, userName, key, lack }: Wanted,
): Promise<Credential> {
  for (let tries = 1; ; tries++) {
    const made = await source.certify(userName, key)
    if (made.ok) {
      await asConfigError(saveCredential(folder, made.value.pair), CREDENTIAL)
      return made.value.credential
    }
    const { final, reason, waitMs } = made.error
    if (final || waitMs === undefined)
      throw new ConfigError(`${lack}: ${reason}${remedyOf(reason, userName)}`)
    if (tries === TRIES_MAX) throw new RingbridgeError('NO_CERTIFICATE', `${lack}: ${reason}`)
    trace({ level: 'warn', area: 'enrollment', event: 'node_certificate_awaited', reason })
    await wait(Math.max(waitMs, WAIT_MIN_MS))
  }
}

/** The server says one word (RFC 6940 s.11.3). */
function remedyOf(reason: string, userName: string): string {
  if (reason === 'failed_authentication')
    return '; the server does not know overlay.account, or not with that overlay.password'
  if (reason === 'username_not_available')
    return `; the account may not enroll ${userName}, or somebody else has that name: see overlay.userName, and overlay accounts add --names at the server`
  return ''
}

/** Random where nobody chose one: two nodes do not come to the same name by accident (RFC 6940 s.11.3.1). */
function nodeUserName(config: Config, overlayName: string): string {
  const { userName, account } = config.overlay
  if (userName !== undefined) return userName
  if (account !== undefined) return ownUserName(account, overlayName)
  return `peer-${randomBytes(6).toString('hex')}@${overlayName}`
}

/** What node:tls shows: the same certificate that signs messages (RFC 6940 s.6.6.1). */
export function tlsIdentity(credential: Credential): TlsIdentity {
  const chain = [credential.certificate, ...(credential.chain ?? [])]
  return {
    certificates: chain.map(({ der }) => new X509Certificate(der).toString()).join(''),
    privateKey: keyPem(pkcs8OfCredential(credential)),
  }
}

/** From the files of `overlay.certificate` and `overlay.privateKey`. Throws `ConfigError`. */
export function importedCredential(crypto: NodeCrypto, config: Config, overlayName: string): Credential {
  const file = config.overlay.certificate as string
  const certificates = pemCertificates(fromUtf8(readNeeded(file, 'overlay.certificate')), file)
  const key = fromUtf8(readNeeded(config.overlay.privateKey as string, 'overlay.privateKey'))
  const [leaf, ...chain] = certificates as [Uint8Array, ...Uint8Array[]]
  try {
    return crypto.importCredential(leaf, key, overlayName, chain)
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** DER of the certificates of a PEM file, leaf first; at least one. Throws `ConfigError`. */
export function pemCertificates(text: string, file: string): Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new ConfigError(`${file}: holds no PEM certificate`)
  try {
    return blocks.map((block) => Uint8Array.from(new X509Certificate(block).raw))
  } catch (error) {
    throw new ConfigError(`${file}: holds a certificate that cannot be read`, { cause: error })
  }
}
