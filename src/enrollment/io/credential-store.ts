/**
 * A credential in a folder: `credential.pem`, mode 0600, with the private key as PKCS#8 (encrypted when there is a passphrase), its
 * certificate and CA certificates below the root. One file is replaced as a whole, so that a crash leaves the old or the new pair; and
 * where thousands of users come at once, each has to be on the disk before it is used.
 */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { join } from 'node:path'

import { fromUtf8, toHex, utf8 } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import type { CredentialParts } from './credential-parts.ts'
import { formerCredential, removeFormerCredential } from './former-credential.ts'
import { keyPem } from './key-pair.ts'
import { removeUnfinished } from './leftovers.ts'
import { pem, pemBlocks } from './pem.ts'
import { foundPrivateFile, makePrivateFolder, readPrivateFile, writePrivateFile } from './private-file.ts'

const FILE = 'credential.pem'
const CERTIFICATE = 'CERTIFICATE'

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
  { certificate, chain, pkcs8 }: StoredKeyPair,
  passphrase?: string,
): Promise<void> {
  const fresh = await makePrivateFolder(folder)
  const certificates = [certificate, ...(chain ?? [])].map((der) => pem(CERTIFICATE, der))
  await writePrivateFile(join(folder, FILE), keyPem(pkcs8, passphrase) + certificates.join(''))
  if (fresh) return
  await removeFormerCredential(folder)
  removeUnfinished(join(folder, FILE))
}

/** Writes the credential of a folder that has none. False, and nothing has changed, when somebody else was quicker. */
export async function foundCredential(
  folder: string,
  { certificate, pkcs8 }: Pick<StoredKeyPair, 'certificate' | 'pkcs8'>,
): Promise<boolean> {
  await makePrivateFolder(folder)
  return foundPrivateFile(join(folder, FILE), keyPem(pkcs8) + pem(CERTIFICATE, certificate))
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
  const file = join(folder, FILE)
  const text = await readPrivateFile(file)
  const parts =
    text === undefined ? await formerCredential(crypto, folder, overlayName) : partsOf(file, fromUtf8(text))
  if (parts === undefined) return undefined
  const [certificate, ...chain] = parts.certificates
  if (certificate === undefined) throw damaged(file, 'no certificate')
  return crypto.importCredential(certificate, unlocked(parts, passphrase), overlayName, chain)
}

function partsOf(file: string, text: string): CredentialParts {
  const blocks = pemBlocks(text)
  const key = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (key === undefined) throw damaged(file, 'no private key')
  const certificates = blocks.filter(({ label }) => label === CERTIFICATE).map(({ der }) => der)
  return { file, certificates, key: key.text }
}

function damaged(file: string, lacks: string): RingbridgeError {
  const remedy = 'bring it back from a backup, or move it away to have a new one made'
  return new RingbridgeError('credential_invalid', `${file} holds ${lacks}: ${remedy}`)
}

function unlocked({ file, key }: CredentialParts, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? key : { key, passphrase })
  } catch (cause) {
    throw new RingbridgeError('credential_locked', `${file} cannot be opened: wrong or missing passphrase?`, {
      cause,
    })
  }
}
