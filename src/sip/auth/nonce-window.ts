/**
 * Which nonce counts were used: strictly rising for each (nonce, cnonce) of a user (RFC 7616 s.3.3), so that captured
 * credentials cannot be sent again. Bounded: when it is full the oldest entry goes, and with it the right of every
 * unknown nonce of that age or older to be believed.
 */
import { detachedUnicode } from '../../common/detached.ts'
import { LinkedOrder, type Linked } from '../../common/linked-order.ts'
import type { WallTime } from '../../common/time.ts'
import { isTimely } from './nonce.ts'

interface Use extends Linked<Use> {
  readonly key: string
  readonly issuedAt: WallTime
  count: number
}

/** One entry a phone that authenticated within the life of a nonce. Judgement: 100000 phones in 120 s. */
export const NONCE_USES_MAX = 100_000

export class NonceWindow {
  private readonly usesMax: number
  private readonly uses = new Map<string, Use>()
  /** By first use. */
  private readonly order = new LinkedOrder<Use>()
  private forgottenUpTo = Number.NEGATIVE_INFINITY

  constructor(usesMax: number = NONCE_USES_MAX) {
    this.usesMax = usesMax
  }

  get size(): number {
    return this.uses.size
  }

  /** True when `count` is new for this key. Only to be asked for credentials that are right in all else. */
  use(wall: WallTime, key: string, issuedAt: WallTime, count: number): boolean {
    const known = this.uses.get(key)
    if (known !== undefined) {
      if (count <= known.count) return false
      known.count = count
      return true
    }
    // A clock that was put back: what was forgotten cannot be younger than now, or nobody is believed until the clock has caught up.
    if (this.forgottenUpTo > wall) this.forgottenUpTo = wall
    if (issuedAt <= this.forgottenUpTo) return false
    this.forget(wall)
    const use: Use = { key: detachedUnicode(key), issuedAt, count, older: undefined, newer: undefined }
    this.uses.set(use.key, use)
    this.order.append(use)
    return true
  }

  private forget(wall: WallTime): void {
    for (let { oldest } = this.order; oldest !== undefined; { oldest } = this.order) {
      // Of the past, or of a clock that was ahead and has been put right.
      const useless = !isTimely(wall - oldest.issuedAt)
      if (!useless && this.uses.size < this.usesMax) return
      if (!useless) this.forgottenUpTo = Math.max(this.forgottenUpTo, oldest.issuedAt)
      this.uses.delete(oldest.key)
      this.order.remove(oldest)
    }
  }
}
