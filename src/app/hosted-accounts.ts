/** Accounts of a node as file and in memory: loaded, reloaded, changed, and the node told who is hosted. */
import { existsSync } from 'node:fs'
import type { NodeInput } from '../adapter/index.ts'
import type { DigestAlgorithm } from '../sip/index.ts'
import { Private } from '../common/pii.ts'
import type { Trace } from '../common/trace.ts'
import { AccountBook, type HostedUserRule } from './accounts/account-book.ts'
import { changeAccounts, loadAccounts, saveAccounts, type AccountEntry } from './accounts/account-file.ts'
import { ConfigError } from './config/fault.ts'
import { isUsername, newAccount } from './accounts/new-account.ts'
import { randomPassword } from './crypto-random.ts'

/** An account with the password that nobody can ask for again. */
export interface FreshAccount {
  readonly username: string
  readonly password: string
}

export type AccountChange =
  | { readonly ok: true; readonly username: string }
  | { readonly ok: false; readonly status: 400 | 404 | 409 | 503; readonly reason: string }

const SAMPLES = ['alice', 'bob']

export class HostedAccounts {
  readonly book: AccountBook
  private readonly file: string
  private readonly realm: string
  private readonly trace: Trace
  private readonly algorithms: readonly DigestAlgorithm[]
  private entries: readonly AccountEntry[] = []

  constructor(init: {
    readonly file: string
    readonly realm: string
    readonly trace: Trace
    /** What the configuration says about accounts. */
    readonly rules?: readonly HostedUserRule[]
    /** Digest algorithms that are offered: accounts without a hash for them are named in the log. */
    readonly algorithms?: readonly DigestAlgorithm[]
    readonly userHash?: boolean
  }) {
    this.file = init.file
    this.realm = init.realm
    this.trace = init.trace
    this.algorithms = init.algorithms ?? []
    this.book = new AccountBook(init.realm, init)
  }

  /** First load; false when there is no file yet. Throws `ConfigError`. */
  open(): boolean {
    if (!existsSync(this.file)) return false
    this.reload()
    return true
  }

  /**
   * Makes the missing file. Who founds an overlay gets two sample accounts, whose passwords are returned; who joins one
   * gets none, since its names may be taken there. Throws `ConfigError`.
   */
  found(samples: boolean): readonly FreshAccount[] {
    const fresh = (samples ? SAMPLES : []).map((username) => ({ username, password: randomPassword() }))
    this.replace(fresh.map(({ username, password }) => newAccount(username, this.realm, password)))
    return fresh
  }

  /** Reads the file again; on a fault the accounts stay as they are. Throws `ConfigError`. */
  reload(): void {
    const entries = loadAccounts(this.file)
    this.book.replace(entries, this.file)
    this.noteLost(entries)
    this.entries = entries
    this.trace({ level: 'info', area: 'app', event: 'accounts_loaded', accounts: entries.length })
    for (const algorithm of this.algorithms) {
      const accounts = entries.filter(({ ha1 }) => ha1[algorithm] === undefined).length
      // Their phones cannot answer that challenge until the password is set again.
      if (accounts > 0)
        this.trace({ level: 'warn', area: 'app', event: 'accounts_without_hash', algorithm, accounts })
    }
    for (const account of this.book.missing())
      this.trace({
        level: 'warn',
        area: 'app',
        event: 'hosted_user_without_account',
        account: new Private(account),
      })
  }

  /** A file that was saved by halves reads like one from which users were removed: most of them at once is worth a word. */
  private noteLost(entries: readonly AccountEntry[]): void {
    const there = new Set(entries.map(({ username }) => username))
    const before = this.entries.length
    const gone = this.entries.filter(({ username }) => !there.has(username)).length
    if (2 * gone > before)
      this.trace({ level: 'warn', area: 'app', event: 'most_accounts_gone', gone, before })
  }

  /** On top of what stands in the file by now: others may have written it since it was read. */
  add(username: string, password: string): AccountChange {
    if (!isUsername(username)) return { ok: false, status: 400, reason: 'not a user name' }
    const account = newAccount(username, this.realm, password)
    return this.change((entries) => {
      if (this.book.byUsername(username) !== undefined)
        return { ok: false, status: 409, reason: 'the account exists' }
      if (this.book.byAor(`${username}@${this.realm.toLowerCase()}`) !== undefined)
        return { ok: false, status: 409, reason: 'another account has this AOR' }
      return { ok: true, username, entries: [...entries, account] }
    })
  }

  /** The same. What else was said of the account stays, and so do the bindings of its phones, until they run out. */
  setPassword(username: string, password: string): AccountChange {
    const { ha1, ha1b } = newAccount(username, this.realm, password)
    return this.change((entries) => {
      if (!entries.some((entry) => entry.username === username)) return NO_ACCOUNT
      const changed = entries.map((entry) => (entry.username === username ? { ...entry, ha1, ha1b } : entry))
      return { ok: true, username, entries: changed }
    })
  }

  /** The same. */
  remove(username: string): AccountChange {
    return this.change((entries) => {
      const left = entries.filter((entry) => entry.username !== username)
      if (left.length === entries.length) return NO_ACCOUNT
      return { ok: true, username, entries: left }
    })
  }

  /** What the node has to be told after every change. */
  hosted(): NodeInput {
    return { kind: 'hostedUsers', aors: this.book.aors() }
  }

  /** `wish` is asked while the book holds what stands in the file. When it refuses or nothing can be written, nothing has changed. */
  private change(wish: (entries: readonly AccountEntry[]) => Wish): AccountChange {
    let wished: Wish | undefined
    let read: readonly AccountEntry[] = []
    try {
      const written = changeAccounts(this.file, (found) => {
        // A file that was taken away is made anew.
        const entries = found.length > 0 || existsSync(this.file) ? found : this.entries
        // Whoever saves it is likely to be between emptying and writing it: what is written now would replace all of theirs.
        if (entries.length === 0 && this.entries.length > 0)
          throw new ConfigError(
            `${this.file}: holds no accounts any more, of ${this.entries.length} here; if that is meant, SIGHUP first`,
          )
        read = entries
        this.book.replace(entries, this.file)
        wished = wish(entries)
        if (!wished.ok) throw new Refused()
        this.book.replace(wished.entries, this.file)
        return wished.entries
      })
      this.noteLost(read)
      this.entries = written
    } catch (error) {
      this.book.replace(this.entries, this.file)
      // Somebody has to mend the file, or to make room for it.
      if (error instanceof ConfigError) return { ok: false, status: 503, reason: error.message }
      if (!(error instanceof Refused)) throw error
    }
    return wished?.ok === true ? { ok: true, username: wished.username } : (wished as AccountChange)
  }

  /** Checked in memory first, then written; when that fails, nothing has changed. */
  private replace(entries: readonly AccountEntry[]): void {
    this.book.replace(entries, this.file)
    try {
      saveAccounts(this.file, entries)
    } catch (error) {
      this.book.replace(this.entries, this.file)
      throw error
    }
    this.entries = entries
  }
}

type Wish =
  | { readonly ok: true; readonly username: string; readonly entries: readonly AccountEntry[] }
  | Extract<AccountChange, { readonly ok: false }>

const NO_ACCOUNT = { ok: false, status: 404, reason: 'no such account' } as const

/** Ends a change that nobody may make. */
class Refused extends Error {}
