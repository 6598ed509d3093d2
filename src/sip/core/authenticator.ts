/** Digest as a policy: who must show credentials, what a failure costs (sip-requirements s.9). */
import { Tally } from '../../common/instruments.ts'
import type { Millis, Now } from '../../common/time.ts'
import { sourceOf } from '../../common/rate-limit.ts'
import {
  challenge,
  DIGEST_ALGORITHMS,
  NonceSerials,
  NonceWindow,
  verify,
  type DigestAlgorithm,
  type DigestQop,
  type DigestRules,
  type DigestUsers,
} from '../auth/index.ts'
import { detachedUnicode } from '../message/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
import type { AuthLog } from './auth-log.ts'
import type { Account, Accounts } from './contract.ts'

/** 401 of a registrar or redirect server, 407 of a proxy (RFC 3261 s.22.1). */
export type ChallengeKind = 'www' | 'proxy'

export type AuthOutcome =
  | { readonly kind: 'ok'; readonly account: Account }
  | { readonly kind: 'challenge'; readonly headers: readonly (readonly [string, string])[] }
  /** Too many failures: 403 (S-AU-01). */
  | { readonly kind: 'blocked' }

interface Failures {
  count: number
  since: Millis
}

/** S-AU-01: failures are counted over this time, and held against the source as long. */
const FAILURE_WINDOW_MS: Millis = 60_000
/** Before the source and user of guesses with challenges that were sent elsewhere. */
const ELSEWHERE = 'elsewhere '
/** Sources and users remembered at one time; beyond that the oldest is forgotten. */
const FAILURES_MAX = 10_000
/**
 * DEVIATION RFC 8760 s.2.3: only MD5 is offered unless the operator says otherwise. Phones that meet a challenge with another algorithm
 * give up altogether (libre, SIPp, old desk phones), wherever in the list it stands (docs/adr/0006-digest-algorithms.md).
 */
export const DIGEST_OFFERED_DEFAULT: readonly DigestAlgorithm[] = ['MD5']

/** Accepted even where they were not offered: they are stronger than what was. */
const ALWAYS_ACCEPTED: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256']

export class Authenticator {
  /** result|algorithm */
  readonly attempts = new Tally(
    ['ok', 'bad', 'stale', 'missing', 'blocked'].flatMap((result) =>
      DIGEST_ALGORITHMS.map((algorithm) => `${result}|${algorithm}`),
    ),
  )
  private readonly users: DigestUsers<Account>
  private readonly rateLimits: Tally
  private readonly log: AuthLog
  private readonly rules: DigestRules
  /** Read at every use: they may change. */
  private readonly limits: { readonly authFailuresMax: number }
  private readonly offered: readonly DigestAlgorithm[]
  private readonly window = new NonceWindow()
  private readonly serials = new NonceSerials()
  /** By source and user, in order of their first failure. */
  private readonly failures = new Map<string, Failures>()

  constructor(
    components: { readonly accounts: Accounts; readonly rateLimits: Tally; readonly log: AuthLog },
    init: {
      readonly realm: string
      readonly secret: Uint8Array
      readonly limits: { readonly authFailuresMax: number }
      readonly algorithms: readonly DigestAlgorithm[]
      readonly qop?: readonly DigestQop[] | undefined
      readonly userHash?: boolean | undefined
      /** Name of this peer among those of the domain. */
      readonly issuer?: string | undefined
    },
  ) {
    const { accounts } = components
    this.users = {
      byName: (username) => accounts.byUsername(username),
      byHash: (hash) => accounts.byUserHash?.(hash),
    }
    this.rateLimits = components.rateLimits
    this.log = components.log
    this.limits = init.limits
    this.offered = init.algorithms
    this.rules = {
      realm: init.realm,
      secret: init.secret,
      algorithms: [...new Set([...init.algorithms, ...ALWAYS_ACCEPTED])],
      allowMissingQop: true,
      allowOtherUri: true,
      issuer: init.issuer ?? '',
      userHash: init.userHash ?? false,
      ...(init.qop === undefined ? {} : { qop: init.qop }),
    }
  }

  check(now: Now, incoming: IncomingRequest, kind: ChallengeKind): AuthOutcome {
    const { message, source } = incoming
    const credentials = message.headers(kind === 'www' ? 'authorization' : 'proxy-authorization')
    const { method, requestUri: uri, body } = message
    const client = sourceOf(source.host)
    const verdict = verify(
      now,
      { method, uri, credentials, body, client },
      this.rules,
      this.window,
      this.users,
    )
    const algorithm = algorithmOf(credentials)
    const guess = verdict.kind === 'missing' ? '' : `${client} ${verdict.username}`
    if (verdict.kind !== 'missing' && this.isBlocked(now.ms, guess)) {
      this.attempts.add(`blocked|${algorithm}`)
      this.rateLimits.add('auth')
      this.log.refused(now.ms, source, method, 'blocked')
      return { kind: 'blocked' }
    }
    // Too many guesses with challenges that were sent elsewhere end that way only: whose address they came from may know nothing of them.
    const elsewhere = ELSEWHERE + guess
    const unasked = 'by' in verdict && verdict.by === 'other' && this.isBlocked(now.ms, elsewhere)
    const result = unasked ? 'stale' : verdict.kind
    this.attempts.add(`${result}|${algorithm}`)
    if (verdict.kind === 'ok' && !unasked) return { kind: 'ok', account: verdict.account }
    if (verdict.kind === 'bad' && !unasked && verdict.by !== 'unknown') {
      this.failed(now.ms, verdict.by === 'client' ? guess : elsewhere)
      if (verdict.by === 'client') this.log.refused(now.ms, source, method, 'bad')
    }
    const name = kind === 'www' ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const stale = result === 'stale'
    const serial = this.serials.next(now.wall)
    const values = challenge(now, { ...this.rules, algorithms: this.offered }, { stale, client, serial })
    return { kind: 'challenge', headers: values.map((value) => [name, value] as const) }
  }

  /** Sources and users that are refused at this moment. */
  blocked(now: Millis): number {
    let blocked = 0
    for (const [key, { count, since }] of this.failures) {
      if (key.startsWith(ELSEWHERE)) continue
      if (count >= this.limits.authFailuresMax && now - since <= FAILURE_WINDOW_MS) blocked++
    }
    return blocked
  }

  private isBlocked(now: Millis, key: string): boolean {
    const failures = this.failures.get(key)
    if (failures === undefined) return false
    if (now - failures.since <= FAILURE_WINDOW_MS) return failures.count >= this.limits.authFailuresMax
    this.failures.delete(key)
    return false
  }

  private failed(now: Millis, key: string): void {
    const failures = this.failures.get(key)
    if (failures !== undefined) {
      failures.count++
      // The back-off runs from the failure that reached the limit.
      if (failures.count === this.limits.authFailuresMax) failures.since = now
      return
    }
    for (const [oldest, { since }] of this.failures) {
      if (this.failures.size < FAILURES_MAX && now - since <= FAILURE_WINDOW_MS) break
      this.failures.delete(oldest)
    }
    this.failures.set(detachedUnicode(key), { count: 1, since: now })
  }
}

/** For the counters: the strongest that is named. */
function algorithmOf(credentials: readonly string[]): DigestAlgorithm {
  let strongest: DigestAlgorithm = 'MD5'
  for (const text of credentials) {
    const upper = text.toUpperCase()
    if (upper.includes('ALGORITHM=SHA-512-256') || upper.includes('ALGORITHM="SHA-512-256'))
      return 'SHA-512-256'
    if (upper.includes('SHA-256')) strongest = 'SHA-256'
  }
  return strongest
}
