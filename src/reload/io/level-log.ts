/**
 * LevelDB opens a log with a damaged piece, leaves that piece out, and says so to nobody but its own LOG file. An end that was cut off by a power
 * cut is no damage: what was written last is not there then, and nobody was told that it is.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** "(ignoring error) …/000003.log: dropping 31281 bytes; Corruption: checksum mismatch". */
const DROPPED = /: dropping (\d+) bytes; /g

/** Bytes that the last opening of that folder left out. 0, too, where LevelDB could not make its LOG, as on a full disk. */
export async function droppedBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const [, count] of (await logOf(folder)).matchAll(DROPPED)) bytes += Number(count)
  return bytes
}

async function logOf(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, 'LOG'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
