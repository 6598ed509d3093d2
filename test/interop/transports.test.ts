import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Baresip } from './support/baresip.ts'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register, sipp } from './support/sipp.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
let ca: string
beforeAll(async () => {
  testbed = await Testbed.start([
    ...['--peers', '2', '--users', '10', '--base-port', '21800'],
    ...['--transports', 'tls,ws,wss', '--ipv6'],
  ])
  ca = join(testbed.folder, 'authority', 'root-ca.pem')
})
afterAll(async () => {
  await testbed.stop()
})

function tlsOf(peer: number): string {
  return testbed.peer(peer).tls ?? ''
}

/** What openssl says of a TLS listener. */
function openssl(...args: string[]): { status: number | null; text: string } {
  const run = spawnSync('openssl', ['s_client', ...args], { input: '', encoding: 'utf8', timeout: 20_000 })
  return { status: run.status, text: `${run.stdout}${run.stderr}` }
}

describe('phones over TLS at different peers', () => {
  interop(
    ['openssl'],
    'S5922-7.1-01 the certificate verifies, and speaks for the domain in SIP',
    async () => {
      for (const at of [tlsOf(0), testbed.peer(1).wss ?? '']) {
        const verified = openssl(
          '-connect',
          at,
          '-CAfile',
          ca,
          '-verify_return_error',
          '-verify_ip',
          '127.0.0.1',
        )
        expect(verified.text).toContain('Verification: OK')
        expect(verified.status).toBe(0)
        const byName = openssl(
          '-connect',
          at,
          '-CAfile',
          ca,
          '-verify_return_error',
          '-verify_hostname',
          DOMAIN,
        )
        expect(byName.status).toBe(0)
      }
      const shown = openssl('-connect', tlsOf(1), '-showcerts')
      const names = spawnSync('openssl', ['x509', '-noout', '-ext', 'subjectAltName'], {
        input: shown.text,
        encoding: 'utf8',
      })
      expect(names.stdout).toContain(`URI:sip:${DOMAIN}`)
      await Promise.resolve()
    },
  )

  interop(
    ['openssl'],
    'S-41 nothing older than TLS 1.2 is spoken, and nobody is trusted by accident',
    async () => {
      const old = openssl('-connect', tlsOf(0), '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0')
      expect(old.status).not.toBe(0)
      expect(old.text).toContain('alert protocol version')
      const system = openssl('-connect', tlsOf(0), '-verify_return_error')
      expect(system.status).not.toBe(0)
      await Promise.resolve()
    },
  )

  for (const [callerVia, calleeVia] of [
    ['tls', 'tls'],
    ['tls', 'udp'],
    ['udp', 'tls'],
  ] as const) {
    interop(
      ['baresip'],
      `baresip over ${callerVia} at peer 0 calls baresip over ${calleeVia} at peer 1; either ends the call`,
      async () => {
        const at = (peer: number, via: 'tls' | 'udp'): string =>
          via === 'tls' ? tlsOf(peer) : testbed.peer(peer).sip
        const callee = await Baresip.start({
          user: user(2),
          target: at(1, calleeVia),
          transport: calleeVia,
          ca,
        })
        const caller = await Baresip.start({
          user: user(1),
          target: at(0, callerVia),
          transport: callerVia,
          ca,
        })
        try {
          await callee.registered()
          await caller.registered()
          caller.dial(`sip:${user(2)}@${DOMAIN}`)
          await callee.answer()
          await caller.event('CALL_ESTABLISHED')
          await caller.event('CALL_RTPESTAB')
          callee.command('hangup')
          await caller.event('CALL_CLOSED')
          callee.dial(`sip:${user(1)}@${DOMAIN}`)
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

  interop([], 'the test phone calls over TLS, and not when it does not know the authority', async () => {
    const phone = (verb: string, who: number, peer: number, ...rest: string[]): Running =>
      new Running(process.execPath, [
        ...[COMMAND, 'phone', verb, `${user(who)}@${DOMAIN}`, ...rest],
        ...['--server', tlsOf(peer), '--transport', 'tls', '--password', `pw-${user(who)}`],
      ])
    const answering = phone('answer', 4, 1, '--ca', ca, '--calls', '1', '--seconds', '60')
    try {
      await answering.line((line) => line.includes('status=200'), 'registered')
      const calling = phone('call', 3, 0, user(4), '--ca', ca, '--seconds', '0')
      expect(await calling.exit(), calling.output).toBe(0)
      expect(await answering.exit(), answering.output).toBe(0)
    } finally {
      await answering.stop('SIGKILL')
    }
    const strict = phone('register', 3, 0)
    expect(await strict.exit()).toBe(1)
    expect(strict.output).toContain('SELF_SIGNED_CERT_IN_CHAIN')
  })
})

describe('IPv6', () => {
  for (const [caller, callee] of [
    ['::1', '127.0.0.1'],
    ['127.0.0.1', '::1'],
    ['::1', '::1'],
  ] as const) {
    for (const transport of ['udp', 'tcp'] as const) {
      interop(
        ['sipp'],
        `a phone on ${caller} calls one on ${callee} at another peer over ${transport}`,
        async () => {
          const at = (peer: number, address: string): string =>
            testbed.peer(peer).sip.replace('127.0.0.1', address === '::1' ? '[::1]' : address)
          const port = await freePort()
          const answering = sipp({
            scenario: 'uas.xml',
            target: at(1, callee),
            transport,
            port,
            address: callee,
          })
          try {
            expect(await register(at(1, callee), user(6), port, transport, { address: callee })).toBe(0)
            const calling = sipp({
              scenario: 'uac.xml',
              target: at(0, caller),
              transport,
              user: user(5),
              keys: { callee: user(6) },
              address: caller,
            })
            expect(await calling.exit(), calling.output).toBe(0)
            expect(await answering.exit(), answering.output).toBe(0)
          } finally {
            await answering.stop('SIGKILL')
          }
        },
      )
    }
  }
})
