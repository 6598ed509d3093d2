import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * mkdir -p, for its owner alone: the journal says who is registered where. Rejects with the system's error. Node's own `recursive` tries for ever where the system answers ENOENT to a
 * folder whose parent is there, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) await makeFolder(parent)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    // Made by somebody else in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
