/**
 * An authority in a folder: `root.pem` (private key, mode 0600), `root.der` (certificate) and `node-ids.jsonl`, one record
 * a line, appended and synced before the certificate leaves.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { fromUtf8 } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import { DEFAULT_POLICY, type Authority, type EnrollmentPolicy } from '../authority.ts'
import { NodeIdLedger, type NodeIdRecord } from '../node-id-ledger.ts'
import { subjectOf } from './certificates.ts'
import { createAuthority } from './create-authority.ts'
import { generateKey, keyOf, keyPem } from './key-pair.ts'
import { foundPrivateFile, makePrivateFolder, readFileIfThere, readPrivateFile } from './private-file.ts'

const KEY_FILE = 'root.pem'
const CERTIFICATE_FILE = 'root.der'
const LEDGER_FILE = 'node-ids.jsonl'

export interface StoredAuthority extends Authority {
  /** True when this call founded it. */
  readonly founded: boolean
  close(): Promise<void>
}

/**
 * The authority of a folder; founded when the folder is empty. Throws `RingbridgeError`: `authority_mismatch` when the
 * folder belongs to another overlay, `authority_damaged` when files are missing or cannot be read, `key_file_exposed`.
 */
export async function openAuthority(
  folder: string,
  overlayName: string,
  wall: WallTime,
  policy: Partial<EnrollmentPolicy> = {},
): Promise<StoredAuthority> {
  await makePrivateFolder(folder)
  const founded = await found(folder, overlayName, wall)
  const key = await readPrivateFile(join(folder, KEY_FILE))
  const certificate = await readFileIfThere(join(folder, CERTIFICATE_FILE))
  if (key === undefined || certificate === undefined)
    throw new RingbridgeError('authority_damaged', `${folder} has a root certificate and no ${KEY_FILE}`)
  const authority = restored(folder, overlayName, key, certificate, policy)
  const ledgerFile = await openLedger(join(folder, LEDGER_FILE), authority.ledger)
  const log = new RecordLog(ledgerFile)
  return {
    ...authority,
    founded,
    persist: (record) => log.append(record),
    close: () => log.close(),
  }
}

/**
 * Makes a root where there is none; true when its certificate is of this call. Nodes that share the folder may come here at once: the first
 * key counts and the first certificate of it, whoever wrote them, so that nobody goes on with another root than the others. A key alone is
 * that of somebody who is at it, or who was interrupted.
 */
async function found(folder: string, overlayName: string, wall: WallTime): Promise<boolean> {
  if ((await readFileIfThere(join(folder, CERTIFICATE_FILE))) !== undefined) return false
  const file = join(folder, KEY_FILE)
  await foundPrivateFile(file, keyPem((await generateKey('ecdsa')).pkcs8))
  const text = await readPrivateFile(file)
  if (text === undefined) throw new RingbridgeError('authority_damaged', `${file} is gone again`)
  const pkcs8 = rootKeyOf(file, text)
  const publicKeyInfo = createPublicKey(keyOf(pkcs8)).export({ type: 'spki', format: 'der' })
  const { rootCertificate } = await createAuthority(overlayName, wall, {}, { pkcs8, publicKeyInfo })
  return foundPrivateFile(join(folder, CERTIFICATE_FILE), rootCertificate)
}

function rootKeyOf(file: string, text: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(createPrivateKey(fromUtf8(text)).export({ type: 'pkcs8', format: 'der' }))
  } catch (cause) {
    throw new RingbridgeError('authority_damaged', `${file} cannot be read`, { cause })
  }
}

function restored(
  folder: string,
  overlayName: string,
  key: Uint8Array,
  certificate: Uint8Array,
  policy: Partial<EnrollmentPolicy>,
): Authority {
  const subject = subjectOf(certificate)
  if (subject !== `CN=${overlayName} RELOAD root`) {
    throw new RingbridgeError(
      'authority_mismatch',
      `the authority in ${folder} is "${subject}", not of ${overlayName}`,
    )
  }
  return {
    overlayName,
    rootCertificate: certificate,
    rootKey: rootKeyOf(join(folder, KEY_FILE), key),
    policy: { ...DEFAULT_POLICY, ...policy },
    ledger: new NodeIdLedger(),
    persist: () => Promise.resolve(),
  }
}

/** Reads the records and leaves the file open at its end, without the half line of a crash. */
async function openLedger(path: string, ledger: NodeIdLedger): Promise<FileHandle> {
  const file = await open(path, 'a+', 0o600)
  try {
    const text = await file.readFile('utf8')
    const whole = text.lastIndexOf('\n') + 1
    for (const [i, line] of text.slice(0, whole).split('\n').entries()) {
      if (line !== '' && !ledger.restore(recordOf(line))) {
        throw new RingbridgeError('authority_damaged', `${path} line ${i + 1} contradicts an earlier one`)
      }
    }
    if (whole < text.length) await file.truncate(Buffer.byteLength(text.slice(0, whole)))
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function recordOf(line: string): NodeIdRecord {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new RingbridgeError('authority_damaged', 'a line of the Node-ID ledger is no JSON', { cause })
  }
  const { userName, keySha256, nodeId, index } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof userName !== 'string' || typeof keySha256 !== 'string' || typeof nodeId !== 'string') {
    throw new RingbridgeError('authority_damaged', 'a line of the Node-ID ledger is no record')
  }
  if (index !== undefined && !(Number.isInteger(index) && (index as number) > 1)) {
    throw new RingbridgeError('authority_damaged', 'a line of the Node-ID ledger has a strange index')
  }
  return { userName, keySha256, nodeId, ...(index === undefined ? {} : { index: index as number }) }
}

/** Appends lines; each is on disk when its promise resolves. Those that come while a write is under way go together in the next. */
class RecordLog {
  private readonly file: FileHandle
  private waiting: Waiting[] = []
  private writing: Promise<void> | undefined

  constructor(file: FileHandle) {
    this.file = file
  }

  append(record: NodeIdRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ line: `${JSON.stringify(record)}\n`, resolve, reject })
      this.writing ??= this.write()
    })
  }

  async close(): Promise<void> {
    await this.writing
    await this.file.close()
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting
      this.waiting = []
      try {
        await this.file.appendFile(batch.map(({ line }) => line).join(''))
        await this.file.datasync()
        for (const { resolve } of batch) resolve()
      } catch (error) {
        // The next ones do not care; who asked for these hears of it.
        for (const { reject } of batch) reject(error)
      }
    }
    this.writing = undefined
  }
}

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}
