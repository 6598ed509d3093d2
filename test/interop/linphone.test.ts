/** Linphone's command line phone (liblinphone, belle-sip) over TCP: it registers, is called, and calls. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

const LINPHONE = user(1)
const OTHER = user(2)

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '2', '--users', '10', '--base-port', '21800'])
})
afterAll(async () => {
  await testbed.stop()
})

/** Registered at a peer; picks up by itself. It is told what to do on its standard input. */
async function linphone(at: string): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), 'ringbridge-linphone-'))
  mkdirSync(join(home, '.local', 'share', 'linphone'), { recursive: true })
  const port = await freePort()
  const settings = [
    '[sip]',
    `sip_port=${port}`,
    `sip_tcp_port=${port}`,
    'register_only_when_network_is_up=0',
    'default_proxy=0',
    '[net]',
    'firewall_policy=0',
    '[proxy_0]',
    `reg_proxy=<sip:${at};transport=tcp>`,
    `reg_route=<sip:${at};transport=tcp;lr>`,
    `reg_identity=sip:${LINPHONE}@${DOMAIN}`,
    'reg_expires=600',
    'reg_sendregister=1',
    'publish=0',
    '[auth_info_0]',
    `username=${LINPHONE}`,
    `passwd=pw-${LINPHONE}`,
    `realm=${DOMAIN}`,
    `domain=${DOMAIN}`,
  ]
  writeFileSync(join(home, 'rc'), `${settings.join('\n')}\n`)
  const running = new Running('linphonec', ['-a', '-b', join(home, 'rc'), '-d', '0'], {
    cwd: home,
    env: { ...process.env, HOME: home },
  })
  await running.line((line) => line.includes('linphonec>'), 'its prompt', 30_000)
  return running
}

function phone(at: string, ...args: readonly string[]): Running {
  const [verb, ...rest] = args
  return new Running(process.execPath, [
    ...[COMMAND, 'phone', verb as string, `${OTHER}@${DOMAIN}`, ...rest],
    ...['--server', at, '--password', `pw-${OTHER}`],
  ])
}

describe('linphonec', () => {
  interop(
    ['linphonec'],
    'registers at one peer, is called from the other, calls back and hangs up',
    async () => {
      const here = testbed.peer(1).sip
      const there = testbed.peer(0).sip
      const device = await linphone(here)
      try {
        await eventually('its registration', async () =>
          JSON.stringify(await testbed.api(1, '/api/v1/bindings')).includes(LINPHONE),
        )
        const calling = phone(there, 'call', LINPHONE, '--seconds', '1')
        expect(await calling.exit(), `${calling.output}\n${device.output}`).toBe(0)
        await device.line((line) => /Media streams established/.test(line), 'media of the call')
        await device.line((line) => /Call 1 .* ended/.test(line), 'the end of the call')

        const answering = phone(there, 'answer', '--calls', '1', '--seconds', '40')
        await answering.line((line) => line.includes('status=200'), 'the other phone registered')
        device.child.stdin?.write(`call sip:${OTHER}@${DOMAIN}\n`)
        await device.line((line) => /Call 2 .* connected/.test(line), 'its own call')
        device.child.stdin?.write('terminate\n')
        expect(await answering.exit(), answering.output).toBe(0)
      } finally {
        device.child.stdin?.write('quit\n')
        await device.stop()
      }
    },
  )
})
