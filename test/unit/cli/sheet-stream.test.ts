import { describe, expect, it } from 'vitest'
import { sheetStream } from '../../../src/cli/commands/start.ts'

describe('where the settings sheet goes (docs/adr/0007-settings-sheet.md)', () => {
  it.each([
    ['text', false, true, 'stdout'],
    ['text', false, false, 'stdout'],
    ['json', false, true, 'stdout'],
    ['json', false, false, 'stderr'],
    ['json', true, true, 'stderr'],
    ['json', true, false, 'stderr'],
  ] as const)('log %s, JSON asked for %s, passwords %s: %s', (format, asked, passwords, expected) => {
    expect(sheetStream(format, asked, passwords)).toBe(expected)
  })
})
