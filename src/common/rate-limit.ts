import type { Millis } from './time.ts'

/** Token buckets by key, in a table that cannot grow without bound. */
export class RateLimit {
  private readonly perSecond: number
  private readonly burst: number
  private readonly keysMax: number
  private readonly buckets = new Map<string, { tokens: number; at: Millis }>()

  constructor(init: { readonly perSecond: number; readonly burst: number; readonly keysMax?: number }) {
    this.perSecond = init.perSecond
    this.burst = init.burst
    this.keysMax = init.keysMax ?? 10_000
  }

  get size(): number {
    return this.buckets.size
  }

  /** Milliseconds until `key` has that many tokens, 0 when it has them now. Takes nothing. */
  waitMs(key: string, now: Millis, count = 1): Millis {
    const bucket = this.buckets.get(key)
    if (bucket === undefined) return 0
    const tokens = this.tokensAt(bucket, now)
    // More than a whole bucket is let through by a full one, and paid off afterwards.
    const needed = Math.min(count, this.burst)
    return tokens >= needed ? 0 : Math.ceil(((needed - tokens) / this.perSecond) * 1000)
  }

  /** Takes tokens of `key`, or says how long to wait: 0 when taken. */
  take(key: string, now: Millis, count = 1): Millis {
    const wait = this.waitMs(key, now, count)
    if (wait > 0) return wait
    const bucket = this.buckets.get(key)
    const tokens = bucket === undefined ? this.burst : this.tokensAt(bucket, now)
    this.buckets.delete(key)
    // The oldest entry goes first: it has had the most time to fill up again.
    if (this.buckets.size >= this.keysMax) {
      const oldest = this.buckets.keys().next()
      if (oldest.done !== true) this.buckets.delete(oldest.value)
    }
    this.buckets.set(key, { tokens: tokens - count, at: now })
    return 0
  }

  private tokensAt(bucket: { readonly tokens: number; readonly at: Millis }, now: Millis): number {
    return Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond)
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
