/** Files that people name on a command line: a secret, or a text. */
import { readUtf8 } from '../app/config/text-file.ts'
import { UsageError } from './command.ts'

/** First line of a file, `-` for standard input. Throws `UsageError`. */
export function readSecret(file: string): string {
  const [line = ''] = readText(file).split(/\r?\n/)
  if (line === '') throw new UsageError(`${file}: holds no password`)
  return line
}

/** Throws `UsageError`. */
export function readText(file: string): string {
  return readUtf8(file === '-' ? 0 : file, (problem) => new UsageError(`${file}: ${problem}`))
}
