/** What LevelDB never looks at: whether its files are still where it has made them. It opens without its log, and goes on writing into files that have no name any more. */
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Of a database that was made and never opened to its end: there is no log yet. */
const FIRST_MANIFEST = 'MANIFEST-000001'

/**
 * A database that is not open and has no log has lost it, with all that was written since it was opened last: one is there from the first
 * opening on, and the next is made before the former is removed.
 */
export async function hasLostLog(folder: string): Promise<boolean> {
  const names = await namesIn(folder)
  if (!names.includes('CURRENT') || names.some(isLog)) return false
  return (await readFile(join(folder, 'CURRENT'), 'utf8')).trim() !== FIRST_MANIFEST
}

/**
 * Rejects with what keeps a log from being read: one that belongs to another user, say. LevelDB would go on without it, and remove it, with all
 * that was written since the database was opened last. To be asked before it is opened.
 */
export async function expectReadableLogs(folder: string): Promise<void> {
  for (const name of (await namesIn(folder)).filter(isLog)) {
    try {
      await (await open(join(folder, name))).close()
    } catch (error) {
      // The process that has the database has begun the next one.
      if (!isGone(error)) throw error
    }
  }
}

/** Tells the folder of an open database from one that was put in its place; undefined where the folder, or its log, is gone. */
export async function folderMark(folder: string): Promise<string | undefined> {
  if (!(await namesIn(folder)).some(isLog)) return undefined
  try {
    const { dev, ino } = await stat(join(folder, 'LOCK'))
    return `${dev} ${ino}`
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

function isLog(name: string): boolean {
  return name.endsWith('.log')
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
