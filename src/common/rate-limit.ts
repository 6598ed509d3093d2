import { LinkedOrder, type Linked } from './linked-order.ts'
import type { Millis } from './time.ts'
import { TokenBucket, type Allowance } from './token-bucket.ts'

/** A bucket in the order of use. */
interface Entry extends Linked<Entry> {
  readonly key: string
  readonly bucket: TokenBucket
}

/** Token buckets by key, in a table that cannot grow without bound. */
export class RateLimit {
  private allowance: Allowance
  private readonly keysMax: number
  private readonly entries = new Map<string, Entry>()
  private readonly order = new LinkedOrder<Entry>()

  constructor(init: Allowance & { readonly keysMax?: number }) {
    this.allowance = init
    this.keysMax = init.keysMax ?? 10_000
  }

  /** From now on; what a bucket holds beyond the new burst is gone. */
  limit(allowance: Allowance): void {
    this.allowance = allowance
  }

  get size(): number {
    return this.entries.size
  }

  /** Milliseconds until `key` has that many tokens, 0 when it has them now. Takes nothing. */
  waitMs(key: string, now: Millis, count = 1): Millis {
    return this.find(key)?.bucket.waitMs(this.allowance, now, count) ?? 0
  }

  /** Takes tokens of `key`, or says how long to wait: 0 when taken. */
  take(key: string, now: Millis, count = 1): Millis {
    let entry = this.find(key)
    if (entry === undefined) {
      this.forgetFull(now)
      // The oldest entry goes first: it has had the most time to fill up again.
      const { oldest } = this.order
      if (this.entries.size >= this.keysMax && oldest !== undefined) this.forget(oldest)
      entry = { key, bucket: new TokenBucket(this.allowance, now), older: undefined, newer: undefined }
      this.entries.set(key, entry)
      this.order.append(entry)
    } else this.order.renew(entry)
    return entry.bucket.take(this.allowance, now, count)
  }

  /** Puts tokens back that were taken for nothing. */
  giveBack(key: string, now: Millis, count: number): void {
    this.find(key)?.bucket.giveBack(this.allowance, now, count)
  }

  /** Who asked last asks again more often than not. */
  private find(key: string): Entry | undefined {
    const { newest } = this.order
    return newest?.key === key ? newest : this.entries.get(key)
  }

  /** A full bucket is what a new one would be. Two at a time, so that the table shrinks and nobody waits for that. */
  private forgetFull(now: Millis): void {
    for (let count = 0; count < 2; count++) {
      const { allowance } = this
      const { oldest } = this.order
      if (oldest === undefined || oldest.bucket.waitMs(allowance, now, allowance.burst) > 0) return
      this.forget(oldest)
    }
  }

  private forget(entry: Entry): void {
    this.order.remove(entry)
    this.entries.delete(entry.key)
  }
}

/**
 * The source that counts for a limit: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address of it
 * has all of them.
 */
export function sourceOf(address: string): string {
  const plain = address.toLowerCase()
  if (plain.startsWith('::ffff:') && plain.includes('.')) return plain.slice('::ffff:'.length)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = (plain.split('%')[0] as string).split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return `${[...front, ...middle, ...back].slice(0, 4).join(':')}::/64`
}
