/**
 * The accounts file: YAML or JSON lines, digest hashes only. A file that has a mistake in it is refused with the line; half a file is
 * never used. What is written here can be read by its owner alone; one that is brought (a Secret of Kubernetes) is taken as it is.
 */
import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { isSeq, stringify } from 'yaml'
import { z } from 'zod'
import { ConfigError } from '../config/fault.ts'
import { readUtf8 } from '../config/text-file.ts'
import { readYaml } from '../config/yaml-text.ts'
import { changeFile, writePrivate } from '../files.ts'

/** Kept small: a file of this size holds about a million accounts. */
const FILE_BYTES_MAX = 512 * 1024 * 1024

const hash = (length: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `has to be ${length} hex digits`)

const entrySchema = z.strictObject({
  // RFC 3261 s.25.1 user, and RFC 7616 s.3.4: no colon, since it parts user and realm in the hash.
  username: z
    .string()
    .regex(/^[^\s:"<>@]{1,128}$/, 'has to be 1 to 128 characters without blanks, colon, quotes, <, >, @'),
  realm: z.string().min(1).max(255),
  ha1: z
    .strictObject({
      MD5: hash(32).optional(),
      'SHA-256': hash(64).optional(),
      'SHA-512-256': hash(64).optional(),
    })
    .refine(
      (hashes) => Object.values(hashes).some((each) => each !== undefined),
      'needs MD5, SHA-256 or SHA-512-256',
    ),
  /** H(username@realm:realm:password), for phones that take that for the name; Kamailio calls it so, too. */
  ha1b: z.strictObject({ MD5: hash(32).optional() }).optional(),
  aors: z.array(z.string().min(3).max(512)).max(32).optional(),
  delegates: z.array(z.string().min(3).max(512)).max(1000).optional(),
  mayCallOutside: z.boolean().optional(),
})

/** One account as it stands in the file. */
export type AccountEntry = z.output<typeof entrySchema>

/** Reads all accounts; throws `ConfigError` with file and line. */
export function loadAccounts(file: string): AccountEntry[] {
  const fault = (problem: string, options: object) => new ConfigError(`${file}: ${problem}`, options)
  // What is not there, or cannot be looked at, is told by the reading.
  if ((sizeOf(file) ?? 0) > FILE_BYTES_MAX)
    throw new ConfigError(`${file}: larger than ${FILE_BYTES_MAX} bytes`)
  return parseAccounts(readUtf8(file, fault), file)
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size
  } catch {
    return undefined
  }
}

/** The same from a text; `file` stands in messages and its ending tells YAML from JSON lines. */
export function parseAccounts(text: string, file: string): AccountEntry[] {
  const rows = isYaml(file) ? yamlRows(text, file) : jsonRows(text, file)
  const seen = new Set<string>()
  return rows.map(({ line, value }) => {
    const parsed = entrySchema.safeParse(value)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new ConfigError(
        `${file}:${line}: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not an account'}`,
      )
    }
    const { username } = parsed.data
    if (seen.has(username)) throw new ConfigError(`${file}:${line}: account "${username}" stands here twice`)
    seen.add(username)
    return parsed.data
  })
}

/** Replaces the file in one step, readable by its owner only. Throws `ConfigError`. */
export function saveAccounts(file: string, entries: readonly AccountEntry[]): void {
  writePrivate(file, textOf(file, entries))
}

/**
 * Reads the accounts, has them changed and writes them; on top of what others, commands or a node, write meanwhile (`changeFile`). A
 * file that is not there has no accounts. Throws `ConfigError`, and what `change` throws.
 */
export function changeAccounts(
  file: string,
  change: (entries: readonly AccountEntry[]) => readonly AccountEntry[],
): readonly AccountEntry[] {
  let entries: readonly AccountEntry[] = []
  changeFile(file, (there) => {
    entries = change(there ? loadAccounts(file) : [])
    return textOf(file, entries)
  })
  return entries
}

function textOf(file: string, entries: readonly AccountEntry[]): string {
  return isYaml(file) ? stringify(entries) : entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

interface Row {
  readonly line: number
  readonly value: unknown
}

function isYaml(file: string): boolean {
  return ['.yaml', '.yml'].includes(extname(file).toLowerCase())
}

function jsonRows(text: string, file: string): Row[] {
  const rows: Row[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    try {
      rows.push({ line: index + 1, value: JSON.parse(line) as unknown })
    } catch (error) {
      throw new ConfigError(`${file}:${index + 1}: not JSON; one account a line is expected`, {
        cause: error,
      })
    }
  }
  return rows
}

function yamlRows(text: string, file: string): Row[] {
  const { document, lines, values } = readYaml(text, file)
  if (document.contents === null) return []
  if (!isSeq(document.contents)) throw new ConfigError(`${file}:1: a list of accounts is expected`)
  return document.contents.items.map((item, index) => {
    const { range } = item as { range?: [number, number, number] }
    return { line: lines.linePos(range?.[0] ?? 0).line, value: (values as unknown[])[index] }
  })
}
