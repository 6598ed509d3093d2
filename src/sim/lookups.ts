/** Lookups of users from peers, as a stream in random order or from everywhere at once, each judged by the history. */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import {
  decodeSipRegistration,
  key,
  KIND,
  type FetchResult,
  type PeerEvent,
  type ResourceId,
} from '../reload/index.ts'
import { anyOf, randomTime } from './distributions.ts'
import type { Herd } from './herd.ts'
import { ABSENT, type EntryState, type Question, type Verdict } from './history.ts'
import type { Population, User } from './population.ts'
import type { SimPeer } from './sim-peer.ts'

/** `failed`: no answer, or an error. `abandoned`: the asking peer died. */
export type LookupResult = Verdict | 'failed' | 'abandoned'

export interface LookupOutcome {
  readonly user: User
  readonly asker: SimPeer
  readonly result: LookupResult
  readonly detail: string
  /** Of the value that was found, be it one that says that there is none. */
  readonly storageTime: bigint | undefined
  readonly tookMs: Millis
}

export class Lookups {
  private readonly herd: Herd
  private readonly population: Population
  private readonly random: Random
  private readonly report: (outcome: LookupOutcome) => void
  private stopped = false
  /** Lookups under way. */
  open = 0

  constructor(herd: Herd, population: Population, report: (outcome: LookupOutcome) => void) {
    this.herd = herd
    this.population = population
    this.random = herd.overlay.world.fork('lookups')
    this.report = report
  }

  /** Poisson, all peers together, until `stop`. */
  begin(perSecond: number): void {
    if (perSecond <= 0 || this.population.users.length === 0) return
    const next = (): void => {
      if (this.stopped) return
      this.any()
      this.herd.overlay.world.after(randomTime(this.random, 'exponential', 1000 / perSecond), next)
    }
    next()
  }

  stop(): void {
    this.stopped = true
  }

  one(asker: SimPeer, user: User): void {
    const { overlay } = this.herd
    const { now } = overlay.world
    const question = user.history.ask(now.ms)
    const id = overlay.commands.newId()
    let done = false
    const end = ({ result, detail, storageTime }: Judged): void => {
      if (done) return
      done = true
      this.open--
      user.history.forget(question)
      const tookMs = overlay.world.now.ms - now.ms
      this.report({ user, asker, result, detail, storageTime, tookMs })
    }
    this.open++
    overlay.world.after(ANSWER_LIMIT_MS, () => {
      overlay.commands.forget(id)
      end({ result: 'abandoned', detail: '', storageTime: undefined })
    })
    const command = { kind: 'fetch' as const, id, resource: user.resource, kinds: [KIND.sipRegistration] }
    overlay.commands.ask(asker, command, (event) => end(judged(event, user, question)))
  }

  private any(): void {
    const asker = this.herd.joined()
    const user = anyOf(this.random, this.population.users)
    // Somebody whose home just died is registered nowhere; whoever is certainly absent has to stay so.
    const due = this.population.served(user) || (user.history.certain && user.history.acknowledged === ABSENT)
    if (asker !== undefined && due) this.one(asker, user)
  }
}

/** Longer than any Fetch takes (RFC 6940 s.6.2.1: 15 s). */
const ANSWER_LIMIT_MS = 30_000

type Judged = Pick<LookupOutcome, 'result' | 'detail' | 'storageTime'>

function judged(event: PeerEvent, user: User, question: Question): Judged {
  const nothing = { storageTime: undefined }
  if (event.kind !== 'fetchDone') return { ...nothing, result: 'failed', detail: event.kind }
  if (!event.outcome.ok) {
    const { error } = event.outcome
    const detail = error.kind === 'reload' ? `error ${error.code}` : error.kind
    return { ...nothing, result: 'failed', detail }
  }
  const { value } = event.outcome
  const found = entryOf(value, user)
  if (found === undefined)
    return { ...nothing, result: 'wrong', detail: 'more than one entry, or another user’s' }
  return {
    result: user.history.judge(question, found),
    detail: `from ${key(value.responsible)}`,
    storageTime: value.kinds.get(KIND.sipRegistration)?.values[0]?.data.storageTime,
  }
}

/** Where the one entry points to; undefined when there is something that this user never wrote. */
function entryOf(result: FetchResult, user: User): EntryState | undefined {
  const values = result.kinds.get(KIND.sipRegistration)?.values ?? []
  const there = values.filter(({ data }) => data.value.value.exists)
  if (result.rejected > 0 || there.length > 1) return undefined
  const value = there[0]?.data.value
  if (value === undefined) return ABSENT
  if (value.model !== 'dictionary' || key(value.key) !== key(user.credential.nodeId)) return undefined
  const entry = decodeSipRegistration(value.value.value)
  const first = entry.ok && entry.value.kind === 'route' ? entry.value.destinations[0] : undefined
  return first?.kind === 'node' ? key(first.nodeId) : undefined
}

/** What is stored where: resources of all users. */
export function resourcesOf(users: readonly User[]): ResourceId[] {
  return users.map(({ resource }) => resource)
}
