import { ClassicLevel } from 'classic-level'
import { RingbridgeError } from '../../common/errors.ts'
import type { Journal, JournalOperation } from '../storage/journal.ts'
import { makeFolder } from './make-folder.ts'

export interface LevelJournalOptions {
  /**
   * Wait for the disk, not only for the operating system. Without it a record survives the death of the process, not
   * that of the machine; the replicas on other machines and the next refresh make up for that, and it is much faster.
   */
  readonly sync?: boolean
}

/** Codes of classic-level for what people can do something about, with what to tell them. */
const OPEN_FAILURES: ReadonlyMap<string, string> = new Map([
  ['LEVEL_LOCKED', 'is in use by another process'],
  ['LEVEL_CORRUPTION', 'is damaged; move it away to start with an empty one'],
])

/** The journal in a folder of its own, as a LevelDB. */
export class LevelJournal implements Journal {
  private readonly folder: string
  private readonly database: ClassicLevel<string, Uint8Array>
  private readonly sync: boolean
  /** The batch before the next one, done or failed: two at once may change places in the pool of threads. */
  private last: Promise<unknown> = Promise.resolve()

  private constructor(folder: string, database: ClassicLevel<string, Uint8Array>, sync: boolean) {
    this.folder = folder
    this.database = database
    this.sync = sync
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
    const database = new ClassicLevel<string, Uint8Array>(folder, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
    })
    try {
      await database.open()
    } catch (cause) {
      throw new RingbridgeError('journal_open_failed', `the journal ${folder} ${openFailure(cause)}`, {
        cause,
      })
    }
    return new LevelJournal(folder, database, options.sync ?? false)
  }

  async *load(): AsyncIterable<readonly [string, Uint8Array]> {
    try {
      for await (const [key, value] of this.database.iterator()) yield [key, value]
    } catch (cause) {
      throw this.failure('journal_read_failed', 'cannot be read', cause)
    }
  }

  async write(operations: readonly JournalOperation[]): Promise<void> {
    const batch = operations.map((operation) =>
      operation.kind === 'put'
        ? { type: 'put' as const, key: operation.key, value: operation.value }
        : { type: 'del' as const, key: operation.key },
    )
    const done = this.last.then(() => this.database.batch(batch, { sync: this.sync }))
    this.last = done.catch(() => undefined)
    try {
      await done
    } catch (cause) {
      throw this.failure('journal_write_failed', 'cannot be written', cause)
    }
  }

  async close(): Promise<void> {
    await this.last
    await this.database.close()
  }

  private failure(code: string, what: string, cause: unknown): RingbridgeError {
    if (this.database.status !== 'open') {
      return new RingbridgeError('journal_closed', `the journal ${this.folder} is closed`, { cause })
    }
    return new RingbridgeError(code, `the journal ${this.folder} ${what}: ${reasonOf(cause)}`, { cause })
  }
}

function openFailure(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  return OPEN_FAILURES.get(code) ?? `cannot be opened: ${reasonOf(inner)}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
