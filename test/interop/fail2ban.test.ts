import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { COMMAND, ROOT } from './support/testbed.ts'

const FILTER = join(ROOT, 'deploy', 'fail2ban', 'filter.d', 'ringbridge.conf')
const WRONG = { udp: 3, tcp: 4 } as const
const PASSWORD = 'a-guess-that-is-wrong'

let folder = ''
let node: Running
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-fail2ban-'))
  const sip = await freePort()
  const env = {
    ...process.env,
    RINGBRIDGE_SIP__LISTEN: `udp://127.0.0.1:${sip},tcp://127.0.0.1:${sip}`,
    RINGBRIDGE_ADMIN__LISTEN: `127.0.0.1:${await freePort()}`,
    RINGBRIDGE_OVERLAY__LISTEN: `tls://127.0.0.1:${await freePort()}`,
    RINGBRIDGE_OVERLAY__APPLICATION_LISTEN: `tls://127.0.0.1:${await freePort()}`,
  }
  node = new Running(process.execPath, [COMMAND, 'start', '--json'], { cwd: folder, env })
  await node.line((line) => line.includes('"event":"ready"'), 'ready')
  for (const [transport, times] of Object.entries(WRONG)) {
    for (let i = 0; i < times; i++) {
      const phone = new Running(process.execPath, [
        ...[COMMAND, 'phone', 'register', 'alice@dht.example.com', '--password', PASSWORD],
        ...['--server', `127.0.0.1:${sip}`, '--transport', transport],
      ])
      expect(await phone.exit(), phone.output).toBe(1)
    }
  }
  // The answer may be here before the line of the log.
  await node.line(() => failures().length >= WRONG.udp + WRONG.tcp, 'a line for each failure')
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true, force: true })
})

function failures(): string[] {
  return node.output.split('\n').filter((line) => line.includes('"auth_failed"'))
}

/** Lines of the log that the filter counts. */
async function matched(mode: string): Promise<number> {
  const log = join(folder, 'log.jsonl')
  writeFileSync(log, `${node.output}\n`)
  const check = new Running('fail2ban-regex', [log, `${FILTER}[mode=${mode}]`])
  expect(await check.exit(), check.output).toBe(0)
  return Number(/Lines: \d+ lines, \d+ ignored, (\d+) matched/.exec(check.output)?.[1])
}

describe('failed logins', () => {
  it('are one line each, without user name or password', () => {
    const lines = failures()
    expect(lines).toHaveLength(WRONG.udp + WRONG.tcp)
    for (const line of lines)
      expect(Object.keys(JSON.parse(line) as object).sort()).toEqual([
        'area',
        'event',
        'level',
        'method',
        'reason',
        'src',
        'time',
        'transport',
      ])
    expect(node.output).not.toContain(PASSWORD)
  })

  interop(['fail2ban-regex'], 'are counted by the fail2ban filter: proven sources only, or all', async () => {
    expect(await matched('stream')).toBe(WRONG.tcp)
    expect(await matched('all')).toBe(WRONG.tcp + WRONG.udp)
  })
})
