/**
 * When which peer was there: for the one excuse a lost value has. Nothing that was acknowledged may be lost while fewer
 * peers of a neighborhood die between two stabilizations than there are copies.
 */
import { NEVER, type Millis } from '../common/time.ts'

/** Owner and two replicas (RFC 6940 s.10.4). */
export const COPIES = 3

/** Judgement: detection of a silent peer, hold-down and the new copies together take less than that. */
export const STABILIZATION_MS = 30_000

/** Three predecessors, the owner, three successors: everybody who has the copies or gets them next. */
const NEIGHBORHOOD_BEHIND = 3
const NEIGHBORHOOD_AHEAD = 4

interface Life {
  readonly id: string
  readonly from: Millis
  until: Millis
  /** Not by a Leave, which hands over first. */
  died: boolean
}

export class Lives {
  private readonly all: Life[] = []
  private readonly current = new Map<string, Life>()

  begin(id: string, now: Millis): void {
    const life = { id, from: now, until: NEVER, died: false }
    this.all.push(life)
    this.current.set(id, life)
  }

  end(id: string, now: Millis, died: boolean): void {
    const life = this.current.get(id)
    if (life === undefined) return
    life.until = now
    life.died = died
    this.current.delete(id)
  }

  /** Whether since then as many peers around that id died within one stabilization as there are copies. */
  excuses(id: string, since: Millis): boolean {
    const deaths = this.all
      .filter(({ died, until }) => died && until >= since)
      .sort((a, b) => a.until - b.until)
    return deaths.some((first) => this.deadAround(id, deaths, first.until) >= COPIES)
  }

  private deadAround(id: string, deaths: readonly Life[], from: Millis): number {
    const through = from + STABILIZATION_MS
    const dead = deaths.filter(({ until }) => until >= from && until <= through)
    if (dead.length < COPIES) return 0
    // Who restarted in that time has two lives and one place in the ring.
    const there = this.all.filter((life) => life.from <= through && life.until >= from)
    const present = [...new Set(there.map((life) => life.id))].sort()
    const found = present.findIndex((each) => each >= id)
    const owner = found < 0 ? 0 : found
    const around = new Set<string>()
    for (let step = -NEIGHBORHOOD_BEHIND; step < NEIGHBORHOOD_AHEAD; step++) {
      const each = present[(owner + step + present.length * NEIGHBORHOOD_BEHIND) % present.length]
      if (each !== undefined) around.add(each)
    }
    return new Set(dead.filter((life) => around.has(life.id)).map((life) => life.id)).size
  }
}
