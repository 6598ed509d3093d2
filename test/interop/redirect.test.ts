import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Baresip } from './support/baresip.ts'
import { interop } from './support/require.ts'
import { sipp } from './support/sipp.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '6', '--redirect', '1', '--base-port', '21100'])
})
afterAll(async () => {
  await testbed.stop()
})

async function call(callerPeer: number, calleePeer: number, transport: 'udp' | 'tcp'): Promise<void> {
  const callee = await Baresip.start({ user: user(2), target: testbed.peer(calleePeer).sip, transport })
  const caller = await Baresip.start({ user: user(1), target: testbed.peer(callerPeer).sip, transport })
  try {
    await callee.registered()
    await caller.registered()
    caller.dial(`sip:${user(2)}@${DOMAIN}`)
    await callee.answer()
    await caller.event('CALL_ESTABLISHED')
    caller.command('hangup')
    await callee.event('CALL_CLOSED')
  } finally {
    await caller.stop()
    await callee.stop()
  }
}

describe('calls where one peer redirects (Peer R)', () => {
  interop(
    ['sipp', 'baresip'],
    "M-27 the caller's peer redirects and the phone follows to a proxy peer",
    async () => {
      const callee = await Baresip.start({ user: user(4), target: testbed.peer(2).sip, transport: 'udp' })
      try {
        await callee.registered()
        const calling = sipp({
          scenario: 'uac-redirected.xml',
          target: testbed.peer(1).sip,
          transport: 'udp',
          user: user(3),
          keys: { callee: user(4) },
        })
        await callee.answer()
        expect(await calling.exit(), calling.output).toBe(0)
        await callee.event('CALL_CLOSED')
      } finally {
        await callee.stop()
      }
    },
  )
  interop(['baresip'], "the callee's peer redirects", () => call(0, 1, 'udp'))
})
