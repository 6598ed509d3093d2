/** What a process that was killed in the middle of a write leaves beside the file: a copy with the same secrets, which nobody reads and nobody would miss. */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Judgement: nobody alive, on a disk however slow, takes so long to write a file of these. */
const ABANDONED_MS = 60_000

/** Removes former unfinished copies of that file, which are named after it; those of writers that may be alive stay. Never throws. */
export function removeUnfinished(path: string, nowMs = Date.now()): void {
  const beside = `${basename(path)}.`
  removeAbandoned(dirname(path), beside, '.new', nowMs)
}

/** The same for files of that folder that are named `beginning`, a UUID, `end`. */
export function removeAbandoned(folder: string, beginning: string, end: string, nowMs = Date.now()): void {
  try {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(beginning) || !name.endsWith(end)) continue
      if (!ID.test(name.slice(beginning.length, name.length - end.length))) continue
      const path = join(folder, name)
      if (nowMs - statSync(path).mtimeMs > ABANDONED_MS) rmSync(path, { force: true })
    }
  } catch {
    // Somebody else was quicker, or the disk takes nothing: what matters is the file itself.
  }
}
