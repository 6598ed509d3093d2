/** Phones that stay registered: when the peer that serves one dies, it notices with its next refresh and registers again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/common/random.ts'
import type { UdpPhones } from '../support/udp-phones.ts'
import type { Fleet, Peer } from './fleet.ts'

/** A phone gives its registrar this long before it tries the other one. */
const PATIENCE_MS = 6_000
/** Without a Retry-After: doubles from the first to the most, spread by half to each side (RFC 5626 s.4.5). */
const RETRY_FIRST_MS = 2_000
const RETRY_MOST_MS = 30_000

export interface Phone {
  readonly user: string
  /** Its two registrars, as in the settings of a phone. */
  readonly registrars: readonly [Peer, Peer]
  /** Where it is registered, and in which life of that peer. */
  home: { readonly peer: Peer; readonly life: number } | undefined
  /** Everybody who ever took a registration of it: what dead ones left behind may still be in the overlay. */
  readonly former: Set<string>
}

export class Crowd {
  readonly phones: readonly Phone[]
  /** Milliseconds of each REGISTER that was answered with 200. */
  readonly registerMs: number[] = []
  /** Refused or unanswered REGISTERs, by status. */
  readonly refused = new Map<number, number>()
  reregistered = 0
  private readonly udp: UdpPhones
  private readonly random: Random
  private readonly waiting = new Set<Promise<void>>()
  private stopped = false

  constructor(udp: UdpPhones, random: Random, users: readonly string[], fleet: Fleet) {
    this.udp = udp
    this.random = random
    this.phones = users.map((user) => {
      const first = random.int(fleet.peers.length)
      const second = (first + 1 + random.int(fleet.peers.length - 1)) % fleet.peers.length
      const registrars = [fleet.peers[first] as Peer, fleet.peers[second] as Peer] as const
      return { user, registrars, home: undefined, former: new Set() }
    })
  }

  /** Registers everybody, `atOnce` at a time. */
  async registerAll(atOnce: number): Promise<void> {
    const queue = this.phones.values()
    const line = async (): Promise<void> => {
      for (const phone of queue) await this.register(phone)
    }
    await Promise.all(Array.from({ length: atOnce }, line))
  }

  /** The peer was killed: its phones come back over the next `withinMs`. */
  orphan(peer: Peer, withinMs: number): void {
    for (const phone of this.phones) {
      if (phone.home?.peer !== peer) continue
      phone.home = undefined
      this.reregistered++
      const back = sleep(this.random.float() * withinMs)
        .then(() => this.register(phone))
        .finally(() => this.waiting.delete(back))
      this.waiting.add(back)
    }
  }

  get withoutHome(): number {
    return this.phones.filter(({ home }) => home === undefined).length
  }

  async allBack(): Promise<void> {
    while (this.waiting.size > 0) await Promise.all(this.waiting)
  }

  stop(): void {
    this.stopped = true
  }

  private async register(phone: Phone): Promise<void> {
    for (let round = 0; !this.stopped; round++) {
      let waitMs = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** round)
      for (const peer of phone.registrars) {
        const { life } = peer
        // A closed port tells a phone at once (ICMP); one that only listens has its full patience.
        if (peer.state === 'dead') continue
        phone.former.add(peer.plan.nodeId)
        const answer = await this.udp.register(phone.user, peer.plan.sip, 3_600, PATIENCE_MS)
        if (answer.status === 200 && peer.life === life) {
          this.registerMs.push(answer.ms)
          phone.home = { peer, life }
          return
        }
        if (answer.status !== 200) this.refused.set(answer.status, (this.refused.get(answer.status) ?? 0) + 1)
        waitMs = Math.max(waitMs, 1000 * (answer.retryAfterS ?? 0))
      }
      await sleep(waitMs * (0.5 + this.random.float()))
    }
  }
}
