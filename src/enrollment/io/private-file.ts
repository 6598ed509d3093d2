/** Files with secrets: readable by their owner alone, and never half written. */
import { randomUUID } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

import { RingbridgeError } from '../../common/errors.ts'

/**
 * Makes a folder that only its owner can enter, and those above it; one that exists is left as it is. Not by mkdir's
 * `recursive`, which tries for ever in places like /proc.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makePrivateFolder(parent)
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Made by somebody else in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Writes the whole file or leaves the old one: a crash at any point does no harm. Mode 0600. */
export async function writePrivateFile(path: string, content: Uint8Array | string): Promise<void> {
  // Several processes may write it; the last one wins, none finds its file gone.
  const temporary = `${path}.${randomUUID()}.new`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
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
    return await open(path, constants.O_RDONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes the rename itself survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
