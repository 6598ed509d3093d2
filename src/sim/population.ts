/**
 * The users of a simulated overlay. Each is served by one peer, its home, which keeps the user's registration fresh;
 * when the home is gone, the user's phone finds another one after a while. Users also unregister now and then.
 */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import {
  key,
  type Credential,
  type PeerEvent,
  type ResourceId,
  type StoreResult,
  type ValueToStore,
} from '../reload/index.ts'
import { OVERLAY_NAME } from './configuration.ts'
import { between, randomTime } from './distributions.ts'
import type { Herd } from './herd.ts'
import { ABSENT, History, type Acknowledged, type EntryState } from './history.ts'
import type { SimPeer } from './sim-peer.ts'
import { registration } from './values.ts'

/** A phone notices that its registrar is gone by its keep-alives. */
const FAILOVER_MS = { least: 2_000, most: 8_000 }
/** A registrar answers 503 with Retry-After; phones come back after a while. */
const RETRY_MS = { least: 3_000, most: 10_000 }
/** How long somebody who unregistered stays away. */
const AWAY_MS = { least: 30_000, most: 120_000 }

export interface User {
  readonly aor: string
  readonly credential: Credential
  readonly resource: ResourceId
  readonly history: History
  home: SimPeer | undefined
  /** Of the last thing planned for this user; what was planned before is void. */
  turn: number
  /** Wants to be registered. */
  present: boolean
}

export interface PopulationSettings {
  readonly users: number
  readonly refreshMs: Millis
  readonly removalMs: Millis | undefined
}

/** The AOR of a simulated user. */
export function userName(index: number): string {
  return `u${String(index).padStart(7, '0')}@${OVERLAY_NAME}`
}

export class Population {
  readonly users: User[] = []
  /** Stores that were answered, and those that were not, or with an error. */
  stored = 0
  refused = 0
  private readonly herd: Herd
  private readonly random: Random
  private readonly settings: PopulationSettings
  private quiet = false

  constructor(herd: Herd, settings: PopulationSettings) {
    this.herd = herd
    this.settings = settings
    this.random = herd.overlay.world.fork('population')
    const { overlay } = herd
    for (let index = 0; index < settings.users; index++) {
      const aor = userName(index)
      this.users.push({
        aor,
        credential: overlay.user(aor),
        resource: overlay.resource(aor),
        history: new History(),
        home: undefined,
        turn: 0,
        present: true,
      })
    }
    herd.onDeparture((peer) => this.homeLost(peer))
  }

  /** All users register, spread over so much time. */
  begin(within: Millis): void {
    for (const user of this.users) this.plan(user, this.random.float() * within, () => this.write(user))
  }

  /** Nobody comes, goes, or refreshes any more; what is under way ends. */
  rest(): void {
    this.quiet = true
  }

  /** Registered, and its home serves it: such a user has to be found. */
  served(user: User): boolean {
    return user.present && user.home?.running === true && user.history.acknowledged === key(user.home.nodeId)
  }

  private homeLost(peer: SimPeer): void {
    for (const user of this.users) {
      if (user.home !== peer) continue
      user.home = undefined
      if (user.present) this.plan(user, this.time(FAILOVER_MS), () => this.write(user))
    }
  }

  /** Only the last plan for a user counts. */
  private plan(user: User, delay: Millis, then: () => void): void {
    const turn = ++user.turn
    this.herd.overlay.world.after(delay, () => {
      if (turn === user.turn && !this.quiet) then()
    })
  }

  private write(user: User): void {
    if (user.home?.joined !== true) user.home = this.herd.joined()
    const { home } = user
    if (home === undefined) return this.plan(user, this.time(RETRY_MS), () => this.write(user))
    const state = user.present ? key(home.nodeId) : ABSENT
    const { overlay } = this.herd
    user.history.begin(state)
    const command = {
      kind: 'store' as const,
      id: overlay.commands.newId(),
      resource: user.resource,
      values: [user.present ? registration(user.credential, home.nodeId) : removal(user.credential)],
      credential: user.credential,
    }
    // Before the command: its answer plans what is next. The home may die and never answer.
    this.plan(user, ANSWER_LIMIT_MS, () => this.write(user))
    overlay.commands.ask(home, command, (event) => this.answered(user, state, event))
    overlay.world.after(ANSWER_LIMIT_MS, () => overlay.commands.forget(command.id))
  }

  private answered(user: User, state: EntryState, event: PeerEvent): void {
    if (event.kind !== 'storeDone') return
    const outcome: { readonly ok: boolean; readonly value?: StoreResult } = event.outcome
    if (!outcome.ok) {
      this.refused++
      return this.plan(user, this.time(RETRY_MS), () => this.write(user))
    }
    this.stored++
    user.history.acknowledge(state, this.herd.overlay.world.now.ms, this.acknowledged(user, outcome.value))
    if (!user.present) return this.plan(user, this.time(AWAY_MS), () => this.turnTo(user, true))
    const refresh = this.settings.refreshMs * (0.75 + this.random.float() / 4)
    const removal =
      this.settings.removalMs === undefined
        ? Number.POSITIVE_INFINITY
        : randomTime(this.random, 'exponential', this.settings.removalMs)
    if (removal < refresh) this.plan(user, removal, () => this.turnTo(user, false))
    else this.plan(user, refresh, () => this.write(user))
  }

  private acknowledged(user: User, result: StoreResult | undefined): Acknowledged | undefined {
    if (result === undefined) return undefined
    const { storageTime } = result
    return { storageTime, unaware: this.apart(user, result) || this.bereft(user, storageTime) }
  }

  /** Two peers, each in its part of the ring, own the resource. */
  private apart({ resource }: User, { responsible }: StoreResult): boolean {
    const ring = this.herd.overlay.joinedRing()
    if (ring.peers.length === 0) return false
    const owner = ring.owner(resource)
    const by = ring.owner(responsible)
    if (owner === by || key(by.nodeId) !== key(responsible)) return false
    return [owner, by].every((peer) => peer.core.owns(resource))
  }

  /** The entry had a greater storage_time, and everybody who had it may have died at once. */
  private bereft({ resource, history }: User, storageTime: bigint): boolean {
    const since = history.replacedAgainstTime(storageTime)
    return since !== undefined && this.herd.lives.excuses(key(resource), since)
  }

  private turnTo(user: User, present: boolean): void {
    user.present = present
    this.write(user)
  }

  private time(range: { readonly least: Millis; readonly most: Millis }): Millis {
    return between(this.random, range.least, range.most)
  }
}

/** Longer than any Store takes (RFC 6940 s.6.2.1: 15 s). */
const ANSWER_LIMIT_MS = 30_000

function removal(credential: Credential): ValueToStore {
  return { ...registration(credential, credential.nodeId), exists: false, value: new Uint8Array(0) }
}
