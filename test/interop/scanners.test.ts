/** What people point at SIP servers first: SIPVicious, which looks for users and passwords, and sipsak. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register } from './support/sipp.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

const REGISTERED = user(1)
const KNOWN = user(2)
const ATTACKED = user(3)

let testbed: Testbed
let port: string
const folder = mkdtempSync(join(tmpdir(), 'ringbridge-scanners-'))

beforeAll(async () => {
  // sipsak cuts ports off after four digits.
  testbed = await Testbed.start(['--peers', '1', '--users', '10', '--base-port', '9360'])
  port = testbed.peer(0).sip.split(':')[1] as string
})
afterAll(async () => {
  await testbed.stop()
})

function wordlist(name: string, words: readonly string[]): string {
  const file = join(folder, name)
  writeFileSync(file, `${words.join('\n')}\n`)
  return file
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const running = new Running(command, args, { cwd: folder })
  await running.exit()
  return running.output
}

describe('SIPVicious', () => {
  for (const method of ['REGISTER', 'INVITE', 'OPTIONS']) {
    interop(
      ['svwar', 'sipp'],
      `S-AU-01 svwar with ${method} cannot tell users from names that nobody has`,
      async () => {
        expect(await register(testbed.peer(0).sip, REGISTERED, 6999, 'udp')).toBe(0)
        const names = wordlist('names.txt', ['nobody', REGISTERED, KNOWN, 'anybody'])
        const output = await outputOf('svwar', [
          ...[
            '-P',
            String(await freePort()),
            '-p',
            port,
            '-d',
            names,
            '-m',
            method,
            '--domain',
            DOMAIN,
            '--force',
            '127.0.0.1',
          ],
        ])
        expect(output).toContain('found nothing')
        for (const name of [REGISTERED, KNOWN]) expect(output).not.toMatch(new RegExp(`\\| ${name} +\\|`))
      },
    )
  }

  interop(
    ['svcrack', 'sipp'],
    'S-AU-01 svcrack is shut out before it comes to the right password, and nobody else is',
    async () => {
      const wrong = Array.from({ length: 60 }, (_, index) => `wrong-${index}`)
      const words = wordlist('words.txt', [...wrong, `pw-${ATTACKED}`])
      const output = await outputOf('svcrack', [
        ...[
          '-P',
          String(await freePort()),
          '-p',
          port,
          '-u',
          ATTACKED,
          '-d',
          words,
          '--domain',
          DOMAIN,
          '127.0.0.1',
        ],
      ])
      expect(output).not.toContain(`pw-${ATTACKED}`)
      const metrics = await (await fetch(`http://${testbed.peer(0).admin}/metrics`)).text()
      const failures = /^p2psip_auth_attempts_total\{result="blocked",algorithm="MD5"\} (\d+)$/m.exec(
        metrics,
      )?.[1]
      expect(Number(failures)).toBeGreaterThan(0)
      // Others at the same address go on.
      expect(await register(testbed.peer(0).sip, KNOWN, 6999, 'udp')).toBe(0)
    },
  )
})

describe('sipsak', () => {
  interop(['sipsak'], 'S3261-11-01 OPTIONS to the node itself is answered 200', async () => {
    const running = new Running('sipsak', ['-vv', '-s', `sip:127.0.0.1:${port}`])
    expect(await running.exit(), running.output).toBe(0)
    expect(running.output).toMatch(/Allow: .*REGISTER/)
  })
})
