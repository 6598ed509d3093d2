/** Digest as a policy: who must show credentials, what a failure costs (sip-requirements s.9). */
import { detachedUnicode } from '../../common/detached.ts'
import { Tally } from '../../common/instruments.ts'
import type { Millis, Now } from '../../common/time.ts'
import { sourceOf } from '../../common/rate-limit.ts'
import {
  challenge,
  DIGEST_ALGORITHMS,
  NonceSerials,
  NonceWindow,
  verify,
  type Credential,
  type DigestAlgorithm,
  type DigestQop,
  type DigestRules,
  type DigestUsers,
} from '../auth/index.ts'
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
  /** By source and user: those that are refused, unless the limit is raised. */
  private readonly blocks = new Map<string, Failures>()

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
    const all = verdict.kind === 'missing' ? NONE : verdict.all
    if (all.some(({ username }) => this.isBlocked(now.ms, keyOf(client, username)))) {
      this.attempts.add(`blocked|${algorithm}`)
      this.rateLimits.add('auth')
      this.log.refused(now.ms, source, method, 'blocked')
      return { kind: 'blocked' }
    }
    // Too many guesses with challenges that were sent elsewhere end that way only: whose address they came from may know nothing of them.
    const unasked = all.some(
      ({ by, username }) => by === 'other' && this.isBlocked(now.ms, ELSEWHERE + keyOf(client, username)),
    )
    const result = unasked ? 'stale' : verdict.kind
    this.attempts.add(`${result}|${algorithm}`)
    for (const one of all) {
      // The algorithm that it does not get right is no guess of somebody who does get another one right.
      const known = verdict.kind === 'ok' && one.username === verdict.username
      if (one.kind === 'bad' && !known) this.guessed(now.ms, incoming, client, one)
    }
    if (verdict.kind === 'ok' && !unasked) return { kind: 'ok', account: verdict.account }
    const name = kind === 'www' ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const stale = result === 'stale'
    const serial = this.serials.next(now.wall)
    const values = challenge(now, { ...this.rules, algorithms: this.offered }, { stale, client, serial })
    return { kind: 'challenge', headers: values.map((value) => [name, value] as const) }
  }

  /** Sources and users that are refused at this moment. */
  blocked(now: Millis): number {
    let blocked = 0
    for (const key of this.blocks.keys())
      if (!key.startsWith(ELSEWHERE) && this.isBlocked(now, key)) blocked++
    return blocked
  }

  private guessed(
    now: Millis,
    { message, source }: IncomingRequest,
    client: string,
    { username, by }: Credential<Account>,
  ): void {
    if (by === 'client') {
      this.failed(now, keyOf(client, username))
      this.log.refused(now, source, message.method, 'bad')
    } else if (by === 'other') this.failed(now, ELSEWHERE + keyOf(client, username))
  }

  private isBlocked(now: Millis, key: string): boolean {
    const block = this.blocks.get(key)
    if (block === undefined) return false
    if (now - block.since <= FAILURE_WINDOW_MS) return block.count >= this.limits.authFailuresMax
    this.blocks.delete(key)
    return false
  }

  private failed(now: Millis, key: string): void {
    const failures = this.failures.get(key)
    const count = failures !== undefined && now - failures.since <= FAILURE_WINDOW_MS ? failures.count + 1 : 1
    if (count >= this.limits.authFailuresMax) {
      // The back-off runs from the failure that reached the limit. Apart from the others, so that no crowd of new names drives it out.
      this.failures.delete(key)
      remember(this.blocks, key, { count, since: now }, now)
    } else if (count > 1) (failures as Failures).count = count
    else {
      this.failures.delete(key)
      remember(this.failures, key, { count, since: now }, now)
    }
  }
}

const NONE: readonly Credential<Account>[] = []

/** Those that are over go first, and beyond the limit the oldest. */
function remember(all: Map<string, Failures>, key: string, value: Failures, now: Millis): void {
  for (const [oldest, { since }] of all) {
    if (all.size < FAILURES_MAX && now - since <= FAILURE_WINDOW_MS) break
    all.delete(oldest)
  }
  // At the end, also when it is known: in the order in which they were made.
  all.delete(key)
  all.set(detachedUnicode(key), value)
}

/** No account has a longer name than that. */
const NAME_MAX = 256

function keyOf(client: string, username: string): string {
  return `${client} ${username.length > NAME_MAX ? username.slice(0, NAME_MAX) : username}`
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
