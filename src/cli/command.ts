/** What a subcommand is, and how its arguments are read. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { didYouMean } from '../app/config/fault.ts'

/** Exit codes (contract s.2). */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Wrong arguments or configuration: printed as one line, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

export interface Command {
  /** Shown by `--help`, first line first. */
  readonly help: string
  /** Resolves with the exit code. May throw `UsageError` and `ConfigError`. */
  run(args: readonly string[]): Promise<number>
}

type Options = NonNullable<ParseArgsConfig['options']>

/** Words that people use for an option of another name: option names by word. */
type OtherWords = Readonly<Record<string, string>>

/** parseArgs with our own errors; unknown options are refused. */
export function readArgs<const T extends Options>(
  args: readonly string[],
  options: T,
  otherWords: OtherWords = {},
) {
  try {
    const joined = withNegativeNumbers(args, options)
    return parseArgs({ args: joined, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(
      plainly(error instanceof Error ? error.message : String(error), Object.keys(options), otherWords),
    )
  }
}

/** `--users -1` means the value -1, which then is out of range, and not an option called 1. */
function withNegativeNumbers(args: readonly string[], options: Options): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = joined.at(-1) ?? ''
    const takesValue = before.startsWith('--') && options[before.slice(2)]?.type === 'string'
    if (takesValue && /^-\d/.test(arg)) joined[joined.length - 1] = `${before}=${arg}`
    else joined.push(arg)
  }
  return joined
}

/** One line in our words, with the option that was probably meant or else all of them. */
function plainly(message: string, known: readonly string[], otherWords: OtherWords): string {
  const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1]
  if (unknown !== undefined) {
    const word = unknown.replace(/^-+/, '')
    const meant = otherWords[word] ?? didYouMean(word, known)
    const hint =
      meant === undefined
        ? `; there are ${known.map((name) => `--${name}`).join(', ')};`
        : `; did you mean --${meant}?`
    return `unknown option ${unknown}${hint} --help shows what they do`
  }
  const option = /^Option '(?:-\w, )?(--[^' ]+)/.exec(message)?.[1]
  if (option === undefined) return message.split('. ')[0] as string
  if (message.includes('does not take an argument')) return `${option}: takes no value`
  return `${option}: a value is expected; one that begins with a dash is written ${option}=VALUE`
}

/** A verb of a command that has several: the first word after it. */
export function verbOf<T extends string>(text: string | undefined, command: string, verbs: readonly T[]): T {
  const found = verbs.find((each) => each === text)
  if (found !== undefined) return found
  const problem = text === undefined ? 'says nothing without a verb' : `does not know "${text}"`
  throw new UsageError(`${command} ${problem}; allowed: ${verbs.join(', ')}`)
}

/** Words that no command asked for are a mistake in quoting or a second name: better said than left out. */
export function noneLeft(positionals: readonly string[], expected: number): void {
  const surplus = positionals[expected]
  if (surplus !== undefined) throw new UsageError(`unexpected "${surplus}"`)
}

/** A whole number in a range. */
export function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name}: a whole number from ${least} to ${most} is expected, not "${text}"`)
  }
  return value
}

/** One of a few words. */
export function oneOf<T extends string>(text: string, name: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text)
  if (found === undefined) throw new UsageError(`--${name}: allowed: ${allowed.join(', ')}; not "${text}"`)
  return found
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
