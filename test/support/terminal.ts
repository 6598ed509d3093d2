/** What commands print, kept instead, and a folder of their own to work in; both for one test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'

export interface Terminal {
  /** A folder that is gone after the test. */
  folder: string
  /** What went to standard output, a piece a write. */
  out: string[]
  /** The same of standard error. */
  err: string[]
}

/** To be called once at the top of a test file. */
export function terminal(): Terminal {
  const kept: Terminal = { folder: '', out: [], err: [] }
  beforeEach(() => {
    kept.folder = mkdtempSync(join(tmpdir(), 'ringbridge-cli-'))
    kept.out = []
    kept.err = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => kept.out.push(String(text)) > 0)
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => kept.err.push(String(text)) > 0)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    rmSync(kept.folder, { recursive: true, force: true })
  })
  return kept
}
