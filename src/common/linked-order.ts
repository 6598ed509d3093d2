/** What lies in a `LinkedOrder`, and in no more than one. Only the order itself writes these. */
export interface Linked<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * The order in which things came or were last used, as links between them. A Map keeps such an order too, but whoever takes its first
 * entry out again and again steps over the holes of all those that went before.
 */
export class LinkedOrder<T extends Linked<T>> {
  private first: T | undefined = undefined
  private last: T | undefined = undefined

  get oldest(): T | undefined {
    return this.first
  }

  get newest(): T | undefined {
    return this.last
  }

  /** Enters what is not in it yet, as the newest. */
  append(entry: T): void {
    const { last } = this
    entry.older = last
    entry.newer = undefined
    if (last === undefined) this.first = entry
    else last.newer = entry
    this.last = entry
  }

  /** Takes out what is in it. */
  remove(entry: T): void {
    const { older, newer } = entry
    if (older === undefined) this.first = newer
    else older.newer = newer
    if (newer === undefined) this.last = older
    else newer.older = older
    entry.older = undefined
    entry.newer = undefined
  }

  /** Makes what is in it the newest. */
  renew(entry: T): void {
    if (entry === this.last) return
    this.remove(entry)
    this.append(entry)
  }
}
