import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { privateFolder, writePrivate } from '../../../src/app/files.ts'
import { issueCredential, openAuthority, saveCredential } from '../../../src/enrollment/io/index.ts'
import { TEST_WALL } from '../../support/credentials.ts'

const HOUR_S = 3_600
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-leftovers-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A file of an hour ago, or of now. */
function left(name: string, old = true): string {
  writeFileSync(join(folder, name), 'secret', { mode: 0o600 })
  const then = Date.now() / 1000 - (old ? HOUR_S : 0)
  utimesSync(join(folder, name), then, then)
  return name
}

describe('what a kill in the middle of a write has left', () => {
  it('R-06 goes when that file is written again; other files, and those of writers that may be alive, stay', () => {
    left(`users.jsonl.${randomUUID()}.new`)
    const staying = [
      left(`users.jsonl.${randomUUID()}.new`, false),
      left(`other.jsonl.${randomUUID()}.new`),
      left('users.jsonl.mine.new'),
      left('users.jsonl.bak'),
    ]
    expect(writePrivate(join(folder, 'users.jsonl'), 'one')).toBe(true)
    expect(readdirSync(folder).sort()).toEqual([...staying, 'users.jsonl'].sort())
  })

  it('R-06 goes with the next certificate of that user, key and all', async () => {
    const authority = await openAuthority(folder, 'example.org', TEST_WALL)
    const issued = await issueCredential(authority, { userName: 'alice@example.org' }, TEST_WALL)
    if (!issued.ok) throw new Error(issued.error.reason)
    mkdirSync(join(folder, 'alice'))
    left(`alice/credential.pem.${randomUUID()}.new`)
    await saveCredential(join(folder, 'alice'), issued.value)
    expect(readdirSync(join(folder, 'alice'))).toEqual(['credential.pem'])
  })

  it('R-06 of a look whether the folder can be written goes with the next look', () => {
    left(`.writable-${randomUUID()}`)
    const staying = [left(`.writable-${randomUUID()}`, false), left('.writable-by-me')]
    privateFolder(folder, 'data.dir')
    expect(readdirSync(folder).sort()).toEqual(staying.sort())
  })
})
