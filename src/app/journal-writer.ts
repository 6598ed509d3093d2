/**
 * Group commit: records of all steps that happen while one write is under way go to disk together with the next, and each
 * step hears `persisted` once its records are there.
 */
import { Histogram, SECONDS_BUCKETS, Tally } from '../common/instruments.ts'
import type { Trace } from '../common/trace.ts'
import type { JournalOperation } from '../reload/index.ts'

/** The part of a journal that is used here. */
export interface JournalPort {
  write(operations: readonly JournalOperation[]): Promise<void>
}

export class JournalWriter {
  readonly writeSeconds = new Histogram(SECONDS_BUCKETS, [''])
  readonly failures = new Tally([''])
  private readonly journal: JournalPort
  private readonly persisted: (token: number) => void
  private readonly trace: Trace
  private operations: JournalOperation[] = []
  private tokens: number[] = []
  private running: Promise<void> | undefined
  private lastFailure: string | undefined

  constructor(journal: JournalPort, persisted: (token: number) => void, trace: Trace) {
    this.journal = journal
    this.persisted = persisted
    this.trace = trace
  }

  /** Undefined while the disk takes what it is given. */
  get fault(): string | undefined {
    return this.lastFailure
  }

  /** Steps whose records are not on disk yet, without those of the write under way. */
  get waiting(): number {
    return this.tokens.length
  }

  write(token: number, operations: readonly JournalOperation[]): void {
    for (const operation of operations) this.operations.push(operation)
    this.tokens.push(token)
    this.running ??= this.run()
  }

  /** Resolves when everything given so far is written. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  private async run(): Promise<void> {
    // One turn of the event loop: steps of the same turn share a batch.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.tokens.length > 0) {
      const { operations, tokens } = this
      this.operations = []
      this.tokens = []
      const started = performance.now()
      try {
        await this.journal.write(operations)
        this.lastFailure = undefined
      } catch (error) {
        // Never told `persisted`: the stores of this batch run into their deadline and are answered as failed.
        const reason = error instanceof Error ? error.message : String(error)
        this.lastFailure = reason
        this.failures.add()
        this.trace({ level: 'error', area: 'app', event: 'journal_write_failed', reason })
        continue
      }
      this.writeSeconds.observe((performance.now() - started) / 1000)
      for (const token of tokens) this.persisted(token)
    }
    this.running = undefined
  }
}
