/** Files that people name on a command line: a secret, or a text. */
import { readFileSync } from 'node:fs'
import { UsageError } from './command.ts'

/** First line of a file, `-` for standard input. Throws `UsageError`. */
export function readSecret(file: string): string {
  const [line = ''] = readText(file).split(/\r?\n/)
  if (line === '') throw new UsageError(`${file}: holds no password`)
  return line
}

/** Throws `UsageError`. */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}
