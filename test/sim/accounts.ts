/** Accounts that every node of a simulated domain knows; user `u` has the password `pw-u`. */
import { digestHash, type Account, type Accounts } from '../../src/sip/index.ts'

export class SimAccounts implements Accounts {
  private readonly realm: string
  private readonly accounts = new Map<string, Account>()

  constructor(realm: string) {
    this.realm = realm
  }

  add(user: string, delegates: readonly string[] = []): this {
    const ha1 = new Map([
      ['MD5', digestHash('MD5', user, this.realm, `pw-${user}`)],
      ['SHA-256', digestHash('SHA-256', user, this.realm, `pw-${user}`)],
    ])
    this.accounts.set(user, { username: user, ha1, aors: [`${user}@${this.realm}`], delegates })
    return this
  }

  get aors(): string[] {
    return [...this.accounts.keys()].map((user) => `${user}@${this.realm}`)
  }

  byUsername(username: string): Account | undefined {
    return this.accounts.get(username)
  }

  byAor(aor: string): Account | undefined {
    const at = aor.lastIndexOf('@')
    return aor.slice(at + 1) === this.realm ? this.accounts.get(aor.slice(0, at)) : undefined
  }
}
