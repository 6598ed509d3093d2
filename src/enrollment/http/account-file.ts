/**
 * Enrollment accounts: who may have certificates for which user names. One JSON object a line, passwords as salted scrypt
 * hashes. Not the accounts of phones, which know nothing of certificates.
 */
import { stat } from 'node:fs/promises'
import { z } from 'zod'
import { fromUtf8, utf8 } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import { LOGIN_BYTES_MAX } from '../enroll-form.ts'
import { readFileIfThere, writePrivateFile } from '../io/private-file.ts'
import { checkNamePattern } from '../name-permission.ts'
import type { PasswordHash } from './password.ts'

/** One account of an enrollment server. */
export interface EnrollmentAccount {
  readonly account: string
  readonly scrypt: PasswordHash
  /** User names it may enroll; name-permission.ts says how they are written. */
  readonly names: readonly string[]
}

const ACCOUNTS_MAX = 1_000_000
const NAMES_MAX = 1000

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `has to be ${bytes} bytes in hex`)
/** Bounds on cost: a mistake in the file must not take the server's memory. */
const scryptSchema = z.strictObject({
  n: z.int().min(1024).max(65_536),
  r: z.int().min(1).max(8),
  p: z.int().min(1).max(4),
  salt: hex(16),
  hash: hex(32),
})
const accountSchema = z.strictObject({
  account: z.string().refine(isAccountName, 'is no account name'),
  scrypt: scryptSchema,
  names: z
    .array(z.string().refine((name) => checkNamePattern(name).ok, 'is no user@domain or *@domain'))
    .max(NAMES_MAX),
})

/** 1 to 256 bytes without controls and blanks; enough for anything that somebody types. */
export function isAccountName(text: string): boolean {
  return text.length > 0 && utf8(text).length <= LOGIN_BYTES_MAX.account && !/[\s\p{C}]/u.test(text)
}

/** All accounts of a file; none when it is not there. Throws `RingbridgeError` `accounts_damaged` with the line. */
export async function loadEnrollmentAccounts(file: string): Promise<EnrollmentAccount[]> {
  const bytes = await readFileIfThere(file)
  return bytes === undefined ? [] : parseEnrollmentAccounts(fromUtf8(bytes), file)
}

export function parseEnrollmentAccounts(text: string, file: string): EnrollmentAccount[] {
  const accounts: EnrollmentAccount[] = []
  const seen = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const damaged = (reason: string) =>
      new RingbridgeError('accounts_damaged', `${file}:${index + 1}: ${reason}`)
    const parsed = accountSchema.safeParse(jsonOf(line))
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw damaged(`${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? 'no account'}`.trim())
    }
    const { account } = parsed.data
    if (seen.has(account)) throw damaged(`account "${account}" stands here twice`)
    if (accounts.length >= ACCOUNTS_MAX) throw damaged('too many accounts')
    seen.add(account)
    accounts.push(parsed.data)
  }
  return accounts
}

/** Replaces the file in one step; readable by its owner only. */
export async function saveEnrollmentAccounts(
  file: string,
  accounts: readonly EnrollmentAccount[],
): Promise<void> {
  await writePrivateFile(file, enrollmentAccountsText(accounts))
}

export function enrollmentAccountsText(accounts: readonly EnrollmentAccount[]): string {
  return accounts.map((account) => `${JSON.stringify(account)}\n`).join('')
}

/** The accounts of a file that changes under a running server: read again when it has. */
export class EnrollmentAccounts {
  private readonly file: string
  private accounts = new Map<string, EnrollmentAccount>()
  private version = ''

  constructor(file: string) {
    this.file = file
  }

  get size(): number {
    return this.accounts.size
  }

  /** Rejects when the file cannot be read or is damaged; the accounts stay as they were. */
  async refresh(): Promise<void> {
    const version = await versionOf(this.file)
    if (version === this.version) return
    const accounts = await loadEnrollmentAccounts(this.file)
    this.accounts = new Map(accounts.map((account) => [account.account, account]))
    this.version = version
  }

  find(account: string): EnrollmentAccount | undefined {
    return this.accounts.get(account)
  }
}

/** Says whether a file is still the same one; it is only ever replaced as a whole. */
export async function versionOf(file: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(file)
    return `${ino} ${mtimeMs} ${size}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The schema says of undefined what it says of every other line that is no account.
    return undefined
  }
}
