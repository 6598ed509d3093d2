/** The node's own certificate and key: imported from files, or issued once by the authority and kept in data/node. */
import { randomBytes, X509Certificate, type KeyObject } from 'node:crypto'
import { fromUtf8 } from '../../common/bytes.ts'
import {
  issueCertificate,
  issueCredential,
  loadCredential,
  saveCredential,
  type StoredAuthority,
} from '../../enrollment/io/index.ts'
import type { TlsIdentity } from '../../reload/io/tls-identity.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { nodeFolder } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { readNeeded } from '../files.ts'
import { asConfigError } from './overlay-folder.ts'

/** A certificate closer to its end than this is renewed at start; the same key keeps its Node-ID. */
const RENEW_BEFORE_MS = 30 * 86_400_000

/** `authority` undefined: certificates are imported. Throws `ConfigError`. */
export async function nodeCredential(
  crypto: NodeCrypto,
  config: Config,
  overlayName: string,
  authority: StoredAuthority | undefined,
): Promise<Credential> {
  if (authority === undefined) return importedCredential(crypto, config, overlayName)
  const folder = nodeFolder(config)
  const stored = await asConfigError(loadCredential(crypto, folder, overlayName))
  if (stored !== undefined && stored.certificate.notAfter - Date.now() > RENEW_BEFORE_MS) return stored
  return stored === undefined
    ? firstCredential(authority, folder)
    : renewedCredential(crypto, authority, folder, stored)
}

async function firstCredential(authority: StoredAuthority, folder: string): Promise<Credential> {
  const userName = `peer-${randomBytes(6).toString('hex')}@${authority.overlayName}`
  const issued = await issueCredential(authority, { userName }, Date.now())
  if (!issued.ok) throw new ConfigError(`${folder}: no certificate for this node: ${issued.error.reason}`)
  const { certificate, pkcs8, credential } = issued.value
  await asConfigError(saveCredential(folder, { certificate, pkcs8 }))
  return credential
}

/** The same key and user name, hence the same Node-ID and the same place in the ring. */
async function renewedCredential(
  crypto: NodeCrypto,
  authority: StoredAuthority,
  folder: string,
  { certificate: old, key }: Credential,
): Promise<Credential> {
  const { userName, publicKeyInfo } = old
  const issued = await issueCertificate(authority, { userName, publicKeyInfo }, Date.now())
  if (!issued.ok)
    throw new ConfigError(`${folder}: the certificate cannot be renewed: ${issued.error.reason}`)
  const { certificate } = issued.value
  const pkcs8 = Uint8Array.from((key as KeyObject).export({ type: 'pkcs8', format: 'der' }))
  await asConfigError(saveCredential(folder, { certificate, pkcs8 }))
  return crypto.importCredential(certificate, pkcs8, authority.overlayName)
}

/** What node:tls shows: the same certificate that signs messages (RFC 6940 s.6.6.1). */
export function tlsIdentity(credential: Credential): TlsIdentity {
  const chain = [credential.certificate, ...(credential.chain ?? [])]
  return {
    certificates: chain.map(({ der }) => new X509Certificate(der).toString()).join(''),
    privateKey: (credential.key as KeyObject).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function importedCredential(crypto: NodeCrypto, config: Config, overlayName: string): Credential {
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

/** DER of the certificates of a PEM file, leaf first. */
function pemCertificates(text: string, file: string): Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new ConfigError(`${file}: holds no PEM certificate`)
  try {
    return blocks.map((block) => Uint8Array.from(new X509Certificate(block).raw))
  } catch (error) {
    throw new ConfigError(`${file}: holds a certificate that cannot be read`, { cause: error })
  }
}
