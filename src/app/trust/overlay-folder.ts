/**
 * An authority's folder as the app uses it: root key and ledger (enrollment/io), the signer of Configuration Documents in
 * `signer/`, and the current document in `configuration.xml`.
 */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  foundCredential,
  issueCredential,
  loadCredential,
  openAuthority,
  type StoredAuthority,
} from '../../enrollment/io/index.ts'
import type { EnrollmentPolicy } from '../../enrollment/index.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { Credential, NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { faultOf } from '../file-fault.ts'
import { privateFolder, writePrivate } from '../files.ts'
import { firstConfiguration, signedDocument, type DocumentWishes } from './overlay-document.ts'

const DOCUMENT_FILE = 'configuration.xml'
const SIGNER_FOLDER = 'signer'
const ROOT_FILE = 'root-ca.pem'
const ACCOUNTS_FILE = 'accounts.jsonl'
const HTTPS_FOLDER = 'https'
/** What is in the way where files cannot be used. */
export const AUTHORITY = "the overlay's authority (root key and Node-IDs)"
const SIGNER = 'the signer of Configuration Documents'

export function documentFile(folder: string): string {
  return join(folder, DOCUMENT_FILE)
}

/** The root certificate in PEM: what clients of the https server are given as `overlay.ca`. */
export function rootFile(folder: string): string {
  return join(folder, ROOT_FILE)
}

/** Enrollment accounts. */
export function enrollmentAccountsFile(folder: string): string {
  return join(folder, ACCOUNTS_FILE)
}

/** Key and certificate of the https server. */
export function httpsFolder(folder: string): string {
  return join(folder, HTTPS_FOLDER)
}

/** Opens the authority, founding it with a signed document when the folder is empty. Throws `ConfigError`. */
export async function openOverlayFolder(
  crypto: NodeCrypto,
  folder: string,
  overlayName: string,
  wishes: Omit<DocumentWishes, 'overlayName' | 'rootCertificate'> = {},
  policy: Partial<EnrollmentPolicy> = {},
): Promise<StoredAuthority> {
  privateFolder(folder, 'overlay.authority')
  const authority = await asConfigError(openAuthority(folder, overlayName, Date.now(), policy), AUTHORITY)
  try {
    publishRoot(folder, authority)
    // The document is written last: without it, founding was interrupted.
    if (!existsSync(documentFile(folder))) await foundDocument(crypto, folder, authority, wishes)
    return authority
  } catch (error) {
    await authority.close()
    throw error
  }
}

async function foundDocument(
  crypto: NodeCrypto,
  folder: string,
  authority: StoredAuthority,
  wishes: Omit<DocumentWishes, 'overlayName' | 'rootCertificate'>,
): Promise<void> {
  const signer = await documentSigner(crypto, authority, folder)
  const { overlayName, rootCertificate } = authority
  const configuration = firstConfiguration({ ...wishes, overlayName, rootCertificate }, signer)
  // The first one counts here, too: others may have it by now.
  const file = documentFile(folder)
  writePrivate(file, signedDocument(crypto, configuration, signer), () => !existsSync(file))
}

/** Folders of before there was an enrollment server lack the file; peers that share one may come here at once. */
function publishRoot(folder: string, { rootCertificate }: StoredAuthority): void {
  const file = rootFile(folder)
  if (existsSync(file)) return
  try {
    writePrivate(file, new X509Certificate(rootCertificate).toString())
  } catch (error) {
    if (!existsSync(file)) throw error
  }
}

/** Who signs the documents of an overlay that is there: undefined where its founder's folder was not copied whole. */
export function storedSigner(
  crypto: NodeCrypto,
  folder: string,
  overlayName: string,
): Promise<Credential | undefined> {
  return asConfigError(loadCredential(crypto, join(folder, SIGNER_FOLDER), overlayName), SIGNER)
}

/** Who signs the first document: one credential a folder. */
export async function documentSigner(
  crypto: NodeCrypto,
  authority: StoredAuthority,
  folder: string,
): Promise<Credential> {
  const path = join(folder, SIGNER_FOLDER)
  const stored = await storedSigner(crypto, folder, authority.overlayName)
  if (stored !== undefined) return stored
  const userName = `configuration-signer@${authority.overlayName}`
  const issued = await issueCredential(authority, { userName }, Date.now())
  if (!issued.ok)
    throw new ConfigError(`${folder}: no certificate for the document signer: ${issued.error.reason}`)
  const { certificate, pkcs8, credential } = issued.value
  if (await asConfigError(foundCredential(path, { certificate, pkcs8 }), SIGNER)) return credential
  // Nodes that share the folder may come here at once: the document names one signer.
  return (await storedSigner(crypto, folder, authority.overlayName)) ?? credential
}

/** Failures of key files and folders are for the operator to mend: one line, exit code 2. `what` is in the file or folder. */
export async function asConfigError<T>(work: Promise<T>, what: string): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ConfigError) throw error
    if (error instanceof RingbridgeError) throw new ConfigError(error.message, { cause: error })
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new ConfigError(
      `${path ?? 'a file'}: ${what} cannot be read or written (${faultOf(error, path)})`,
      {
        cause: error,
      },
    )
  }
}
