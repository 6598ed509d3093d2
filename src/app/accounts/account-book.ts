/** Accounts in memory, by name and by AOR, replaced as a whole when the file changes. */
import { canonicalAor, type Account, type Accounts } from '../../sip/index.ts'
import { ConfigError } from '../config/fault.ts'
import type { AccountEntry } from './account-file.ts'

export class AccountBook implements Accounts {
  private readonly realm: string
  private users = new Map<string, Account>()
  private owners = new Map<string, Account>()

  /** `realm`: the first hosted domain; hashes for another realm would never match. */
  constructor(realm: string) {
    this.realm = realm
  }

  byUsername(username: string): Account | undefined {
    return this.users.get(username)
  }

  byAor(aor: string): Account | undefined {
    return this.owners.get(aor)
  }

  /** AORs that are hosted: the first of each account. */
  aors(): string[] {
    return [...this.owners.keys()]
  }

  list(): readonly Account[] {
    return [...this.users.values()]
  }

  get size(): number {
    return this.users.size
  }

  /** Takes all entries or none: throws `ConfigError` when one cannot be used. */
  replace(entries: readonly AccountEntry[], file: string): void {
    const users = new Map<string, Account>()
    const owners = new Map<string, Account>()
    for (const entry of entries) {
      if (entry.realm !== this.realm) {
        throw new ConfigError(
          `${file}: account "${entry.username}" is for realm "${entry.realm}", this node serves "${this.realm}"`,
        )
      }
      const account = accountOf(entry, file)
      const [aor] = account.aors
      if (aor !== undefined) {
        const other = owners.get(aor)
        if (other !== undefined) {
          throw new ConfigError(
            `${file}: accounts "${other.username}" and "${entry.username}" both own ${aor}`,
          )
        }
        owners.set(aor, account)
      }
      users.set(entry.username, account)
    }
    this.users = users
    this.owners = owners
  }
}

function accountOf(entry: AccountEntry, file: string): Account {
  const canonical = (text: string): string => {
    const aor = canonicalAor(text.includes(':') ? text : `sip:${text}`)
    if (!aor.ok) throw new ConfigError(`${file}: account "${entry.username}": "${text}" is not user@domain`)
    return aor.value
  }
  return {
    username: entry.username,
    ha1: new Map(Object.entries(entry.ha1).filter((pair): pair is [string, string] => pair[1] !== undefined)),
    aors: (entry.aors ?? [`${entry.username}@${entry.realm}`]).map(canonical),
    delegates: (entry.delegates ?? []).map(canonical),
  }
}
