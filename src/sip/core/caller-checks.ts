/**
 * M-22: whether a peer may name a user as the caller. The user has said so when his registration in the overlay names that
 * peer; the answer is asked for beside the call and serves the calls that follow. Bounded in answers and in questions.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { canonicalAor, type SipMessage } from '../message/index.ts'
import { NO_IDENTITY, type CallerIdentity, type OwnIdentity } from '../proxy/index.ts'
import { believedIdentity, vouchedIdentity } from './caller-identity.ts'
import type { RequestId } from './contract.ts'

/** Answers remembered; beyond that the oldest is forgotten. */
const ANSWERS_MAX = 10_000
/** Questions under way. A peer that makes up callers gets no more work out of the overlay than this. */
const QUESTIONS_MAX = 400
/** Of one peer, so that there is room for those of others. */
const QUESTIONS_OF_PEER_MAX = 100
/** The owner keeps the budget; only when it is silent for this long beyond it is a question given up. */
const ANSWER_GRACE_MS: Millis = 1_000

/** Requests that wait for one answer. */
const WAITING_MAX = 100

/** What the overlay says of a caller; `unknown` when it has not answered. */
export type CallerWord = 'verified' | 'unverified' | 'unknown'

/**
 * `stranger`: the caller is of another domain, about which the overlay has nothing to say. `waiting`: the answer is on its way; who waits for it
 * says so with `wait`.
 */
export type Judgement =
  { readonly kind: CallerWord | 'stranger' } | { readonly kind: 'waiting'; readonly key: string }

interface Answer {
  readonly word: CallerWord
  readonly until: Millis
}

/** `T`: what waits for an answer. */
export class CallerChecks<T> {
  private readonly own: OwnIdentity
  private readonly ask: (aor: string, peer: string) => RequestId
  private readonly policy: 'tag' | 'reject' | 'off'
  private readonly budgetMs: Millis
  private readonly answers = new BoundedCache<Answer>(ANSWERS_MAX)
  private readonly open = new OpenQuestions<string>()
  private readonly asked = new Map<string, T[]>()
  /** Questions under way, by peer. */
  private readonly askedBy = new Map<string, number>()

  constructor(
    components: { readonly own: OwnIdentity; readonly ask: (aor: string, peer: string) => RequestId },
    init: { readonly policy: 'tag' | 'reject' | 'off'; readonly budgetMs: Millis },
  ) {
    this.own = components.own
    this.ask = components.ask
    this.policy = init.policy
    this.budgetMs = init.budgetMs
  }

  /** Whose call a request of `peer` is; `user` is the one whom the certificate of the peer names. */
  identity(now: Millis, message: SipMessage, peer: string, user: string | undefined): CallerIdentity {
    if (this.policy === 'off') return believedIdentity(message)
    if (!message.has('p-asserted-identity')) return NO_IDENTITY
    const aor = this.hostedCaller(message)
    if (aor === undefined) return NO_IDENTITY
    const claimed = vouchedIdentity(message, aor)
    if (claimed === NO_IDENTITY) return NO_IDENTITY
    return user === aor || this.known(now, peer, aor) === 'verified' ? claimed : NO_IDENTITY
  }

  /** Whether a request of `peer` is its caller's own, for those that may not go on without. */
  judge(now: Millis, message: SipMessage, peer: string, user: string | undefined): Judgement {
    if (this.policy === 'off') return VERIFIED
    const aor = this.hostedCaller(message)
    if (aor === undefined) return STRANGER
    if (user === aor) return VERIFIED
    const known = this.known(now, peer, aor)
    if (known === undefined) return { kind: 'waiting', key: keyOf(peer, aor) }
    return JUDGEMENTS[known]
  }

  /** False when too many wait already. */
  wait(key: string, ticket: T): boolean {
    const waiting = this.asked.get(key)
    if (waiting === undefined || waiting.length >= WAITING_MAX) return false
    waiting.push(ticket)
    return true
  }

  /** Those that have waited for this answer. */
  answered(now: Millis, id: RequestId, word: CallerWord, validMs: Millis): readonly T[] {
    const key = this.open.take(id)
    if (key === undefined) return []
    const waiting = this.over(key)
    this.answers.set(key, { word, until: now + validMs })
    return waiting
  }

  nextDeadline(): Millis {
    return this.open.nextDeadline()
  }

  /** Those that have waited for answers which will not come. */
  expire(now: Millis): readonly T[] {
    const given: T[] = []
    for (let lost = this.open.overdue(now); lost !== undefined; lost = this.open.overdue(now)) {
      given.push(...this.over(lost))
    }
    return given
  }

  /** A question is over: those that have waited for it. */
  private over(key: string): readonly T[] {
    const waiting = this.asked.get(key)
    if (waiting === undefined) return []
    this.asked.delete(key)
    const peer = key.slice(0, key.indexOf(' '))
    const left = (this.askedBy.get(peer) ?? 1) - 1
    if (left > 0) this.askedBy.set(peer, left)
    else this.askedBy.delete(peer)
    return waiting
  }

  /** AOR of a caller who claims to be of a hosted domain. */
  private hostedCaller(message: SipMessage): string | undefined {
    const { parsedUri } = message.from
    // His own node knows whether a port is part of the name; here it says nothing (docs/adr/0037).
    const from = parsedUri === undefined ? undefined : canonicalAor({ ...parsedUri, port: undefined })
    if (from?.ok !== true) return undefined
    return this.own.isHostedDomain(from.value.slice(from.value.lastIndexOf('@') + 1)) ? from.value : undefined
  }

  /** What is known now; when that is nothing, undefined, and the question is put, unless too much is asked already. */
  private known(now: Millis, peer: string, aor: string): CallerWord | undefined {
    const key = keyOf(peer, aor)
    const answer = this.answers.get(key)
    if (answer !== undefined && answer.until > now) return answer.word
    if (this.asked.has(key)) return undefined
    const ofPeer = this.askedBy.get(peer) ?? 0
    if (this.asked.size >= QUESTIONS_MAX || ofPeer >= QUESTIONS_OF_PEER_MAX) return 'unknown'
    this.asked.set(key, [])
    this.askedBy.set(peer, ofPeer + 1)
    this.open.ask(this.ask(aor, peer), key, now + this.budgetMs + ANSWER_GRACE_MS)
    return undefined
  }
}

const VERIFIED: Judgement = { kind: 'verified' }
const STRANGER: Judgement = { kind: 'stranger' }
const JUDGEMENTS: Readonly<Record<CallerWord, Judgement>> = {
  verified: VERIFIED,
  unverified: { kind: 'unverified' },
  unknown: { kind: 'unknown' },
}

function keyOf(peer: string, aor: string): string {
  return `${peer} ${aor}`
}
