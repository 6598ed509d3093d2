/**
 * A credential in a folder: `certificate.der`, `chain-N.der` for CA certificates below the root, and the private key as
 * PKCS#8 in `key-<start of the key's hash>.pem`, mode 0600, encrypted when there is a passphrase. The certificate is
 * written last and says which key file counts, so that a crash while renewing leaves the old or the new pair.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { fromUtf8, toHex, utf8 } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import { keyOf, keyPem } from './key-pair.ts'
import { makePrivateFolder, readFileIfThere, readPrivateFile, writePrivateFile } from './private-file.ts'

const CERTIFICATE_FILE = 'certificate.der'

export interface StoredKeyPair {
  /** DER. */
  readonly certificate: Uint8Array
  /** DER CA certificates below the root. */
  readonly chain?: readonly Uint8Array[]
  /** DER PrivateKeyInfo. */
  readonly pkcs8: Uint8Array
}

/** Folder name for one user's credential: says nothing about the user, and is legal whatever the name. */
export function credentialFolderName(userName: string): string {
  return toHex(createHash('sha256').update(utf8(userName)).digest().subarray(0, 16))
}

/** Writes or replaces the credential of a folder. */
export async function saveCredential(
  folder: string,
  pair: StoredKeyPair,
  passphrase?: string,
): Promise<void> {
  await makePrivateFolder(folder)
  const keyFile = keyFileOf(publicKeyInfoOf(pair.pkcs8))
  await writePrivateFile(join(folder, keyFile), keyPem(pair.pkcs8, passphrase))
  const kept = new Set([keyFile, CERTIFICATE_FILE])
  for (const [i, der] of (pair.chain ?? []).entries()) {
    await writePrivateFile(join(folder, chainFile(i)), der)
    kept.add(chainFile(i))
  }
  await writePrivateFile(join(folder, CERTIFICATE_FILE), pair.certificate)
  for (const name of await readdir(folder)) {
    if (/^(key|chain)-/.test(name) && !kept.has(name)) await rm(join(folder, name), { force: true })
  }
}

/**
 * The credential of a folder, or undefined when it has none. Throws `RingbridgeError`: `key_file_exposed` when others may
 * read the key, `credential_locked` when the passphrase is missing or wrong, `credential_invalid` when the parts do not
 * fit together.
 */
export async function loadCredential(
  crypto: NodeCrypto,
  folder: string,
  overlayName: string,
  passphrase?: string,
): Promise<Credential | undefined> {
  const der = await readFileIfThere(join(folder, CERTIFICATE_FILE))
  if (der === undefined) return undefined
  const certificate = crypto.parseCertificate(der, overlayName)
  if (!certificate.ok) throw new RingbridgeError('credential_invalid', `${folder}: ${certificate.error}`)
  const keyFile = join(folder, keyFileOf(certificate.value.publicKeyInfo))
  const pem = await readPrivateFile(keyFile)
  if (pem === undefined) throw new RingbridgeError('credential_invalid', `${keyFile} is missing`)
  const chain: Uint8Array[] = []
  for (;;) {
    const link = await readFileIfThere(join(folder, chainFile(chain.length)))
    if (link === undefined) break
    chain.push(link)
  }
  return crypto.importCredential(der, unlocked(keyFile, fromUtf8(pem), passphrase), overlayName, chain)
}

function unlocked(path: string, pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
  } catch (cause) {
    throw new RingbridgeError('credential_locked', `${path} cannot be opened: wrong or missing passphrase?`, {
      cause,
    })
  }
}

function chainFile(index: number): string {
  return `chain-${index}.der`
}

function keyFileOf(publicKeyInfo: Uint8Array): string {
  return `key-${toHex(createHash('sha256').update(publicKeyInfo).digest().subarray(0, 8))}.pem`
}

function publicKeyInfoOf(pkcs8: Uint8Array): Uint8Array {
  return createPublicKey(keyOf(pkcs8)).export({ type: 'spki', format: 'der' })
}
