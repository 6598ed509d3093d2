import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { PhoneBrowser, type BrowserPhone } from './support/browser.ts'
import { Running } from './support/processes.ts'
import { available, interop } from './support/require.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
let browser: PhoneBrowser | undefined
beforeAll(async () => {
  if (!available('chromium')) return
  testbed = await Testbed.start([
    ...['--peers', '2', '--users', '10', '--base-port', '21900'],
    ...['--transports', 'ws,wss'],
  ])
  const certificates = [0, 1].map((peer) =>
    join(testbed.folder, `peer-${peer}`, 'data', 'sip-tls', 'certificate.pem'),
  )
  browser = await PhoneBrowser.start(certificates)
})
afterAll(async () => {
  await browser?.stop()
  if (available('chromium')) await testbed.stop()
})

function phone(url: string, who: number): Promise<BrowserPhone> {
  if (browser === undefined) throw new Error('no browser')
  return browser.phone(url, `${user(who)}@${DOMAIN}`, `pw-${user(who)}`)
}

/** A call that is answered, and ended by the side that `ends` it. */
async function call(
  caller: BrowserPhone,
  callee: { readonly phone: BrowserPhone; readonly user: string },
  ends: 'caller' | 'callee',
): Promise<void> {
  await caller.run('call', `${callee.user}@${DOMAIN}`)
  await callee.phone.event('ringing')
  await caller.event('progress')
  await callee.phone.run('answer')
  // 200 and ACK have gone all the way.
  await caller.event('confirmed')
  await callee.phone.event('confirmed')
  await (ends === 'caller' ? caller : callee.phone).run('hangUp')
  expect(await (ends === 'caller' ? callee.phone : caller).event('ended')).toBe('remote')
  expect(await (ends === 'caller' ? caller : callee.phone).event('ended')).toBe('local')
}

describe('phones in a browser', () => {
  interop(
    ['chromium'],
    'S7118-4.1-01 S7118-5.1-01 JsSIP over wss at peer 0 and over ws at peer 1 call each other, and either ends the call',
    async () => {
      const alice = await phone(`wss://${testbed.peer(0).wss ?? ''}`, 1)
      const bob = await phone(`ws://${testbed.peer(1).ws ?? ''}`, 2)
      expect(await alice.event('registered')).toBe('200')
      expect(await bob.event('registered')).toBe('200')
      await call(alice, { phone: bob, user: user(2) }, 'callee')
      await call(bob, { phone: alice, user: user(1) }, 'callee')
      await call(alice, { phone: bob, user: user(2) }, 'caller')
      const bindings = (await testbed.api(0, '/api/v1/bindings')) as {
        bindings: { transport: string; flow: string; contact: string }[]
      }
      expect(bindings.bindings).toMatchObject([{ transport: 'wss', flow: 'flow' }])
      expect(bindings.bindings[0]?.contact).toContain('.invalid')
      await alice.run('stop')
      await bob.run('stop')
    },
  )

  interop(['chromium'], 'a wrong password does not register', async () => {
    if (browser === undefined) throw new Error('no browser')
    const mallory = await browser.phone(
      `ws://${testbed.peer(0).ws ?? ''}`,
      `${user(3)}@${DOMAIN}`,
      'not-the-password',
    )
    expect(await mallory.event('registrationFailed')).toBe('Authentication Error')
  })

  interop(['chromium'], 'texts go between a browser at peer 0 and a phone on UDP at peer 1', async () => {
    const alice = await phone(`wss://${testbed.peer(0).wss ?? ''}`, 4)
    expect(await alice.event('registered')).toBe('200')
    const plain = (verb: string, who: number, ...rest: string[]): Running =>
      new Running(process.execPath, [
        ...[COMMAND, 'phone', verb, `${user(who)}@${DOMAIN}`, ...rest],
        ...['--server', testbed.peer(1).sip, '--password', `pw-${user(who)}`],
      ])
    const bob = plain('answer', 5, '--calls', '1', '--seconds', '120')
    try {
      await bob.line((line) => line.includes('status=200'), 'registered')
      await alice.run('send', `${user(5)}@${DOMAIN}`, 'from a page')
      await bob.line((line) => line.includes('from a page'), 'text')
      expect(await alice.event('sent')).toBe('200')
      const carol = plain('message', 6, user(4), 'to a page')
      expect(await carol.exit(), carol.output).toBe(0)
      expect(await alice.event('message')).toBe('to a page')
    } finally {
      await bob.stop('SIGKILL')
    }
    await alice.run('stop')
  })
})
