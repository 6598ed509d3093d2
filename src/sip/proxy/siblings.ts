/**
 * A phone that has registered at several peers is a target at each of them: it is rung by one, and the others wait until that one has
 * failed (M-31, docs/adr/0019). Marks say which phones a target rings.
 */

/** What a target has to say of its phones. */
export interface MarkedTarget {
  readonly key: string
  /** Marks of the phones that it rings; undefined when they are not known. */
  readonly marks?: readonly string[] | undefined
  /** Marks of phones there that others ring. */
  readonly except?: readonly string[] | undefined
}

/** A final answer after which another peer may still reach the phone (adapter-mapping s.8.1). All others are the phone's own. */
export function mayHaveMissed(status: number): boolean {
  return status === 408 || status === 430 || status === 480 || status === 503
}

export class Siblings<T extends MarkedTarget> {
  /** By mark: the targets that ring that phone now, or will without anything failing. */
  private readonly ringing = new Map<string, Set<T>>()
  private spare: T[] = []
  /** Have taken the place of another. */
  private standIns: Set<T> | undefined = undefined
  private putBackOnce: Set<string> | undefined = undefined

  /**
   * What of a target is to be tried at once: all, what others do not ring already, or nothing (undefined). `whole` targets are never kept back.
   */
  admit(target: T, whole: boolean): T | undefined {
    const { marks = NO_MARKS } = target
    const rung = whole ? NO_MARKS : marks.filter((mark) => this.ringing.has(mark))
    if (rung.length === 0) {
      this.ring(target)
      return target
    }
    if (rung.length === marks.length) {
      this.spare.push(target)
      return undefined
    }
    const free = marks.filter((mark) => !rung.includes(mark))
    const rest = this.part(target, free, this.spare)
    this.ring(rest)
    return rest
  }

  /** It is not going to be tried: another one stands for its phone here. */
  forget(target: T): void {
    for (const mark of target.marks ?? NO_MARKS) {
      const others = this.ringing.get(mark)
      others?.delete(target)
      if (others?.size === 0) this.ringing.delete(mark)
    }
  }

  /** Somebody could ring phones of this target in its place. */
  hasFor(target: T): boolean {
    return this.spare.some((other) => overlaps(other, target))
  }

  /** The target does not ring its phones: those that do it instead, in the order in which they were added. */
  takeFor(failed: T): T[] {
    this.forget(failed)
    const lost = new Set((failed.marks ?? NO_MARKS).filter((mark) => !this.ringing.has(mark)))
    const taken: T[] = []
    const spare: T[] = []
    for (const target of this.spare) {
      const { marks = NO_MARKS } = target
      const free = marks.filter((mark) => !this.ringing.has(mark))
      if (!free.some((mark) => lost.has(mark))) {
        spare.push(target)
        continue
      }
      const standIn = free.length === marks.length ? target : this.part(target, free, spare)
      this.ring(standIn)
      this.standIns ??= new Set()
      this.standIns.add(standIn)
      taken.push(standIn)
    }
    this.spare = spare
    return taken
  }

  /** A target that was too slow may be tried once more when all others have failed. */
  putBack(target: T): void {
    if (this.putBackOnce?.has(target.key) === true) return
    this.putBackOnce ??= new Set()
    this.putBackOnce.add(target.key)
    this.spare.push(target)
  }

  isStandIn(target: T): boolean {
    return this.standIns?.has(target) === true
  }

  clear(): void {
    this.spare = []
  }

  /** A target for those of its phones that nobody rings; one for the others stays in `spare`. */
  private part(target: T, free: readonly string[], spare: T[]): T {
    const { marks = NO_MARKS, except = NO_MARKS } = target
    const rung = marks.filter((mark) => !free.includes(mark))
    spare.push({ ...target, marks: rung, except: [...except, ...free] })
    return { ...target, marks: free, except: [...except, ...rung] }
  }

  private ring(target: T): void {
    for (const mark of target.marks ?? NO_MARKS) {
      const others = this.ringing.get(mark)
      if (others === undefined) this.ringing.set(mark, new Set([target]))
      else others.add(target)
    }
  }
}

const NO_MARKS: readonly string[] = []

/** Both ring the same phone. */
export function overlaps({ marks = NO_MARKS }: MarkedTarget, other: MarkedTarget): boolean {
  return marks.some((mark) => other.marks?.includes(mark) === true)
}
