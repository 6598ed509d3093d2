import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** The command with its standard output on that device. */
function run(device: string, ...args: string[]) {
  const output = openSync(device, 'w')
  try {
    const command = ['--import', 'tsx', 'src/cli/main.ts', ...args]
    return spawnSync(process.execPath, command, { stdio: ['ignore', output, 'pipe'], encoding: 'utf8' })
  } finally {
    closeSync(output)
  }
}

describe('output that is lost', () => {
  it('on a full disk is a failure, which scripts hear of', () => {
    expect(run('/dev/full', '--version')).toMatchObject({
      status: 1,
      stderr: 'ringbridge: the output cannot be written (ENOSPC)\n',
    })
    expect(run('/dev/full', 'nonsense').status).toBe(2)
    expect(run('/dev/null', '--version')).toMatchObject({ status: 0, stderr: '' })
  })
})
