/** Text that people write: configuration, accounts, passwords, tables. */
import { readFileSync } from 'node:fs'
import { faultOf } from '../file-fault.ts'

/**
 * The text of a file (0: of standard input) without the mark that editors and spreadsheets of Windows put in front. `fault` makes the
 * error of what is wrong. Whatever is not UTF-8 is refused: read all the same, each letter that it does not know would be the same
 * sign, and a password with one of them would be another one than was meant.
 */
export function readUtf8(
  file: string | 0,
  fault: (problem: string, options: { readonly cause: unknown }) => Error,
): string {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    throw fault(`cannot be read (${faultOf(cause, file === 0 ? undefined : file)})`, { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw fault('is not UTF-8 text; save it as that', { cause })
  }
}
