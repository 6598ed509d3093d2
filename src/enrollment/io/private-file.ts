/** Files with secrets: readable by their owner alone, and never half written. */
import { randomUUID } from 'node:crypto'
import { close, constants, existsSync, fsync, link, mkdir, open, rename, rm, writeFile } from 'node:fs'
import { open as openHandle, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

import { RingbridgeError } from '../../common/errors.ts'

// Not those of fs/promises: an open file is an object with a finalizer there, and costs several times as much.
const mkdirOnce = promisify(mkdir)
const opened = promisify(open)
const synced = promisify(fsync)
const closed = promisify(close)
const renamed = promisify(rename)
const removed = promisify(rm)
const linked = promisify(link)
const written = promisify(writeFile)

/**
 * Makes a folder that only its owner can enter, and those above it; one that exists is left as it is, and false comes back. Not by
 * mkdir's `recursive`, which tries for ever in places like /proc.
 */
export async function makePrivateFolder(folder: string): Promise<boolean> {
  try {
    return await madeFolder(folder)
  } catch (error) {
    const parent = dirname(folder)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error
    if (!existsSync(parent)) await makePrivateFolder(parent)
    return madeFolder(folder)
  }
}

async function madeFolder(folder: string): Promise<boolean> {
  try {
    await mkdirOnce(folder, { mode: 0o700 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Writes the whole file or leaves the old one: a crash at any point does no harm. Mode 0600. */
export async function writePrivateFile(path: string, content: Uint8Array | string): Promise<void> {
  // Several processes may write it; the last one wins, none finds its file gone.
  const temporary = `${path}.${randomUUID()}.new`
  try {
    await written(temporary, content, { mode: 0o600, flag: 'wx', flush: true })
    await renamed(temporary, path)
  } catch (error) {
    await removed(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/**
 * Writes the whole file where there is none yet. False, and nothing has changed, when somebody else was quicker: of several processes that
 * come here at once exactly one wins. Mode 0600.
 */
export async function foundPrivateFile(path: string, content: Uint8Array | string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.new`
  try {
    await written(temporary, content, { mode: 0o600, flag: 'wx', flush: true })
    await linked(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await removed(temporary, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/**
 * Content of a file with a secret, or undefined when there is none. Throws `RingbridgeError` with code
 * `key_file_exposed` when others than its owner may read or write it.
 */
export async function readPrivateFile(path: string): Promise<Uint8Array | undefined> {
  const file = await openedOrMissing(path)
  if (file === undefined) return undefined
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      throw new RingbridgeError(
        'key_file_exposed',
        `${path} has mode ${octal}: run chmod 600 on it and consider its key known`,
      )
    }
    return new Uint8Array(await file.readFile())
  } finally {
    await file.close()
  }
}

/** Content of any file, or undefined when there is none. */
export async function readFileIfThere(path: string): Promise<Uint8Array | undefined> {
  const file = await openedOrMissing(path)
  if (file === undefined) return undefined
  try {
    return new Uint8Array(await file.readFile())
  } finally {
    await file.close()
  }
}

async function openedOrMissing(path: string): Promise<FileHandle | undefined> {
  try {
    return await openHandle(path, constants.O_RDONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes the rename itself survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const file = await opened(folder, constants.O_RDONLY)
  try {
    await synced(file)
  } finally {
    await closed(file)
  }
}
