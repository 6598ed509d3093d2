/** Accounts in memory, by name and by AOR, replaced as a whole when the file changes. */
import {
  canonicalAor,
  DIGEST_ALGORITHMS,
  userHash,
  withRealm,
  type Account,
  type Accounts,
} from '../../sip/index.ts'
import { ConfigError } from '../config/fault.ts'
import type { AccountEntry } from './account-file.ts'

/** What the configuration says about an account beyond the file: one more AOR that it owns, and rights. */
export interface HostedUserRule {
  readonly aor: string
  /** Its user name. */
  readonly account: string
  readonly delegates: readonly string[]
  readonly mayCallOutside?: boolean | undefined
}

export class AccountBook implements Accounts {
  private readonly realm: string
  /** By user name. */
  private readonly rules = new Map<string, HostedUserRule[]>()
  private users = new Map<string, Account>()
  private owners = new Map<string, Account>()
  /** By hashed name; kept only where such names are offered, since each account has three. */
  private hashed: Map<string, Account> | undefined

  /** `realm`: the first hosted domain; hashes for another realm would never match. */
  constructor(
    realm: string,
    init: { readonly rules?: readonly HostedUserRule[]; readonly userHash?: boolean } = {},
  ) {
    const { rules = [], userHash = false } = init
    this.realm = realm
    this.hashed = userHash ? new Map() : undefined
    for (const rule of rules) {
      const ofAccount = this.rules.get(rule.account)
      if (ofAccount === undefined) this.rules.set(rule.account, [rule])
      else ofAccount.push(rule)
    }
  }

  byUsername(username: string): Account | undefined {
    return this.users.get(username)
  }

  byUserHash(hash: string): Account | undefined {
    return this.hashed?.get(hash)
  }

  byAor(aor: string): Account | undefined {
    return this.owners.get(aor)
  }

  /** AORs that are hosted: the first of each account, and those that the configuration gives it. */
  aors(): string[] {
    return [...this.owners.keys()]
  }

  list(): readonly Account[] {
    return [...this.users.values()]
  }

  get size(): number {
    return this.users.size
  }

  /** Accounts that the configuration speaks of and that are not there. */
  missing(): readonly string[] {
    return [...this.rules.keys()].filter((account) => !this.users.has(account))
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
      const rules = this.rules.get(entry.username) ?? []
      const account = withRules(accountOf(entry, file), rules)
      const [own] = account.aors
      const owned = new Set([...(own === undefined ? [] : [own]), ...rules.map(({ aor }) => canonical(aor))])
      for (const aor of owned) {
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
    if (this.hashed !== undefined) this.hashed = this.byHashedNames(users)
  }

  private byHashedNames(users: ReadonlyMap<string, Account>): Map<string, Account> {
    const hashed = new Map<string, Account>()
    for (const [name, account] of users) {
      for (const algorithm of DIGEST_ALGORITHMS) hashed.set(userHash(algorithm, name, this.realm), account)
    }
    return hashed
  }
}

/** Throws `ConfigError`, which says no more than what is wrong. */
function canonical(text: string): string {
  const aor = canonicalAor(text.includes(':') ? text : `sip:${text}`)
  if (!aor.ok) throw new ConfigError(`"${text}" is not user@domain`)
  return aor.value
}

function withRules(account: Account, rules: readonly HostedUserRule[]): Account {
  if (rules.length === 0) return account
  const may = rules.map((rule) => rule.mayCallOutside).filter((each) => each !== undefined)
  return {
    ...account,
    aors: [...new Set([...account.aors, ...rules.map(({ aor }) => canonical(aor))])],
    delegates: [
      ...new Set([...account.delegates, ...rules.flatMap((rule) => rule.delegates.map(canonical))]),
    ],
    // Where two of them disagree, the one that forbids counts.
    ...(may.length === 0 ? {} : { mayCallOutside: !may.includes(false) }),
  }
}

function accountOf(entry: AccountEntry, file: string): Account {
  const inFile = (text: string): string => {
    const aor = canonicalAor(text.includes(':') ? text : `sip:${text}`)
    if (!aor.ok) throw new ConfigError(`${file}: account "${entry.username}": "${text}" is not user@domain`)
    return aor.value
  }
  const ha1 = new Map(
    Object.entries(entry.ha1).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  if (entry.ha1b?.MD5 !== undefined) ha1.set(withRealm('MD5'), entry.ha1b.MD5)
  return {
    username: entry.username,
    ha1,
    aors: (entry.aors ?? [`${entry.username}@${entry.realm}`]).map(inFile),
    delegates: (entry.delegates ?? []).map(inFile),
    ...(entry.mayCallOutside === undefined ? {} : { mayCallOutside: entry.mayCallOutside }),
  }
}
