/** Twinkle's console phone, a stack of its own over UDP: it calls across two peers, puts the call on hold, writes a message and hangs up. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

const CALLER = user(1)
const CALLEE = user(2)

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '2', '--users', '10', '--base-port', '22900'])
})
afterAll(async () => {
  await testbed.stop()
})

/** Registered at a peer. It is told what to do on its standard input. */
async function twinkle(name: string, at: string): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), 'ringbridge-twinkle-'))
  const folder = join(home, '.twinkle')
  mkdirSync(folder)
  const port = await freePort()
  const profile = [
    ...[`user_name=${name}`, `user_domain=${DOMAIN}`, `auth_name=${name}`, `auth_pass=pw-${name}`],
    ...[`outbound_proxy=${at}`, 'all_requests_to_proxy=yes', 'sip_transport=udp'],
    ...['registration_time=600', 'register_at_startup=yes', 'codecs=g711a'],
  ]
  const system = [
    ...['dev_ringtone=alsa:null', 'dev_speaker=alsa:null', 'dev_mic=alsa:null'],
    ...[`sip_port=${port}`, `rtp_port=${await freePort()}`],
  ]
  writeFileSync(join(folder, `${name}.cfg`), `${profile.join('\n')}\n`)
  writeFileSync(join(folder, 'twinkle.sys'), `${system.join('\n')}\n`)
  const running = new Running('twinkle-console', [`${name}.cfg`], {
    cwd: home,
    env: { ...process.env, HOME: home },
  })
  await running.line((line) => line.includes('registration succeeded'), `registration of ${name}`, 30_000)
  return running
}

describe('twinkle-console', () => {
  interop(
    ['twinkle-console'],
    'S3261-19.1-02 S3261-16.4-01 calls, puts on hold, writes a message and is hung up on, though it escapes every z of its routes',
    async () => {
      const caller = await twinkle(CALLER, testbed.peer(0).sip)
      const callee = await twinkle(CALLEE, testbed.peer(1).sip)
      const tell = (phone: Running, what: string): void => void phone.child.stdin?.write(`${what}\n`)
      try {
        tell(caller, `call ${CALLEE}`)
        await callee.line((line) => line.includes('incoming call'), 'the call')
        tell(callee, 'answer')
        await caller.line((line) => line.includes('far end answered call'), 'the answer')
        tell(caller, 'hold')
        await caller.line((line) => line.includes('re-INVITE successful'), 'the call on hold')
        tell(caller, `message sip:${CALLEE}@${DOMAIN} "good morning"`)
        await callee.line((line) => line.includes('good morning'), 'the message')
        tell(callee, 'bye')
        await caller.line((line) => line.includes('far end ended call'), 'the end of the call')
        expect(caller.output).not.toContain('failed')
      } finally {
        for (const phone of [caller, callee]) {
          tell(phone, 'quit')
          await phone.stop()
        }
      }
    },
  )
})
