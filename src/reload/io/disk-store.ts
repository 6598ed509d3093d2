import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { RingbridgeError } from '../../common/errors.ts'
import type { Millis } from '../../common/time.ts'
import type { Journal, JournalOperation } from '../storage/journal.ts'
import { expectReadableLogs, folderMark, hasLostLog } from './journal-folder.ts'
import { droppedBytes } from './level-log.ts'
import { makeFolder } from './make-folder.ts'

export interface LevelJournalOptions {
  /**
   * Wait for the disk, not only for the operating system. Without it a record survives the death of the process, not
   * that of the machine; the replicas on other machines and the next refresh make up for that, and it is much faster.
   */
  readonly sync?: boolean
  /**
   * How long to wait for another process to let go of the folder, and who is told that it has it. One that was killed a moment ago keeps it
   * until the disk has done what it was asked for last. Absent: not at all.
   */
  readonly whenLocked?: { readonly waitMs: Millis; readonly waiting: () => void }
  /** The folder was taken away under the open journal, and has been made again with so many records, those that could still be read. */
  readonly whenMadeAgain?: (records: number) => void
  /** How often it is looked for at most, when there is something to write. */
  readonly lookMs?: Millis
}

/** Judgement: what is acknowledged in one second may be lost if somebody removes the folder and the process dies in that second. */
const LOOK_MS = 1_000
/** Records of one batch when the folder is made again. */
const CARRIED_AT_ONCE = 1_000

const LOCKED = 'LEVEL_LOCKED'
const LOCKED_LOOK_MS = 100

const CORRUPTION = 'LEVEL_CORRUPTION'
/** What LevelDB says when one of its files is gone, which is damage, too. */
const FILE_GONE = /No such file or directory/
const MOVE_AWAY = 'move it away to start with an empty one, which other peers fill again'

/** The journal in a folder of its own, as a LevelDB. */
export class LevelJournal implements Journal {
  /** Of records that were damaged on disk, and are left out. */
  readonly droppedBytes: number
  /** It was opened without its log: what was written last is missing. */
  readonly lostLog: boolean
  private readonly folder: string
  private readonly database: ClassicLevel<string, Uint8Array>
  private readonly sync: boolean
  private readonly lookMs: Millis
  private readonly whenMadeAgain: (records: number) => void
  /** Of the folder that is written to. */
  private mark: string | undefined
  private lookedMs = performance.now()
  /** The batch before the next one, done or failed: two at once may change places in the pool of threads. */
  private last: Promise<unknown> = Promise.resolve()
  /**
   * A batch failed. What stands at the end of LevelDB's log then is unknown, and of what comes behind a torn record nothing
   * is read at the next start: only opening it again gives a log to go on with.
   */
  private torn = false
  /** What it held when its folder was found to be gone, until that is in the new one. */
  private carried: (readonly [string, Uint8Array])[] | undefined
  private closed = false

  private constructor(
    folder: string,
    database: ClassicLevel<string, Uint8Array>,
    found: { readonly dropped: number; readonly lostLog: boolean; readonly mark: string | undefined },
    options: LevelJournalOptions,
  ) {
    this.droppedBytes = found.dropped
    this.lostLog = found.lostLog
    this.mark = found.mark
    this.folder = folder
    this.database = database
    this.sync = options.sync ?? false
    this.lookMs = options.lookMs ?? LOOK_MS
    this.whenMadeAgain = options.whenMadeAgain ?? (() => undefined)
  }

  /** Opens the folder and makes it when it is missing. Throws RingbridgeError `journal_open_failed`. */
  static async open(folder: string, options: LevelJournalOptions = {}): Promise<LevelJournal> {
    try {
      // LevelDB's own way to make it never ends in some places (make-folder.ts).
      await makeFolder(folder)
    } catch (cause) {
      throw new RingbridgeError(
        'journal_open_failed',
        `the journal ${folder} cannot be made: ${reasonOf(cause)}`,
        {
          cause,
        },
      )
    }
    try {
      const lostLog = await hasLostLog(folder)
      await expectReadableLogs(folder)
      // Not before: it begins to open as soon as it is made.
      const database = new ClassicLevel<string, Uint8Array>(folder, {
        keyEncoding: 'utf8',
        valueEncoding: 'view',
      })
      await openUnlocked(database, options.whenLocked)
      const [dropped, mark] = await Promise.all([droppedBytes(folder), folderMark(folder)])
      return new LevelJournal(folder, database, { dropped, lostLog, mark }, options)
    } catch (cause) {
      throw new RingbridgeError(
        'journal_open_failed',
        `the journal ${folder} ${failing(cause, 'cannot be opened')}`,
        {
          cause,
        },
      )
    }
  }

  async *load(): AsyncIterable<readonly [string, Uint8Array]> {
    try {
      for await (const [key, value] of this.database.iterator()) yield [key, value]
    } catch (cause) {
      throw this.failure('journal_read_failed', failing(cause, 'cannot be read'), cause)
    }
  }

  async write(operations: readonly JournalOperation[]): Promise<void> {
    const batch = operations.map((operation) =>
      operation.kind === 'put'
        ? { type: 'put' as const, key: operation.key, value: operation.value }
        : { type: 'del' as const, key: operation.key },
    )
    const done = this.last.then(async () => {
      if (!this.closed) await this.standOnFiles()
      await this.database.batch(batch, { sync: this.sync })
    })
    this.last = done.catch(() => undefined)
    try {
      await done
    } catch (cause) {
      this.torn = true
      throw this.failure('journal_write_failed', `cannot be written: ${reasonOf(cause)}`, cause)
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await this.last
    await this.database.close()
  }

  /** Rejects, and leaves it to the next write, while there is nothing to write to. */
  private async standOnFiles(): Promise<void> {
    const now = performance.now()
    if (this.torn || now - this.lookedMs >= this.lookMs) {
      this.lookedMs = now
      if ((await folderMark(this.folder)) !== this.mark) await this.takeAlong()
    }
    if (this.torn) await this.reopen()
    if (this.carried !== undefined) await this.makeAgain(this.carried)
  }

  /** Whoever removes the folder leaves files without a name, which can be read until they are closed. */
  private async takeAlong(): Promise<void> {
    this.torn = true
    if (this.carried !== undefined) return
    const carried: (readonly [string, Uint8Array])[] = []
    this.carried = carried
    if (this.database.status !== 'open') return
    try {
      for await (const record of this.database.iterator()) carried.push(record)
    } catch {
      // A table that had not been opened yet is gone for good, with what is behind it in the order of keys: other peers have copies.
    }
  }

  /** Rejects while the disk has no room for a new log. */
  private async reopen(): Promise<void> {
    await this.database.close()
    await makeFolder(this.folder)
    await this.database.open()
    this.mark = await folderMark(this.folder)
    this.torn = false
  }

  private async makeAgain(records: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    for (let begin = 0; begin < records.length; begin += CARRIED_AT_ONCE) {
      const some = records.slice(begin, begin + CARRIED_AT_ONCE)
      await this.database.batch(some.map(([key, value]) => ({ type: 'put' as const, key, value })))
    }
    this.carried = undefined
    this.whenMadeAgain(records.length)
  }

  private failure(code: string, what: string, cause: unknown): RingbridgeError {
    if (this.closed) {
      return new RingbridgeError('journal_closed', `the journal ${this.folder} is closed`, { cause })
    }
    return new RingbridgeError(code, `the journal ${this.folder} ${what}`, { cause })
  }
}

/** Opens it as soon as nobody else has it, within the time there is. Throws what LevelDB says last. */
async function openUnlocked(
  database: ClassicLevel<string, Uint8Array>,
  whenLocked: LevelJournalOptions['whenLocked'],
): Promise<void> {
  const until = performance.now() + (whenLocked?.waitMs ?? 0)
  for (let tries = 1; ; tries++) {
    try {
      return await database.open()
    } catch (error) {
      if (codeOf(error) !== LOCKED || performance.now() >= until) throw error
      if (tries === 1) whenLocked?.waiting()
      await sleep(LOCKED_LOOK_MS)
    }
  }
}

/** What people can do something about comes with what to do. */
function failing(error: unknown, what: string): string {
  const reason = reasonOf(error)
  if (codeOf(error) === LOCKED) return 'is in use by another process'
  if (codeOf(error) === CORRUPTION || FILE_GONE.test(reason)) return `is damaged (${reason}); ${MOVE_AWAY}`
  return `${what}: ${reason}`
}

/** Of what LevelDB said. */
function codeOf(error: unknown): string {
  const inner = causeOf(error)
  return inner instanceof Error && 'code' in inner ? String(inner.code) : ''
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}

/** What classic-level says at the top ("Database failed to open") is less than what LevelDB said to it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
