import { chmod, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LevelJournal } from '../../../../src/reload/io/disk-store.ts'
import { hasLostLog } from '../../../../src/reload/io/journal-folder.ts'
import { MemoryJournal } from '../../../../src/reload/storage/memory-journal.ts'
import { alice, ALICE, peer, SINGLE, T0, texts } from './fixture.ts'
import { journalSuite } from './journal-suite.ts'

const folders: string[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ringbridge-journal-'))
  folders.push(path)
  return path
}

afterAll(async () => {
  for (const path of folders) {
    await chmod(path, 0o700)
    await rm(path, { recursive: true })
  }
})

describe('memory journal', () => {
  journalSuite(() => {
    let records: [string, Uint8Array][] = []
    const open = (): Promise<MemoryJournal> => {
      const journal = new MemoryJournal(records)
      const { close } = journal
      journal.close = () => {
        records = journal.entries()
        return close.call(journal)
      }
      return Promise.resolve(journal)
    }
    return Promise.resolve(open)
  })
})

describe('journal on disk', () => {
  journalSuite(async () => {
    const path = join(await folder(), 'made', 'when', 'missing')
    return () => LevelJournal.open(path)
  })

  it('gives back a whole table to a peer that was started again', async () => {
    const path = await folder()
    const before = peer()
    const outcome = before.put(alice)
    const first = await LevelJournal.open(path, { sync: true })
    await first.write(outcome.ok ? outcome.value.operations : [])
    await first.close()
    const second = await LevelJournal.open(path)
    const records: (readonly [string, Uint8Array])[] = []
    for await (const record of second.load()) records.push(record)
    await second.close()
    const back = peer()
    expect(back.storage.restore(T0, records)).toMatchObject({ values: 1, damaged: 0 })
    expect(texts(back.storage, ALICE, SINGLE)).toEqual([['', 'value']])
  })

  it('says that another process has it', async () => {
    const path = await folder()
    const journal = await LevelJournal.open(path)
    await expect(LevelJournal.open(path)).rejects.toMatchObject({
      code: 'journal_open_failed',
      message: `the journal ${path} is in use by another process`,
    })
    await journal.close()
    await (await LevelJournal.open(path)).close()
  })

  it('R-06 waits for one that was killed a moment ago to let go of it', async () => {
    const path = await folder()
    const dying = await LevelJournal.open(path)
    let told = 0
    const waiting = (): void => {
      told++
      void dying.close()
    }
    const journal = await LevelJournal.open(path, { whenLocked: { waitMs: 60_000, waiting } })
    expect(told).toBe(1)
    await journal.close()
  })

  it('says why a folder cannot be used', async () => {
    const file = join(await folder(), 'file')
    await writeFile(file, 'not a folder')
    const path = join(file, 'journal')
    await expect(LevelJournal.open(path)).rejects.toMatchObject({
      code: 'journal_open_failed',
      message: expect.stringContaining(`the journal ${path} cannot be made: `) as unknown,
    })
  })

  it.each(['/proc/nope/x', '/dev/null/x'])(
    'gives up at once where no folder can be made: %s',
    async (path) => {
      await expect(LevelJournal.open(path)).rejects.toMatchObject({ code: 'journal_open_failed' })
    },
  )

  it('says that it is damaged', async () => {
    const path = await folder()
    const journal = await LevelJournal.open(path)
    await journal.write([{ kind: 'put', key: 'a', value: Uint8Array.of(1) }])
    await journal.close()
    await writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n')
    await expect(LevelJournal.open(path)).rejects.toMatchObject({
      code: 'journal_open_failed',
      message: expect.stringMatching(/is damaged \(.*\); move it away to start with an empty one/) as unknown,
    })
  })

  it('R-06 says that it is damaged when that shows only at a record, and what to do', async () => {
    const path = await folder()
    let journal = await LevelJournal.open(path)
    const value = Uint8Array.from({ length: 4_000 }, (_, index) => (index * 167) % 251)
    await journal.write([{ kind: 'put', key: 'a', value }])
    await journal.close()
    // At the second opening the records of the log go into a table.
    journal = await LevelJournal.open(path)
    await journal.close()
    const table = (await readdir(path)).find((name) => name.endsWith('.ldb')) as string
    const bytes = await readFile(join(path, table))
    bytes.fill(0xff, 0, 20)
    await writeFile(join(path, table), bytes)
    journal = await LevelJournal.open(path)
    const records = (async () => {
      for await (const record of journal.load()) expect(record[0]).toBe('a')
    })()
    await expect(records).rejects.toMatchObject({
      code: 'journal_read_failed',
      message: expect.stringMatching(/is damaged \(.*\); move it away to start with an empty one/) as unknown,
    })
    await journal.close()
  })

  it.each([
    ['a piece in its middle is spoilt', (log: Buffer) => log.fill(0x55, 50_000, 50_020), false],
    ['its end was cut off', (log: Buffer) => log.subarray(0, log.length - 100), true],
    ['nothing is', (log: Buffer) => log, true],
  ])('R-06 tells how much of it was left out when %s', async (_what, spoil, whole) => {
    const path = await folder()
    const journal = await LevelJournal.open(path)
    for (let count = 0; count < 100; count++)
      await journal.write([{ kind: 'put', key: `k${count}`, value: new Uint8Array(1_000).fill(count) }])
    await journal.close()
    const log = join(path, (await readdir(path)).find((name) => name.endsWith('.log')) as string)
    await writeFile(log, spoil(await readFile(log)))
    const again = await LevelJournal.open(path)
    expect(again.droppedBytes === 0).toBe(whole)
    await again.close()
    const third = await LevelJournal.open(path)
    expect(third.droppedBytes).toBe(0)
    await third.close()
  })

  async function recordsOf(journal: LevelJournal): Promise<string[]> {
    const records: string[] = []
    for await (const [key, value] of journal.load()) records.push(`${key}=${value[0]}`)
    return records
  }

  it.each([
    ['removed', (path: string) => rm(path, { recursive: true })],
    ['moved away', (path: string) => rename(path, `${path}.away`)],
    [
      'emptied',
      async (path: string) => {
        for (const name of await readdir(path)) await rm(join(path, name))
      },
    ],
    [
      'robbed of its log',
      async (path: string) => {
        for (const name of await readdir(path)) if (name.endsWith('.log')) await rm(join(path, name))
      },
    ],
  ])(
    'R-06 a folder that is %s under the open journal is made again with all that it held, and that is told',
    async (_what, take) => {
      const path = join(await folder(), 'data', 'journal')
      const told: number[] = []
      const whenMadeAgain = (records: number): void => void told.push(records)
      const journal = await LevelJournal.open(path, { lookMs: 0, whenMadeAgain })
      await journal.write([1, 2].map((n) => ({ kind: 'put', key: `k${n}`, value: Uint8Array.of(n) })))
      await take(path)
      await journal.write([
        { kind: 'put', key: 'k1', value: Uint8Array.of(9) },
        { kind: 'put', key: 'k3', value: Uint8Array.of(3) },
      ])
      await journal.write([{ kind: 'put', key: 'k4', value: Uint8Array.of(4) }])
      expect(told).toEqual([2])
      await journal.close()
      const again = await LevelJournal.open(path)
      expect(await recordsOf(again)).toEqual(['k1=9', 'k2=2', 'k3=3', 'k4=4'])
      expect(again.lostLog).toBe(false)
      await again.close()
    },
  )

  it('R-06 what was in a folder that cannot be made again waits until it can', async () => {
    const parent = join(await folder(), 'data')
    const path = join(parent, 'journal')
    const told: number[] = []
    const journal = await LevelJournal.open(path, {
      lookMs: 0,
      whenMadeAgain: (records) => told.push(records),
    })
    await journal.write([{ kind: 'put', key: 'a', value: Uint8Array.of(1) }])
    await rm(parent, { recursive: true })
    await writeFile(parent, 'in the way')
    for (let tries = 0; tries < 2; tries++)
      await expect(journal.write([])).rejects.toMatchObject({ code: 'journal_write_failed' })
    await rm(parent)
    await journal.write([{ kind: 'put', key: 'b', value: Uint8Array.of(2) }])
    expect(told).toEqual([1])
    expect(await recordsOf(journal)).toEqual(['a=1', 'b=2'])
    await journal.close()
  })

  it('R-06 tells that it was opened without its log, once', async () => {
    const path = await folder()
    const opened = async (): Promise<boolean> => {
      const journal = await LevelJournal.open(path)
      await journal.write([{ kind: 'put', key: 'a', value: Uint8Array.of(1) }])
      await journal.close()
      return journal.lostLog
    }
    expect([await opened(), await opened()]).toEqual([false, false])
    for (const name of await readdir(path)) if (name.endsWith('.log')) await rm(join(path, name))
    expect([await opened(), await opened()]).toEqual([true, false])
  })

  it('R-06 is not opened without a log that is there and cannot be read, and loses nothing by it', async () => {
    const path = await folder()
    const journal = await LevelJournal.open(path)
    await journal.write([{ kind: 'put', key: 'a', value: Uint8Array.of(1) }])
    await journal.close()
    const log = join(path, (await readdir(path)).find((name) => name.endsWith('.log')) as string)
    await rename(log, `${log}.kept`)
    await symlink(log, log) // What cannot be read by root, either.
    await expect(LevelJournal.open(path)).rejects.toMatchObject({
      code: 'journal_open_failed',
      message: expect.stringContaining(`cannot be opened: ELOOP`) as string,
    })
    await rename(`${log}.kept`, log)
    const again = await LevelJournal.open(path)
    expect(await recordsOf(again)).toEqual(['a=1'])
    await again.close()
  })

  it('R-06 a journal of which the very first opening was interrupted has lost nothing', async () => {
    const path = await folder()
    await writeFile(join(path, 'CURRENT'), 'MANIFEST-000001\n')
    expect(await hasLostLog(path)).toBe(false)
    expect(await hasLostLog(join(path, 'nowhere'))).toBe(false)
  })
})
