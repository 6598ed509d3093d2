/** Digest as a policy: who must show credentials, what a failure costs (sip-requirements s.9). */
import { Tally } from '../../common/instruments.ts'
import type { Millis, Now } from '../../common/time.ts'
import { challenge, NonceWindow, verify, type DigestAlgorithm } from '../auth/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
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
/** Sources and users remembered at one time; beyond that the oldest is forgotten. */
const FAILURES_MAX = 10_000
/**
 * DEVIATION RFC 8760 s.2.3: only MD5 is offered unless the operator says otherwise. Phones that meet a challenge with another algorithm
 * give up altogether (libre, SIPp, old desk phones), wherever in the list it stands (docs/adr/0006-digest-algorithms.md).
 */
export const DIGEST_OFFERED_DEFAULT: readonly DigestAlgorithm[] = ['MD5']

/** Accepted even where it was not offered: it is stronger than what was. */
const ALWAYS_ACCEPTED: DigestAlgorithm = 'SHA-256'

export class Authenticator {
  /** result|algorithm */
  readonly attempts = new Tally(
    ['ok', 'bad', 'stale', 'missing', 'blocked'].flatMap((result) => [`${result}|MD5`, `${result}|SHA-256`]),
  )
  private readonly accounts: Accounts
  private readonly rateLimits: Tally
  private readonly realm: string
  private readonly secret: Uint8Array
  /** Read at every use: they may change. */
  private readonly limits: { readonly authFailuresMax: number }
  private readonly offered: readonly DigestAlgorithm[]
  private readonly accepted: readonly DigestAlgorithm[]
  private readonly window = new NonceWindow()
  /** By source and user, in order of their first failure. */
  private readonly failures = new Map<string, Failures>()

  constructor(
    components: { readonly accounts: Accounts; readonly rateLimits: Tally },
    init: {
      readonly realm: string
      readonly secret: Uint8Array
      readonly limits: { readonly authFailuresMax: number }
      readonly algorithms: readonly DigestAlgorithm[]
    },
  ) {
    this.accounts = components.accounts
    this.rateLimits = components.rateLimits
    this.realm = init.realm
    this.secret = init.secret
    this.limits = init.limits
    this.offered = init.algorithms
    this.accepted = [...new Set([...init.algorithms, ALWAYS_ACCEPTED])]
  }

  check(now: Now, incoming: IncomingRequest, kind: ChallengeKind): AuthOutcome {
    const { message, source } = incoming
    const credentials = message.headers(kind === 'www' ? 'authorization' : 'proxy-authorization')
    const { method, requestUri: uri, body } = message
    const { realm, secret, offered } = this
    const verdict = verify(
      now,
      { method, uri, credentials, body },
      { realm, secret, algorithms: this.accepted, allowMissingQop: true, allowOtherUri: true },
      this.window,
      (username) => this.accounts.byUsername(username),
    )
    const algorithm = credentials.some((text) => text.includes('SHA-256')) ? 'SHA-256' : 'MD5'
    if (verdict.kind !== 'missing' && this.isBlocked(now.ms, `${source.host} ${verdict.username}`)) {
      this.attempts.add(`blocked|${algorithm}`)
      this.rateLimits.add('auth')
      return { kind: 'blocked' }
    }
    this.attempts.add(`${verdict.kind}|${algorithm}`)
    if (verdict.kind === 'ok') return { kind: 'ok', account: verdict.account }
    if (verdict.kind === 'bad') this.failed(now.ms, `${source.host} ${verdict.username}`)
    const name = kind === 'www' ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const values = challenge(now, realm, offered, verdict.kind === 'stale', secret)
    return { kind: 'challenge', headers: values.map((value) => [name, value] as const) }
  }

  /** Sources and users that are refused at this moment. */
  blocked(now: Millis): number {
    let blocked = 0
    for (const { count, since } of this.failures.values()) {
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
    this.failures.set(key, { count: 1, since: now })
  }
}
