/**
 * S-TR-02: how much an address may ask for without showing that it belongs here. Every request takes a token of its source; those
 * of our phones are given back once the phone has proven itself, so that only strangers, guesses and floods run dry.
 */
import { detached } from '../../common/detached.ts'
import { Tally } from '../../common/instruments.ts'
import { RateLimit, sourceOf } from '../../common/rate-limit.ts'
import type { Millis } from '../../common/time.ts'
import type { Allowance } from '../../common/token-bucket.ts'
import { type SipMessage } from '../message/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'

export interface SourceAllowances {
  /** Whatever it is. Most of it is answered with a challenge, which costs little. */
  readonly requests: Allowance
  /** Passed on to users here for somebody of another domain: a lookup in the overlay, and a phone that may not answer. */
  readonly strangers: Allowance
}

/** An office of a thousand phones or a trunk behind one address stays below it. Judgement. */
export const SOURCE_ALLOWANCES_DEFAULT: SourceAllowances = {
  requests: { perSecond: 200, burst: 1_000 },
  strangers: { perSecond: 50, burst: 100 },
}
/**
 * A phone that is registered and shares its address with a flood, such as the office whose other phones have just got their power back: so much
 * is taken from its own port or connection, whatever comes from the others. Judgement.
 */
const PHONE: Allowance = { perSecond: 20, burst: 100 }
/**
 * Inside of a call nobody is asked for credentials: whoever has its Record-Route, which comes with the first 180, may send there. So much of it
 * is free in each call; the rest counts as what its source sends outside of calls. Judgement.
 */
const IN_A_CALL: Allowance = { perSecond: 5, burst: 40 }
/** Longer Call-IDs are told apart by so many characters. */
const CALL_ID_CHARS_MAX = 128
/** A refusal helps a client that has gone astray; of a flood the first ones are answered and the rest is not worth it (E54). */
const REFUSALS: Allowance = { perSecond: 20, burst: 100 }

export type Judgement = 'taken' | 'refused' | 'ignored'

export class SourceLimit {
  private readonly requests: RateLimit
  private readonly strangers: RateLimit
  private readonly phones = new RateLimit(PHONE)
  private readonly calls = new RateLimit(IN_A_CALL)
  private readonly refusals = new RateLimit(REFUSALS)
  /** Requests that got no answer any more. */
  readonly dropped = new Tally(['source'])
  private readonly rateLimits: Tally
  private readonly trusts: (source: Hop) => boolean
  private readonly registered: (incoming: IncomingRequest) => boolean
  private latestHost = ''
  private latestKey = ''

  /** `trusts`: sources that no limit is for. `registered`: requests from where a phone that they name is reached. */
  constructor(
    components: {
      readonly rateLimits: Tally
      readonly trusts: (source: Hop) => boolean
      readonly registered: (incoming: IncomingRequest) => boolean
    },
    allowances: SourceAllowances,
  ) {
    this.rateLimits = components.rateLimits
    this.trusts = components.trusts
    this.registered = components.registered
    this.requests = new RateLimit(allowances.requests)
    this.strangers = new RateLimit(allowances.strangers)
  }

  limit({ requests, strangers }: SourceAllowances): void {
    this.requests.limit(requests)
    this.strangers.limit(strangers)
  }

  /** What becomes of a new request. Peers have proven themselves by their certificate. */
  request(now: Millis, incoming: IncomingRequest): Judgement {
    return this.judge(now, incoming.source, this.requests, incoming)
  }

  /** What becomes of one that a stranger wants to be passed on. */
  stranger(now: Millis, source: Hop): Judgement {
    return this.judge(now, source, this.strangers)
  }

  /** A phone has shown its credentials: this request costs nothing, nor does the one that was challenged before it. */
  proven(now: Millis, source: Hop): void {
    if (source.transport !== 'peer') this.requests.giveBack(this.keyOf(source), now, 2)
  }

  /** A request inside a call that has been let through costs nothing, as long as there are not very many. */
  inCall(now: Millis, { source, message }: IncomingRequest): void {
    if (source.transport !== 'peer' && this.isFree(now, message))
      this.requests.giveBack(this.keyOf(source), now, 1)
  }

  /** Whether an ACK or a CANCEL inside a call is passed on. Neither has cost anything, and neither is refused. */
  passes(now: Millis, incoming: IncomingRequest): boolean {
    const { source, message } = incoming
    if (source.transport === 'peer' || this.isFree(now, message)) return true
    return this.judge(now, source, this.requests, incoming) === 'taken'
  }

  private isFree(now: Millis, { callId }: SipMessage): boolean {
    // In memory of its own: what is cut out of a message keeps the whole message.
    return this.calls.take(detached(callId.slice(0, CALL_ID_CHARS_MAX)), now) === 0
  }

  /** Asked twice for most requests. */
  private keyOf({ host }: Hop): string {
    if (host !== this.latestHost) {
      this.latestHost = host
      this.latestKey = sourceOf(host)
    }
    return this.latestKey
  }

  private judge(now: Millis, source: Hop, limit: RateLimit, incoming?: IncomingRequest): Judgement {
    if (source.transport === 'peer') return 'taken'
    const key = this.keyOf(source)
    if (limit.take(key, now) === 0 || this.trusts(source)) return 'taken'
    if (incoming !== undefined && this.registered(incoming) && this.phones.take(placeOf(source), now) === 0)
      return 'taken'
    this.rateLimits.add('source')
    if (this.refusals.take(key, now) === 0) return 'refused'
    this.dropped.add('source')
    return 'ignored'
  }
}

function placeOf({ flow, host, port }: Hop): string {
  return flow === 0 ? `${host} ${port}` : `flow ${flow}`
}
