import type { Millis } from './time.ts'
import { TokenBucket, type Allowance } from './token-bucket.ts'

/** Token buckets by key, in a table that cannot grow without bound. */
export class RateLimit {
  private allowance: Allowance
  private readonly keysMax: number
  private readonly buckets = new Map<string, TokenBucket>()

  constructor(init: Allowance & { readonly keysMax?: number }) {
    this.allowance = init
    this.keysMax = init.keysMax ?? 10_000
  }

  /** From now on; what a bucket holds beyond the new burst is gone. */
  limit(allowance: Allowance): void {
    this.allowance = allowance
  }

  get size(): number {
    return this.buckets.size
  }

  /** Milliseconds until `key` has that many tokens, 0 when it has them now. Takes nothing. */
  waitMs(key: string, now: Millis, count = 1): Millis {
    return this.buckets.get(key)?.waitMs(this.allowance, now, count) ?? 0
  }

  /** Takes tokens of `key`, or says how long to wait: 0 when taken. */
  take(key: string, now: Millis, count = 1): Millis {
    let bucket = this.buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.allowance, now)
      // The oldest entry goes first: it has had the most time to fill up again.
      if (this.buckets.size >= this.keysMax) {
        const oldest = this.buckets.keys().next()
        if (oldest.done !== true) this.buckets.delete(oldest.value)
      }
    } else this.buckets.delete(key)
    this.buckets.set(key, bucket)
    return bucket.take(this.allowance, now, count)
  }

  /** Puts tokens back that were taken for nothing. */
  giveBack(key: string, now: Millis, count: number): void {
    this.buckets.get(key)?.giveBack(this.allowance, now, count)
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
