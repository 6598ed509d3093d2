/**
 * What one user's entry in the overlay may be at any moment: the last state that was acknowledged, and whatever is on
 * its way or ended without an answer since. A lookup is judged by everything that was possible while it lasted.
 */
import type { Millis } from '../common/time.ts'

/** Node-ID of the peer that the entry points to, or that there is none. */
export type EntryState = string

export const ABSENT: EntryState = ''

export type Verdict = 'right' | 'stale' | 'missing' | 'wrong'

/** A lookup under way. */
export interface Question {
  readonly acceptable: Set<EntryState>
  readonly startedAt: Millis
}

export class History {
  /** Undefined before the first acknowledged write. */
  acknowledged: EntryState | undefined
  acknowledgedAt: Millis = 0
  /** Of the last acknowledged write, when it was made on one side of a ring that was split. */
  private apart: bigint | undefined
  private possible = new Set<EntryState>([ABSENT])
  private readonly written = new Set<EntryState>([ABSENT])
  private readonly questions = new Set<Question>()

  /** From now on the entry may be that. */
  begin(state: EntryState): void {
    this.written.add(state)
    this.possible.add(state)
    for (const question of this.questions) question.acceptable.add(state)
  }

  /**
   * From now on it is that and nothing else, until the next write begins. `apart` is its storage_time when somebody else
   * owned the resource too, on the other side of a split ring.
   */
  acknowledge(state: EntryState, now: Millis, apart?: bigint): void {
    this.acknowledged = state
    this.acknowledgedAt = now
    this.apart = apart
    this.possible = new Set([state])
  }

  /** Only one state is possible now. */
  get certain(): boolean {
    return this.acknowledged !== undefined && this.possible.size === 1
  }

  /**
   * Whether what was found instead was to win: the last write was made on one side of a split ring by somebody with a slow
   * clock, and when the ring is whole again the greater storage_time stands (RFC 6940 s.7.4.1.1).
   */
  outranked(found: bigint | undefined): boolean {
    return this.apart !== undefined && found !== undefined && found > this.apart
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
