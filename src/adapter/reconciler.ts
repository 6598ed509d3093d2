import type { Now } from '../common/time.ts'
import { KIND, sameId, type CommandId, type CommandOutcome, type FetchResult } from '../reload/index.ts'
import { textOf, type HostedUser } from './hosted-user.ts'
import type { AdapterParts } from './parts.ts'

/** Fetches under way at once: calls come first. */
const FETCHES_AT_ONCE = 8

/**
 * What the overlay holds under our keys from an earlier life of this node (adapter-mapping s.3.4, start-up): looked at once for each user, and
 * taken over as what is stored. What is right then stands, and what is not is written or removed.
 */
export class Reconciler {
  private readonly parts: AdapterParts
  /** The entry of this user is known now, as far as it can be. */
  private readonly seen: (now: Now, user: HostedUser) => void
  private readonly queue: HostedUser[] = []
  private readonly fetches = new Map<CommandId, HostedUser>()
  private readonly asked = new Set<HostedUser>()

  constructor(components: {
    readonly parts: AdapterParts
    readonly seen: (now: Now, user: HostedUser) => void
  }) {
    this.parts = components.parts
    this.seen = components.seen
  }

  /** A user who was served here before. The latest come first: their phones may be called already. */
  add(user: HostedUser): void {
    user.unseen = true
    this.queue.push(user)
  }

  /** Works on as far as the overlay is there and `busy`, Stores of phones that wait, leaves room. */
  next(busy: number): void {
    while (this.parts.available && this.fetches.size + busy < FETCHES_AT_ONCE) {
      const user = this.queue.pop()
      if (user === undefined) return
      // A phone has registered meanwhile, and made the entry true by itself.
      if (!user.unseen || this.asked.has(user)) continue
      this.asked.add(user)
      const id = this.parts.nextId()
      this.fetches.set(id, user)
      this.parts.command({ kind: 'fetch', id, resource: user.resource, kinds: [KIND.sipRegistration] })
    }
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const user = this.fetches.get(id)
    if (user === undefined) return false
    this.fetches.delete(id)
    this.asked.delete(user)
    if (!user.unseen) return true
    user.unseen = false
    if (outcome.ok) this.adopt(now, user, outcome.value)
    // Nobody knows what is there: it is written over.
    else user.dirty = true
    this.seen(now, user)
    return true
  }

  private adopt(now: Now, user: HostedUser, result: FetchResult): void {
    const own = user.credential?.nodeId
    for (const { data, expiresAt, signerNodeId } of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      if (own === undefined || data.value.model !== 'dictionary' || !sameId(signerNodeId, own)) continue
      if (!sameId(data.value.key, own)) continue
      const leftMs = expiresAt - now.ms
      if (leftMs <= 0) continue
      const { exists, value } = data.value.value
      user.stored = {
        exists,
        text: exists ? textOf(value) : undefined,
        phones: undefined,
        // From its Store on, as if this process had made that.
        lifetimeS: Math.ceil(Math.max(leftMs, now.wall + leftMs - Number(data.storageTime)) / 1000),
        expiresAtMs: Math.floor(now.ms + leftMs),
      }
    }
  }
}
