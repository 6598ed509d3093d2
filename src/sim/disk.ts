import type { JournalOperation } from '../reload/index.ts'

/** The disk of a simulated host: what its journal wrote survives the host's lives. */
export class Disk {
  private readonly kept = new Map<string, Uint8Array>()
  /** What it did not take while it was full; undefined while it takes everything. */
  private unwritten: JournalOperation[] | undefined

  get records(): (readonly [string, Uint8Array])[] {
    return [...this.kept]
  }

  /** False when there is no room: the shell of the host then keeps what it was given. */
  write(operations: readonly JournalOperation[]): boolean {
    if (this.unwritten !== undefined) {
      this.unwritten.push(...operations)
      return false
    }
    for (const operation of operations) {
      if (operation.kind === 'put') this.kept.set(operation.key, operation.value)
      else this.kept.delete(operation.key)
    }
    return true
  }

  /** It takes nothing from now on. */
  fill(): void {
    this.unwritten ??= []
  }

  /** There is room again, and what could not be written is written. False when there was room all the time. */
  makeRoom(): boolean {
    const operations = this.unwritten
    if (operations === undefined) return false
    this.unwritten = undefined
    return this.write(operations)
  }

  /** Another life of the host begins: there is room, and what its last shell kept is lost. */
  restarted(): void {
    this.unwritten = undefined
  }

  /** A new disk. */
  wipe(): void {
    this.kept.clear()
  }

  /** Turns one byte of a record around; false when there is no such record. */
  damage(key: string): boolean {
    const record = this.kept.get(key)?.slice()
    if (record === undefined) return false
    const middle = record.length >> 1
    record[middle] = (record[middle] ?? 0) ^ 0xff
    this.kept.set(key, record)
    return true
  }
}
