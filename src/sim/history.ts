/**
 * What one user's entry in the overlay may be at any moment: the last state that was acknowledged, and whatever is on
 * its way or ended without an answer since. A lookup is judged by everything that was possible while it lasted.
 */
import type { Millis } from '../common/time.ts'

/** Node-ID of the peer that the entry points to, or that there is none. */
export type EntryState = string

export const ABSENT: EntryState = ''

export type Verdict = 'right' | 'stale' | 'missing' | 'wrong'

/** A Store that was answered. */
export interface Acknowledged {
  readonly storageTime: bigint
  /** Whoever answered could not know of earlier writes, so a smaller storage_time than theirs was accepted. */
  readonly unaware: boolean
}

/** A lookup under way. */
export interface Question {
  readonly acceptable: Set<EntryState>
  readonly startedAt: Millis
}

export class History {
  /** Undefined before the first acknowledged write. */
  acknowledged: EntryState | undefined
  acknowledgedAt: Millis = 0
  /** The greatest storage_time that was acknowledged, and when. */
  private greatest: { readonly storageTime: bigint; readonly at: Millis } | undefined
  /** Of the last acknowledged write, when it was made where earlier ones were not known. */
  private unaware: bigint | undefined
  private possible = new Set<EntryState>([ABSENT])
  private readonly written = new Set<EntryState>([ABSENT])
  private readonly questions = new Set<Question>()

  /** From now on the entry may be that. */
  begin(state: EntryState): void {
    this.written.add(state)
    this.possible.add(state)
    for (const question of this.questions) question.acceptable.add(state)
  }

  /** From now on it is that and nothing else, until the next write begins. */
  acknowledge(state: EntryState, now: Millis, store?: Acknowledged): void {
    this.acknowledged = state
    this.acknowledgedAt = now
    this.unaware = store?.unaware === true ? store.storageTime : undefined
    if (store !== undefined && store.storageTime >= (this.greatest?.storageTime ?? 0n))
      this.greatest = { storageTime: store.storageTime, at: now }
    this.possible = new Set([state])
  }

  /** When a write was acknowledged that a Store with that storage_time should not have replaced; undefined when none was. */
  replacedAgainstTime(storageTime: bigint): Millis | undefined {
    return this.greatest !== undefined && this.greatest.storageTime > storageTime
      ? this.greatest.at
      : undefined
  }

  /** Only one state is possible now. */
  get certain(): boolean {
    return this.acknowledged !== undefined && this.possible.size === 1
  }

  /**
   * Whether what was found instead was to win: the last write was made by somebody with a slow clock, on one side of a split
   * ring or after everybody who had the earlier one had died at once. Wherever the two meet, in the ring or in the memory
   * of who fetched the earlier one, the greater storage_time stands (RFC 6940 s.7.4.1.1, s.13.5.3).
   */
  outranked(found: bigint | undefined): boolean {
    return this.unaware !== undefined && found !== undefined && found > this.unaware
  }

  ask(now: Millis): Question {
    const question = { acceptable: new Set(this.possible), startedAt: now }
    this.questions.add(question)
    return question
  }

  forget(question: Question): void {
    this.questions.delete(question)
  }

  judge(question: Question, found: EntryState): Verdict {
    this.questions.delete(question)
    if (question.acceptable.has(found)) return 'right'
    if (found === ABSENT) return 'missing'
    return this.written.has(found) ? 'stale' : 'wrong'
  }
}
