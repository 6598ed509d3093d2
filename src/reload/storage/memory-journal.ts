import { RingbridgeError } from '../../common/errors.ts'
import type { Journal, JournalOperation } from './journal.ts'

/** A journal that forgets at the end of the process: for simulations, tests and nodes without a data folder. */
export class MemoryJournal implements Journal {
  private readonly records: Map<string, Uint8Array>
  private closed = false

  /** `records` carries what an earlier journal held, as if the process had been started again. */
  constructor(records: Iterable<readonly [string, Uint8Array]> = []) {
    this.records = new Map(records)
  }

  /** A copy of every record. */
  entries(): [string, Uint8Array][] {
    return [...this.records]
  }

  load(): AsyncIterable<readonly [string, Uint8Array]> {
    const iterator = this.entries()[Symbol.iterator]()
    return { [Symbol.asyncIterator]: () => ({ next: () => this.open(() => iterator.next()) }) }
  }

  write(operations: readonly JournalOperation[]): Promise<void> {
    return this.open(() => {
      for (const operation of operations) {
        if (operation.kind === 'put') this.records.set(operation.key, operation.value.slice())
        else this.records.delete(operation.key)
      }
    })
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  private open<T>(action: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new RingbridgeError('journal_closed', 'the journal is closed'))
    return Promise.resolve(action())
  }
}
