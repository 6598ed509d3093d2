/** The 32 bytes that key nonces and flow tokens; the same on all peers of a domain. */
import { randomBytes } from 'node:crypto'
import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { fromHex, fromUtf8, toHex } from '../../common/bytes.ts'
import { ConfigError } from '../config/fault.ts'
import { secretFile } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { faultOf } from '../file-fault.ts'
import { readIfThere, readNeeded } from '../files.ts'

const SECRET_BYTES = 32

/** From the configuration, else from the file, which is made when it is missing. */
export function sharedSecret(config: Config): Uint8Array {
  if (config.sip.secret !== undefined) return fromHex(config.sip.secret) as Uint8Array
  const file = secretFile(config)
  if (readIfThere(file) === undefined) foundSecret(file)
  const secret = fromHex(fromUtf8(readNeeded(file, 'sip.secret')).trim())
  if (secret?.length !== SECRET_BYTES) throw new ConfigError(`${file}: has to hold 64 hex digits`)
  return secret
}

/** Two peers that share a folder may come here at once: linking a finished file lets exactly one of them win. */
function foundSecret(file: string): void {
  const temporary = `${file}.${process.pid}`
  try {
    writeFileSync(temporary, `${toHex(randomBytes(SECRET_BYTES))}\n`, { mode: 0o600, flush: true })
    linkSync(temporary, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST')
      throw new ConfigError(`${file}: cannot be written (${faultOf(error, temporary)})`, { cause: error })
  } finally {
    // Not there at all where it could not be written.
    rmSync(temporary, { force: true })
  }
}
