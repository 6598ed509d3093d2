/**
 * First in, first out, at the same cost however many wait: an array's own `shift` moves all the others once there are many, and a
 * Set whose first is deleted again and again is walked over its holes each time.
 */
const COMPACT_FROM = 1024

export class Fifo<T> {
  private values: T[] = []
  private head = 0

  get length(): number {
    return this.values.length - this.head
  }

  push(value: T): void {
    this.values.push(value)
  }

  /** Takes out the one that has waited longest; undefined when nobody waits. */
  shift(): T | undefined {
    if (this.head === this.values.length) return undefined
    const value = this.values[this.head++] as T
    if (this.head === this.values.length) {
      this.values = []
      this.head = 0
    } else if (this.head >= COMPACT_FROM && this.head * 2 >= this.values.length) {
      this.values = this.values.slice(this.head)
      this.head = 0
    }
    return value
  }
}
