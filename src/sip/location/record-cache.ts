/** Answers of name servers for as long as they are good, and no more of them than fit. Does no I/O. */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Millis } from '../../common/time.ts'
import type { RecordAnswer, RecordType } from './records.ts'

/** Answers remembered; beyond that the one that was asked for longest ago goes. */
export const CACHED_ANSWERS_MAX = 4_096
/** A TTL of weeks must not outlive a move to other servers. Judgement. */
const TTL_MS_MAX: Millis = 3_600_000

interface Entry {
  readonly answer: RecordAnswer<RecordType>
  readonly until: Millis
}

export class RecordCache {
  private readonly entries: BoundedCache<Entry>

  constructor(answersMax: number = CACHED_ANSWERS_MAX) {
    this.entries = new BoundedCache(answersMax)
  }

  get size(): number {
    return this.entries.size
  }

  find<T extends RecordType>(now: Millis, name: string, type: T): RecordAnswer<T> | undefined {
    const key = keyOf(name, type)
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until <= now) {
      this.entries.delete(key)
      return undefined
    }
    // The key holds the type.
    return entry.answer as RecordAnswer<T>
  }

  /** Failures are not kept: the next call may find the server back. */
  keep(now: Millis, name: string, type: RecordType, answer: RecordAnswer<RecordType>): void {
    if (answer.kind === 'failed' || answer.ttlS <= 0) return
    const until = now + Math.min(1000 * answer.ttlS, TTL_MS_MAX)
    this.entries.set(keyOf(name, type), { answer, until })
  }
}

function keyOf(name: string, type: RecordType): string {
  return `${type} ${name.toLowerCase()}`
}
