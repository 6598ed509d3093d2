import type { HostedUser } from './hosted-user.ts'

/**
 * Stores of users' entries under way at one time. The overlay answers in some ten milliseconds; more at once makes nobody faster and keeps
 * everything else waiting when ten thousand phones come back from a power cut. Judgement.
 */
export const STORES_AT_ONCE = 64
/** Of so many Stores one is for an entry that nobody waits for: entries that are not renewed end. */
const BACKGROUND_SHARE = 8

/** Users whose entry has to be written and who wait for their turn: first those whose phone waits for its answer. */
export class StoreQueue {
  private readonly urgent = new Set<HostedUser>()
  private readonly background = new Set<HostedUser>()
  private taken = 0

  get size(): number {
    return this.urgent.size + this.background.size
  }

  add(user: HostedUser): void {
    if (user.waiting === undefined) {
      if (!this.urgent.has(user)) this.background.add(user)
      return
    }
    this.background.delete(user)
    this.urgent.add(user)
  }

  delete(user: HostedUser): void {
    this.urgent.delete(user)
    this.background.delete(user)
  }

  take(): HostedUser | undefined {
    this.taken++
    const [first, second] =
      this.taken % BACKGROUND_SHARE === 0 ? [this.background, this.urgent] : [this.urgent, this.background]
    return taken(first) ?? taken(second)
  }
}

function taken(users: Set<HostedUser>): HostedUser | undefined {
  for (const user of users) {
    users.delete(user)
    return user
  }
  return undefined
}
