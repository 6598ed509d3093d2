import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Baresip } from './support/baresip.ts'
import { freePort } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register, sipp, type SippTransport } from './support/sipp.ts'
import { DOMAIN, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '20', '--base-port', '21000'])
})
afterAll(async () => {
  await testbed.stop()
})

/** One whole call with SIPp at both ends, callee registered at one peer and called from another. */
async function sippCall(
  callee: number,
  calleePeer: number,
  calleeVia: SippTransport,
  caller: number,
  callerPeer: number,
  callerVia: SippTransport,
): Promise<void> {
  const port = await freePort()
  const answering = sipp({
    scenario: 'uas.xml',
    target: testbed.peer(calleePeer).sip,
    transport: calleeVia,
    port,
  })
  expect(await register(testbed.peer(calleePeer).sip, user(callee), port, calleeVia)).toBe(0)
  const calling = sipp({
    scenario: 'uac.xml',
    target: testbed.peer(callerPeer).sip,
    transport: callerVia,
    user: user(caller),
    keys: { callee: user(callee) },
  })
  expect(await calling.exit(), calling.output).toBe(0)
  expect(await answering.exit(), answering.output).toBe(0)
}

describe('calls between phones at different peers', () => {
  const mixes: [SippTransport, SippTransport][] = [
    ['udp', 'udp'],
    ['tcp', 'tcp'],
    ['udp', 'tcp'],
    ['tcp', 'udp'],
  ]
  for (const [callerVia, calleeVia] of mixes) {
    interop(['sipp'], `SIPp calls from peer 0 over ${callerVia} to peer 2 over ${calleeVia}`, () =>
      sippCall(2, 2, calleeVia, 1, 0, callerVia),
    )
    interop(['sipp'], `SIPp calls from peer 2 over ${callerVia} to peer 0 over ${calleeVia}`, () =>
      sippCall(1, 0, calleeVia, 2, 2, callerVia),
    )
  }
  interop(['sipp'], 'SIPp calls a phone at the same peer', () => sippCall(4, 1, 'udp', 3, 1, 'udp'))

  const phones: ['udp' | 'tcp', 'udp' | 'tcp'][] = [
    ['udp', 'udp'],
    ['tcp', 'tcp'],
    ['udp', 'tcp'],
  ]
  for (const [callerVia, calleeVia] of phones) {
    interop(
      ['baresip'],
      `baresip over ${callerVia} at peer 0 calls baresip over ${calleeVia} at peer 2, and media flows`,
      async () => {
        const callee = await Baresip.start({
          user: user(6),
          target: testbed.peer(2).sip,
          transport: calleeVia,
        })
        const caller = await Baresip.start({
          user: user(5),
          target: testbed.peer(0).sip,
          transport: callerVia,
        })
        try {
          await callee.registered()
          await caller.registered()
          caller.dial(`sip:${user(6)}@${DOMAIN}`)
          await callee.answer()
          await caller.event('CALL_ESTABLISHED')
          // RTP goes straight between the phones, to the addresses they negotiated.
          await caller.event('CALL_RTPESTAB')
          await callee.event('CALL_RTPESTAB')
          // Two-way SIP: the far end hangs up.
          callee.command('hangup')
          await caller.event('CALL_CLOSED')
          // And back the other way over the same flows.
          callee.dial(`sip:${user(5)}@${DOMAIN}`)
          await caller.answer()
          await callee.event('CALL_ESTABLISHED')
          callee.command('hangup')
          await caller.event('CALL_CLOSED')
        } finally {
          await caller.stop()
          await callee.stop()
        }
      },
    )
  }

  interop(['baresip'], 'M-12 a user registered at two peers rings at both', async () => {
    const first = await Baresip.start({
      user: user(8),
      target: testbed.peer(1).sip,
      transport: 'udp',
    })
    const second = await Baresip.start({
      user: user(8),
      target: testbed.peer(2).sip,
      transport: 'tcp',
    })
    const caller = await Baresip.start({ user: user(7), target: testbed.peer(0).sip, transport: 'udp' })
    try {
      await first.registered()
      await second.registered()
      await caller.registered()
      caller.dial(`sip:${user(8)}@${DOMAIN}`)
      await first.event('CALL_INCOMING')
      await second.event('CALL_INCOMING')
      second.command('accept')
      await caller.event('CALL_ESTABLISHED')
      await first.event('CALL_CLOSED')
      caller.command('hangup')
      await second.event('CALL_CLOSED')
    } finally {
      await caller.stop()
      await first.stop()
      await second.stop()
    }
  })

  interop(['sipp'], 'M-21 an unregistered user gets 480, an unknown one 404', async () => {
    for (const [callee, status] of [
      [user(15), '480'],
      ['nobody-of-this-name', '404'],
    ] as const) {
      const calling = sipp({
        scenario: 'uac.xml',
        target: testbed.peer(0).sip,
        transport: 'udp',
        user: user(1),
        keys: { callee },
      })
      expect(await calling.exit()).not.toBe(0)
      expect(calling.output).toContain(`SIP/2.0 ${status}`)
    }
  })

  interop(['sipp'], 'S-25 a wrong password never registers', async () => {
    expect(await register(testbed.peer(0).sip, user(16), 6999, 'udp', { password: 'wrong' })).not.toBe(0)
    expect(await testbed.api(0, '/api/v1/bindings')).not.toContain(user(16))
  })
})
