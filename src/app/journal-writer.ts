/**
 * Group commit: records of all steps that happen while one write is under way go to disk together with the next, and each
 * step hears `persisted` once its records are there. What the disk does not take is kept and tried again.
 */
import { Histogram, SECONDS_BUCKETS, Tally } from '../common/instruments.ts'
import type { Trace } from '../common/trace.ts'
import type { JournalOperation, PeerInput } from '../reload/index.ts'

/** The part of a journal that is used here. */
export interface JournalPort {
  write(operations: readonly JournalOperation[]): Promise<void>
}

/** What the machine is told of its records. */
export type JournalOutcome = Extract<PeerInput, { kind: 'persisted' | 'notPersisted' | 'journalWritable' }>

/** Judgement: how long phones are refused after there is room again. */
const RETRY_MS = 2_000

/** Judgement: a disk that is silent for longer is as good as full. Who waits for an answer has not given up by then. */
const SILENT_MS = 5_000

/** Judgement: what the records of one batch may keep a turn of the event loop busy with before phones are served again. */
const CONFIRMING_MS = 8

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export class JournalWriter {
  readonly writeSeconds = new Histogram(SECONDS_BUCKETS, [''])
  readonly failures = new Tally([''])
  private readonly journal: JournalPort
  private readonly tell: (outcome: JournalOutcome) => void
  private readonly trace: Trace
  private readonly retryMs: number
  private readonly silentMs: number
  /** The last word on each record that is not on disk yet: no more than there are records, however long the disk is full. */
  private records = new Map<string, JournalOperation>()
  private tokens: number[] = []
  private running: Promise<void> | undefined
  private lastFailure: string | undefined
  private retry: NodeJS.Timeout | undefined
  /** The write under way has had no answer for so long that nobody waits for it any more. */
  private silent = false
  /** Some of `records` were refused: the machine is not to believe that they are on the disk before they are. */
  private owed = false
  /** The machine has been told that the disk does not take what it is given. */
  private refusing = false
  private stopped = false

  constructor(
    journal: JournalPort,
    tell: (outcome: JournalOutcome) => void,
    trace: Trace,
    {
      retryMs = RETRY_MS,
      silentMs = SILENT_MS,
    }: { readonly retryMs?: number; readonly silentMs?: number } = {},
  ) {
    this.journal = journal
    this.tell = tell
    this.trace = trace
    this.retryMs = retryMs
    this.silentMs = silentMs
  }

  /** Undefined while the disk takes what it is given. */
  get fault(): string | undefined {
    return this.lastFailure
  }

  /** Records that are not on disk yet, without those of the write under way. */
  get waiting(): number {
    return this.records.size
  }

  write(token: number, operations: readonly JournalOperation[]): void {
    for (const operation of operations) this.records.set(operation.key, operation)
    if (this.retry !== undefined || this.silent) {
      this.owed = true
      return this.refuse([token])
    }
    this.tokens.push(token)
    this.running ??= this.run()
  }

  /** Resolves when no write is under way; what failed then waits for the next try. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  /** A last try for what is not on disk, and then no more. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.retry)
    this.retry = undefined
    await this.idle()
    if (this.records.size === 0) return
    await this.batch()
    if (this.records.size === 0) return
    const { lastFailure: reason, records } = this
    this.trace({ level: 'error', area: 'app', event: 'journal_incomplete', records: records.size, reason })
  }

  private async run(): Promise<void> {
    // One turn of the event loop: steps of the same turn share a batch.
    await turn()
    do await this.batch()
    while (this.records.size > 0 && this.lastFailure === undefined)
    this.running = undefined
    if (this.lastFailure === undefined || this.stopped) return
    this.refuse(this.tokens.splice(0))
    this.retry = setTimeout(() => {
      this.retry = undefined
      this.running ??= this.run()
    }, this.retryMs)
  }

  private async batch(): Promise<void> {
    const { records, tokens } = this
    this.records = new Map()
    this.tokens = []
    this.owed = false
    const started = performance.now()
    const silence = setTimeout(() => this.gaveUp(tokens), this.silentMs)
    try {
      await this.journal.write([...records.values()])
    } catch (error) {
      clearTimeout(silence)
      this.failed(records, this.heard(tokens), error instanceof Error ? error.message : String(error))
      return
    }
    clearTimeout(silence)
    this.writeSeconds.observe((performance.now() - started) / 1000)
    if (this.lastFailure !== undefined)
      this.trace({ level: 'info', area: 'app', event: 'journal_written_again', records: records.size })
    this.lastFailure = undefined
    await this.confirm(this.heard(tokens))
    if (!this.refusing || this.owed || this.lastFailure !== undefined) return
    this.refusing = false
    this.tell({ kind: 'journalWritable' })
  }

  /** Each has an answer to sign and to send: phones shall not wait until thousands are done. */
  private async confirm(tokens: readonly number[]): Promise<void> {
    let turnBegan = performance.now()
    for (const token of tokens) {
      this.tell({ kind: 'persisted', token })
      if (performance.now() - turnBegan < CONFIRMING_MS) continue
      await turn()
      turnBegan = performance.now()
    }
  }

  private failed(records: Map<string, JournalOperation>, tokens: readonly number[], reason: string): void {
    // What was said of a record meanwhile is newer.
    this.records = new Map([...records, ...this.records])
    this.failsBy(reason)
    this.refuse(tokens)
  }

  private failsBy(reason: string): void {
    this.failures.add()
    // The same sentence every few seconds helps nobody.
    if (this.lastFailure !== reason)
      this.trace({ level: 'error', area: 'app', event: 'journal_write_failed', reason })
    this.lastFailure = reason
  }

  /** A disk that neither takes nor refuses, as one that is frozen or a server that is away: there may be an answer in the end. */
  private gaveUp(tokens: readonly number[]): void {
    this.silent = true
    this.failsBy(`the disk has not answered for ${this.silentMs / 1000} s`)
    this.refuse([...tokens, ...this.tokens.splice(0)])
  }

  /** It has answered now; those of a write that nobody waited for any more have been refused. */
  private heard(tokens: readonly number[]): readonly number[] {
    const { silent } = this
    this.silent = false
    return silent ? [] : tokens
  }

  private refuse(tokens: readonly number[]): void {
    if (tokens.length > 0) this.refusing = true
    for (const token of tokens) this.tell({ kind: 'notPersisted', token })
  }
}
