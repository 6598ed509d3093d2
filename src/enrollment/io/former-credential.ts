/**
 * How versions before 2026-11-22 kept a credential in its folder: `certificate.der`, `chain-N.der`, and the private key in
 * `key-<start of the key's hash>.pem`, each a file of its own. Read so that nobody loses a Node-ID by an update; written no more.
 */
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { fromUtf8, toHex } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { NodeCrypto } from '../../reload/security/index.ts'
import type { CredentialParts } from './credential-parts.ts'
import { readFileIfThere, readPrivateFile } from './private-file.ts'

const CERTIFICATE_FILE = 'certificate.der'

/** Undefined when there is none. Throws `RingbridgeError`. */
export async function formerCredential(
  crypto: NodeCrypto,
  folder: string,
  overlayName: string,
): Promise<CredentialParts | undefined> {
  const der = await readFileIfThere(join(folder, CERTIFICATE_FILE))
  if (der === undefined) return undefined
  const certificate = crypto.parseCertificate(der, overlayName)
  if (!certificate.ok) throw new RingbridgeError('credential_invalid', `${folder}: ${certificate.error}`)
  const keyFile = join(folder, keyFileOf(certificate.value.publicKeyInfo))
  const key = await readPrivateFile(keyFile)
  if (key === undefined) throw new RingbridgeError('credential_invalid', `${keyFile} is missing`)
  const chain: Uint8Array[] = []
  for (;;) {
    const link = await readFileIfThere(join(folder, `chain-${chain.length}.der`))
    if (link === undefined) break
    chain.push(link)
  }
  return { file: keyFile, certificates: [der, ...chain], key: fromUtf8(key) }
}

/** After the present form is in its place. */
export async function removeFormerCredential(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === CERTIFICATE_FILE || /^(key|chain)-[^/]*\.(pem|der)$/.test(name))
      await rm(join(folder, name), { force: true })
  }
}

function keyFileOf(publicKeyInfo: Uint8Array): string {
  return `key-${toHex(createHash('sha256').update(publicKeyInfo).digest().subarray(0, 8))}.pem`
}
