/**
 * What the way between two hosts is like at this moment: how long it takes, whether anything passes, and what happens
 * to one delivery. All of it from the seed.
 */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import type { Faults } from './faults.ts'

/** A host on the square of the latency matrix. */
export interface Place {
  readonly name: string
  readonly x: number
  readonly y: number
}

interface Cut {
  readonly from: Set<string>
  readonly to: Set<string>
  /** Neither direction passes. */
  readonly bothWays: boolean
}

export class Conditions {
  faults: Faults
  private readonly random: Random
  private cuts: Cut[] = []
  private readonly clogs = new Map<string, Millis>()

  constructor(random: Random, faults: Faults) {
    this.random = random
    this.faults = faults
  }

  place(name: string): Place {
    // By name and not by turn, so that one more host moves no other.
    const random = this.random.fork(name)
    const place = { name, x: random.float(), y: random.float() }
    // Whoever comes while the network is split is on one side of it.
    for (const { from, to, bothWays } of this.cuts) {
      if (!bothWays || from.has(name) || to.has(name)) continue
      const side = random.float() * (from.size + to.size) < from.size ? from : to
      side.add(name)
    }
    return place
  }

  /** Nothing passes from the ones to the others, in silence, nor back when it is cut both ways. */
  cut(from: readonly string[], to: readonly string[], bothWays: boolean): void {
    this.cuts.push({ from: new Set(from), to: new Set(to), bothWays })
  }

  mend(): void {
    this.cuts = []
    this.clogs.clear()
  }

  /** Whatever is sent from the one to the other is held back until then. */
  clog(from: string, to: string, until: Millis): void {
    this.clogs.set(`${from}>${to}`, until)
  }

  isCut(from: Place, to: Place): boolean {
    for (const cut of this.cuts) {
      if (cut.from.has(from.name) && cut.to.has(to.name)) return true
      if (cut.bothWays && cut.to.has(from.name) && cut.from.has(to.name)) return true
    }
    return false
  }

  /** What is on its way from the one to the other stays there for now. */
  isClogged(now: Millis, from: Place, to: Place): boolean {
    return this.clogs.size > 0 && now < (this.clogs.get(`${from.name}>${to.name}`) ?? 0)
  }

  /** From the one to the other, this time. */
  latency(from: Place, to: Place): Millis {
    const { latencyMs, jitterMs, spreadMs } = this.faults
    const base = latencyMs + this.random.float() * jitterMs
    return spreadMs === 0 ? base : base + spreadMs * Math.hypot(from.x - to.x, from.y - to.y) * Math.SQRT1_2
  }

  /** When a segment that leaves now arrives; TCP has made good what was lost on the way. */
  arrival(now: Millis, from: Place, to: Place): Millis {
    const { lossChance, retransmitMs, overtakeChance, overtakeMs } = this.faults
    let at = now + this.latency(from, to)
    if (this.happens(lossChance)) at += retransmitMs
    if (this.happens(overtakeChance)) at += overtakeMs
    return at
  }

  breaks(): boolean {
    return this.happens(this.faults.resetChance)
  }

  repeats(): boolean {
    return this.happens(this.faults.duplicateChance)
  }

  private happens(chance: number): boolean {
    return chance > 0 && this.random.float() < chance
  }
}
