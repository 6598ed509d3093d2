/**
 * Certificates of hosted users that the operator has brought (adapter-mapping s.2, C3): one PEM file a user, named by
 * `sip.hostedUsers[].credentials`, with the certificate, CA certificates below the root and the private key.
 */
import { fromUtf8 } from '../../common/bytes.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { hostedAor } from '../config/policy.ts'
import type { Config } from '../config/schema.ts'
import { readKeyFile } from '../files.ts'
import { pemCertificates } from './node-identity.ts'

const KEY_NAME = 'sip.hostedUsers[].credentials'

/** By AOR. Throws `ConfigError` for the first file that cannot be used: a user who cannot be reached shows at the start, not at a call. */
export function importedUsers(
  crypto: NodeCrypto,
  config: Config,
  overlayName: string,
): ReadonlyMap<string, Credential> {
  const users = new Map<string, Credential>()
  for (const { aor, credentials } of config.sip.hostedUsers)
    if (credentials !== undefined)
      users.set(hostedAor(aor), importedUser(crypto, credentials, hostedAor(aor), overlayName))
  return users
}

function importedUser(crypto: NodeCrypto, file: string, aor: string, overlayName: string): Credential {
  const text = fromUtf8(readKeyFile(file, KEY_NAME))
  const [leaf, ...chain] = pemCertificates(text, file) as [Uint8Array, ...Uint8Array[]]
  const key = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]+-----END \1PRIVATE KEY-----/.exec(text)?.[0]
  if (key === undefined) throw new ConfigError(`${file}: holds no PEM private key; see ${KEY_NAME}`)
  const credential = readCredential(() => crypto.importCredential(leaf, key, overlayName, chain), file)
  const { userName, notAfter } = credential.certificate
  if (userName !== aor)
    throw new ConfigError(`${file}: is the certificate of ${userName}, not of ${aor}; see ${KEY_NAME}`)
  if (notAfter <= Date.now())
    throw new ConfigError(`${file}: has expired at ${new Date(notAfter).toISOString()}; see ${KEY_NAME}`)
  return credential
}

function readCredential(read: () => Credential, file: string): Credential {
  try {
    return read()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`${file}: ${reason}; see ${KEY_NAME}`, { cause: error })
  }
}
