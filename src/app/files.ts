/** Folders and small files of a node. What cannot be read or written is a `ConfigError`: somebody has to mend it. */
import { randomUUID } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { removeAbandoned, removeUnfinished } from '../enrollment/io/index.ts'
import { ConfigError } from './config/fault.ts'
import { faultOf } from './file-fault.ts'

/**
 * mkdir -p. Node's own `recursive` tries for ever where the system answers ENOENT to a folder whose parent is there, as
 * /proc does. Throws the system's error.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Made by somebody else in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const PROBE = '.writable-'

/** Makes a folder that only its owner can enter. `key` names the configuration key in the message. */
export function privateFolder(path: string, key: string): void {
  try {
    makeFolder(path)
    // A folder may be there and still not take a file: read-only mounts, foreign owners.
    // Several nodes may share the folder and look at the same time.
    const probe = `${path}/${PROBE}${randomUUID()}`
    writeFileSync(probe, '')
    unlinkSync(probe)
    removeAbandoned(path, PROBE, '')
  } catch (error) {
    throw new ConfigError(`${path}: the folder cannot be written (${faultOf(error, path)}); see ${key}`, {
      cause: error,
    })
  }
}

/** The file's bytes, or undefined when it is not there. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return existsSync(path) ? readFileSync(path) : undefined
  } catch (error) {
    throw new ConfigError(`${path}: cannot be read (${faultOf(error, path)})`, { cause: error })
  }
}

/** The file's bytes; a missing file is a fault of the key that names it. */
export function readNeeded(path: string, key: string): Uint8Array {
  const bytes = readIfThere(path)
  if (bytes === undefined) throw new ConfigError(`${path}: no such file; see ${key}`)
  return bytes
}

/** The same for a file with a private key, which not everybody on the machine may read; a group may, which is how keys are shared. */
export function readKeyFile(path: string, key: string): Uint8Array {
  const bytes = readNeeded(path, key)
  const { mode } = statSync(path)
  if ((mode & 0o007) === 0) return bytes
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  throw new ConfigError(
    `${path}: has mode ${octal}, everybody on this machine can read it: chmod 600; see ${key}`,
  )
}

/** Writes a file for its owner only, whole or not at all. `still` is asked at the last moment; false when it said no. */
export function writePrivate(
  path: string,
  content: Uint8Array | string,
  still: () => boolean = () => true,
): boolean {
  try {
    makeFolder(dirname(path))
    const temporary = `${path}.${randomUUID()}.new`
    try {
      writeFileSync(temporary, content, { mode: 0o600, flush: true })
      keepOwner(temporary, path)
      const wanted = still()
      if (wanted) renameSync(temporary, path)
      else rmSync(temporary)
      removeUnfinished(path)
      return wanted
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`${path}: cannot be written (${faultOf(error, path)})`, { cause: error })
  }
}

/** So often somebody else may be quicker. */
const TRIES_MAX = 100

/**
 * Writes what `change` makes of the file that is there, if one is. It is asked again when somebody else has written meanwhile: what
 * they were told was done stays done. What is between the last look and the rename is not guarded, which takes some microseconds.
 */
export function changeFile(path: string, change: (there: boolean) => string): void {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const before = stampOf(path)
    const content = change(before !== undefined)
    if (writePrivate(path, content, () => stampOf(path) === before)) return
  }
  throw new ConfigError(`${path}: others change it all the time`)
}

/** Tells one state of a file from the next: each is a file of its own (rename). Throws `ConfigError`. */
function stampOf(path: string): string | undefined {
  try {
    const there = statSync(path, { throwIfNoEntry: false, bigint: true })
    return there === undefined ? undefined : `${there.ino} ${there.mtimeNs} ${there.size}`
  } catch (cause) {
    throw new ConfigError(`${path}: cannot be read (${faultOf(cause, path)})`, { cause })
  }
}

/**
 * What root writes in the place of a file, or into a folder, of somebody else stays theirs: under systemd the node runs as a user whom
 * nobody can be but root, and could not read its accounts any more.
 */
export function keepOwner(temporary: string, path: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(path, { throwIfNoEntry: false }) ?? statSync(dirname(path))
  if (uid !== 0 || gid !== process.getegid?.()) chownSync(temporary, uid, gid)
}
