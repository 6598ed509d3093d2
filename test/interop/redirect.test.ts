import { afterAll, beforeAll, describe } from 'vitest'
import { Baresip } from './support/baresip.ts'
import { interop } from './support/require.ts'
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
    await callee.event('REGISTER_OK')
    await caller.event('REGISTER_OK')
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
  interop(['baresip'], "M-27 the caller's peer redirects and the phone follows to a proxy peer", () =>
    call(1, 2, 'udp'),
  )
  interop(['baresip'], "the callee's peer redirects", () => call(0, 1, 'udp'))
})
