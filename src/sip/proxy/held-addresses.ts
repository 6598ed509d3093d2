/**
 * Next hops that are better left alone for a while: those that said so (503 with Retry-After, RFC 3261 s.21.5.4), and those that did not
 * answer a moment ago, which are tried when nothing else is left (RFC 3263 s.4.3).
 */
import { detached } from '../../common/detached.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Millis } from '../../common/time.ts'
import { type SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'

/** Longest Retry-After that is believed: whoever asks for more is asked again all the same. Judgement. */
const RETRY_AFTER_S_MAX = 3_600
/** How long an address that was silent or unreachable stands behind the others. Judgement. */
const AILING_MS: Millis = 30_000
/** Addresses remembered; beyond that one that was not looked for lately is forgotten. */
const ADDRESSES_MAX = 4_096

interface Hold {
  readonly kind: 'busy' | 'ailing'
  readonly until: Millis
}

export class HeldAddresses {
  private readonly holds = new BoundedCache<Hold>(ADDRESSES_MAX)

  get size(): number {
    return this.holds.size
  }

  /** A 503 came from there. Without Retry-After it counts as a 500 (RFC 3261 s.21.5.4), which concerns this one request. */
  refused(now: Millis, hop: Hop, response: SipMessage): void {
    const seconds = retryAfterS(response.header('retry-after'))
    if (seconds > 0) this.hold(hop, 'busy', now + 1000 * seconds)
  }

  /** It did not answer, or could not be reached. */
  failed(now: Millis, hop: Hop): void {
    if (this.state(now, hop)?.kind !== 'busy') this.hold(hop, 'ailing', now + AILING_MS)
  }

  /** An answer of any kind but 503 came from there. */
  alive(hop: Hop): void {
    if (this.holds.size > 0) this.holds.delete(keyOf(hop))
  }

  /** Wants to be left alone: nothing is sent there. */
  isBusy(now: Millis, hop: Hop): boolean {
    return this.state(now, hop)?.kind === 'busy'
  }

  /** What may be tried, in the order given; those that have failed a moment ago at the end. */
  usable(now: Millis, hops: readonly Hop[]): Hop[] {
    if (this.holds.size === 0) return [...hops]
    const good: Hop[] = []
    const ailing: Hop[] = []
    for (const hop of hops) {
      const state = this.state(now, hop)
      if (state === undefined) good.push(hop)
      else if (state.kind === 'ailing') ailing.push(hop)
    }
    return [...good, ...ailing]
  }

  private state(now: Millis, hop: Hop): Hold | undefined {
    const key = keyOf(hop)
    const hold = this.holds.get(key)
    if (hold === undefined || hold.until > now) return hold
    this.holds.delete(key)
    return undefined
  }

  private hold(hop: Hop, kind: Hold['kind'], until: Millis): void {
    this.holds.set(detached(keyOf(hop)), { kind, until })
  }
}

/** Whole seconds at the beginning of the value; a comment and parameters may follow. 0 for none. */
function retryAfterS(value: string | undefined): number {
  const seconds = Number.parseInt(value ?? '', 10)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, RETRY_AFTER_S_MAX) : 0
}

function keyOf({ transport, host, port }: Hop): string {
  return `${transport} ${host} ${port}`
}
