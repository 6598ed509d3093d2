import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/app/config/fault.ts'
import { EXIT, UsageError } from '../../../src/cli/command.ts'
import { exitCodeOf } from '../../../src/cli/exit-code.ts'
import { RingbridgeError } from '../../../src/common/errors.ts'

/** As the system says it, and as LevelDB hands it on through the journal. */
const FULL = Object.assign(new Error('write'), { code: 'ENOSPC' })
const QUOTA = Object.assign(new Error('write'), { code: 'EDQUOT' })
const JOURNAL = new RingbridgeError('journal_open_failed', 'the journal cannot be opened', {
  cause: new Error('Database failed to open', {
    cause: new Error('IO error: journal/000011.ldb: No space left on device'),
  }),
})

describe('exit code of a failure', () => {
  it.each([
    ['a wrong option', new UsageError('unknown option'), EXIT.usage],
    ['a fault of the configuration', new ConfigError('unknown key'), EXIT.usage],
    [
      'a folder of somebody else',
      new ConfigError('cannot be written', { cause: Object.assign(new Error(), { code: 'EACCES' }) }),
      EXIT.usage,
    ],
    ['a server that is away', new RingbridgeError('no_configuration', 'no document'), EXIT.failed],
    ['something unforeseen', 'a word', EXIT.failed],
  ])('%s', (_what, error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })

  it.each([
    ['of a file', FULL],
    ['of a file with a quota', QUOTA],
    ['of the journal', JOURNAL],
  ])(
    'R-06 a node that finds the disk full, here that %s, is started again by its supervisor until there is room',
    (_what, cause) => {
      expect(exitCodeOf(new ConfigError('data: cannot be written', { cause }))).toBe(EXIT.failed)
    },
  )
})
