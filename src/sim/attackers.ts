/**
 * Peers with good certificates that do not do their part, while the load lasts: what others send through them vanishes, or
 * they keep silent about what they are responsible for.
 */
import type { Random } from '../common/random.ts'
import { HeaderView, MESSAGE_CODE } from '../reload/index.ts'
import { messageIn } from './frames.ts'

/**
 * drop: messages of others do not get through, in either direction. deny: no Fetch is answered; with Node-IDs from a CA that
 * gives them out at random, that is all that an attacker with many of them can do about an AOR.
 */
export interface Attack {
  readonly kind: 'drop' | 'deny'
  /** Share of all peers. */
  readonly share: number
}

export class Attackers {
  active = false
  /** Messages that did not get through. */
  swallowed = 0
  private readonly attack: Attack
  private readonly random: Random
  private readonly initialTtl: number
  private readonly names = new Map<string, boolean>()

  constructor(random: Random, attack: Attack, initialTtl: number) {
    this.random = random
    this.attack = attack
    this.initialTtl = initialTtl
  }

  isAttacker(name: string): boolean {
    let is = this.names.get(name)
    if (is === undefined) {
      is = this.random.fork(name).float() < this.attack.share
      this.names.set(name, is)
    }
    return is
  }

  /** Whether that frame, which the core of peer `name` wants sent, never leaves. */
  swallows(name: string, frame: Uint8Array): boolean {
    const message = this.active && this.isAttacker(name) ? messageIn(frame) : undefined
    const view = message === undefined ? undefined : HeaderView.read(message)
    if (view === undefined) return false
    const refused =
      this.attack.kind === 'deny'
        ? view.messageCode === MESSAGE_CODE.fetchAns && view.ttl === this.initialTtl - 1
        : view.ttl < this.initialTtl - 1
    if (refused) this.swallowed++
    return refused
  }
}
