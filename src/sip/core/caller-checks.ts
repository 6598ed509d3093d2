/**
 * M-22: whether a peer may name a user as the caller. The user has said so when his registration in the overlay names that
 * peer; the answer is asked for beside the call and serves the calls that follow. Bounded in answers and in questions.
 */
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { canonicalAor, type SipMessage } from '../message/index.ts'
import { NO_IDENTITY, type CallerIdentity, type OwnIdentity } from '../proxy/index.ts'
import { believedIdentity, vouchedIdentity } from './caller-identity.ts'
import type { RequestId } from './contract.ts'

/** Answers remembered; beyond that the oldest is forgotten. */
const ANSWERS_MAX = 10_000
/** Questions under way. A peer that makes up callers gets no more work out of the overlay than this. */
const QUESTIONS_MAX = 100
/** The owner keeps the budget; only when it is silent for this long beyond it is a question given up. */
const ANSWER_GRACE_MS: Millis = 1_000

interface Answer {
  readonly verified: boolean
  readonly until: Millis
}

export class CallerChecks {
  private readonly own: OwnIdentity
  private readonly ask: (aor: string, peer: string) => RequestId
  private readonly policy: 'tag' | 'off'
  private readonly budgetMs: Millis
  private readonly answers = new Map<string, Answer>()
  private readonly open = new OpenQuestions<string>()
  private readonly asked = new Set<string>()

  constructor(
    components: { readonly own: OwnIdentity; readonly ask: (aor: string, peer: string) => RequestId },
    init: { readonly policy: 'tag' | 'off'; readonly budgetMs: Millis },
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
    const from = canonicalAor(message.from.parsedUri ?? message.from.uri)
    if (!from.ok || !this.own.isHostedDomain(from.value.slice(from.value.lastIndexOf('@') + 1)))
      return NO_IDENTITY
    const claimed = vouchedIdentity(message, from.value)
    if (claimed === NO_IDENTITY) return NO_IDENTITY
    return user === from.value || this.verified(now, peer, from.value) ? claimed : NO_IDENTITY
  }

  /** What is known now; when that is nothing, false, and the question is put. */
  private verified(now: Millis, peer: string, aor: string): boolean {
    const key = `${peer} ${aor}`
    const answer = this.answers.get(key)
    if (answer !== undefined && answer.until > now) return answer.verified
    if (!this.asked.has(key) && this.asked.size < QUESTIONS_MAX) {
      this.asked.add(key)
      this.open.ask(this.ask(aor, peer), key, now + this.budgetMs + ANSWER_GRACE_MS)
    }
    return false
  }

  answered(now: Millis, id: RequestId, verified: boolean, validMs: Millis): void {
    const key = this.open.take(id)
    if (key === undefined) return
    this.asked.delete(key)
    this.answers.delete(key)
    if (this.answers.size >= ANSWERS_MAX) {
      const oldest = this.answers.keys().next()
      if (oldest.done !== true) this.answers.delete(oldest.value)
    }
    this.answers.set(key, { verified, until: now + validMs })
  }

  nextDeadline(): Millis {
    return this.open.nextDeadline()
  }

  expire(now: Millis): void {
    for (let lost = this.open.overdue(now); lost !== undefined; lost = this.open.overdue(now))
      this.asked.delete(lost)
  }
}
