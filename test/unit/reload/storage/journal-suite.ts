import { expect, it } from 'vitest'
import type { Journal } from '../../../../src/reload/storage/journal.ts'

/** Opens the same records again and again, as after restarts. */
export type OpenJournal = () => Promise<Journal>

/** What every journal has to do. `fresh` gives a new place each time it is called. */
export function journalSuite(fresh: () => Promise<OpenJournal>): void {
  const put = (key: string, ...bytes: number[]): { kind: 'put'; key: string; value: Uint8Array } => ({
    kind: 'put',
    key,
    value: Uint8Array.from(bytes),
  })

  async function contents(journal: Journal): Promise<Record<string, number[]>> {
    const records: Record<string, number[]> = {}
    for await (const [key, value] of journal.load()) {
      expect(value).toBeInstanceOf(Uint8Array)
      records[key] = [...value]
    }
    return records
  }

  it('begins empty and gives back what was written, byte for byte', async () => {
    const journal = await (await fresh())()
    expect(await contents(journal)).toEqual({})
    await journal.write([put('a', 1, 0, 255), put('b'), put('storage/value/ü', 7)])
    expect(await contents(journal)).toEqual({ a: [1, 0, 255], b: [], 'storage/value/ü': [7] })
    await journal.close()
  })

  it('keeps the last word on a key, also within one list', async () => {
    const journal = await (await fresh())()
    await journal.write([put('a', 1), put('b', 1), { kind: 'delete', key: 'a' }, put('c', 1), put('c', 2)])
    await journal.write([{ kind: 'delete', key: 'b' }, put('b', 3), { kind: 'delete', key: 'not there' }])
    expect(await contents(journal)).toEqual({ b: [3], c: [2] })
    await journal.close()
  })

  it('applies lists in the order of the calls, without waiting in between', async () => {
    const journal = await (await fresh())()
    await Promise.all(Array.from({ length: 50 }, (_, i) => journal.write([put('a', i)])))
    expect(await contents(journal)).toEqual({ a: [49] })
    await journal.write([])
    await journal.close()
  })

  it('outlives the process: what was written is there after opening again', async () => {
    const open = await fresh()
    const first = await open()
    await first.write([put('a', 1), put('b', 2)])
    await first.close()
    const second = await open()
    expect(await contents(second)).toEqual({ a: [1], b: [2] })
    await second.write([{ kind: 'delete', key: 'a' }])
    await second.close()
    const third = await open()
    expect(await contents(third)).toEqual({ b: [2] })
    await third.close()
  })

  it('does not keep the bytes it was given, nor hand out its own', async () => {
    const journal = await (await fresh())()
    const operation = put('a', 1)
    await journal.write([operation])
    operation.value[0] = 9
    expect(await contents(journal)).toEqual({ a: [1] })
    await journal.close()
  })

  it('refuses work after close, with a code, and may be closed twice', async () => {
    const journal = await (await fresh())()
    await journal.close()
    await journal.close()
    await expect(journal.write([put('a', 1)])).rejects.toMatchObject({ code: 'journal_closed' })
    await expect(contents(journal)).rejects.toMatchObject({ code: 'journal_closed' })
  })
}
