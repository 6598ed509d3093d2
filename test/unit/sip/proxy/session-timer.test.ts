import { describe, expect, it } from 'vitest'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { sessionTimer } from '../../../../src/sip/proxy/session-timer.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const POLICY = { expires: 1800, minimum: 300 }

function request(method: string, ...headers: readonly string[]): SipMessage {
  const parsed = parseMessage(
    Buffer.from(
      [
        `${method} ${BOB} SIP/2.0`,
        'Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1',
        'From: <sip:a@b>;tag=1',
        `To: <${BOB}>`,
        'Call-ID: c',
        `CSeq: 1 ${method}`,
        ...headers,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    ),
  )
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

describe('what a proxy does about a session refresh request', () => {
  it.each([
    ['nobody asks: the proxy does', [], { interval: 1800, sessionExpires: '1800' }],
    ['never below the Min-SE of the request', ['Min-SE: 3600'], { interval: 3600, sessionExpires: '3600' }],
    ['what fits stays as it is', ['Session-Expires: 600'], { interval: 600, sessionExpires: undefined }],
    ['the compact form, too', ['x: 600'], { interval: 600, sessionExpires: undefined }],
    [
      'longer ones are lowered, their refresher stays',
      ['Session-Expires: 7200 ;refresher=uac;x=y'],
      { interval: 1800, sessionExpires: '1800;refresher=uac;x=y' },
    ],
    [
      'lowered no further than Min-SE',
      ['Session-Expires: 7200', 'Min-SE: 3000'],
      { interval: 3000, sessionExpires: '3000' },
    ],
    [
      'one that is below its own Min-SE is raised to it',
      ['Session-Expires: 600', 'Min-SE: 900'],
      { interval: 900, sessionExpires: '900' },
    ],
    [
      'too small, from somebody who knows no timers: both are raised',
      ['Session-Expires: 100'],
      { interval: 300, sessionExpires: '300', minSe: '300' },
    ],
    [
      'a Min-SE that is higher is never lowered',
      ['Session-Expires: 100', 'Min-SE: 400'],
      { interval: 400, sessionExpires: '400', minSe: undefined },
    ],
  ])('S4028-8-01 %s', (_, headers, expected) => {
    for (const method of ['INVITE', 'UPDATE'])
      expect(sessionTimer(request(method, ...headers), POLICY)).toMatchObject({
        kind: 'asked',
        supported: false,
        ...expected,
      })
  })

  it('S4028-8-01 too small from somebody who supports timers: 422; Min-SE of such a request is never touched', () => {
    const supported = 'Supported: 100rel, Timer'
    expect(sessionTimer(request('INVITE', supported, 'Session-Expires: 299'), POLICY)).toEqual({
      kind: 'tooSmall',
      minimum: 300,
    })
    for (const headers of [['Session-Expires: 300'], ['Session-Expires: 9999', 'Min-SE: 100'], []])
      expect(sessionTimer(request('INVITE', supported, ...headers), POLICY)).toMatchObject({
        supported: true,
        minSe: undefined,
      })
  })

  it('S4028-8-01 S3261-16.3-01 other requests and what cannot be read are left alone', () => {
    for (const method of ['BYE', 'MESSAGE', 'SUBSCRIBE', 'INFO'])
      expect(sessionTimer(request(method), POLICY)).toBeUndefined()
    for (const bad of [
      'Session-Expires: soon',
      'Session-Expires: -1',
      'Session-Expires: 99999999999',
      'Min-SE: x',
    ])
      expect(sessionTimer(request('INVITE', bad), POLICY)).toBeUndefined()
  })
})

describe('session timers across two peers', () => {
  function pair(): { world: SipWorld; a: TestNode; alice: Phone; bob: Phone } {
    const world = new SipWorld()
    const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
    const [a, b] = ['192.0.2.1', '192.0.2.2'].map((host) =>
      world.node(host, { sessionTimer: POLICY }, accounts()),
    )
    if (a === undefined || b === undefined) throw new RangeError()
    const alice = world.phone('alice', a)
    const bob = world.phone('bob', b)
    alice.register()
    bob.register()
    return { world, a, alice, bob }
  }

  it('S4028-8-01 the caller knows timers, the callee does not: the caller is told that it is his to refresh, once', () => {
    const { alice, bob } = pair()
    const sent = alice.request('INVITE', BOB, { extra: ['Supported: timer'] })
    const [invite] = bob.requests('INVITE')
    expect(invite?.header('session-expires')).toBe('1800')
    expect(invite?.has('min-se')).toBe(false)
    bob.respond(invite!, 180)
    expect(alice.last().has('session-expires')).toBe(false)
    bob.respond(invite!, 200, { extra: ['Require: 100rel'] })
    const ok = alice.last()
    expect(ok.headers('session-expires')).toEqual(['1800;refresher=uac'])
    expect(ok.values('require')).toEqual(['100rel', 'timer'])
    // Its refresh is looked at like any other request.
    alice.inDialog('UPDATE', sent, ok, { extra: ['Supported: timer', 'Session-Expires: 1800;refresher=uac'] })
    expect(bob.requests('UPDATE')[0]?.header('session-expires')).toBe('1800;refresher=uac')
    bob.respond(bob.requests('UPDATE')[0]!, 200)
    expect(alice.last().header('session-expires')).toBe('1800;refresher=uac')
  })

  it('S4028-8-01 what the callee says of a timer goes back untouched; without any timer at both ends nothing is said', () => {
    const { alice, bob } = pair()
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200, {
      extra: ['Require: timer', 'Session-Expires: 1200;refresher=uas'],
    })
    expect(alice.last().headers('session-expires')).toEqual(['1200;refresher=uas'])
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[1]!, 200)
    expect(alice.last().status).toBe(200)
    expect(alice.last().has('session-expires')).toBe(false)
    expect(alice.last().has('require')).toBe(false)
  })

  it('S4028-8-01 422 tells the caller the smallest interval, and nothing is forwarded; what it then asks for goes through', () => {
    const { a, alice, bob } = pair()
    alice.request('INVITE', BOB, { extra: ['Supported: timer', 'Session-Expires: 120'] })
    expect(alice.last().status).toBe(422)
    expect(alice.last().header('min-se')).toBe('300')
    expect(bob.requests('INVITE')).toHaveLength(0)
    // Nothing was tried: a call that is counted as begun has a result some day.
    expect(a.core.instruments.callAttempts.get('overlay|proxy')).toBe(0)
    alice.request('INVITE', BOB, { extra: ['Supported: timer', 'Session-Expires: 300', 'Min-SE: 300'] })
    expect(bob.requests('INVITE')[0]?.header('session-expires')).toBe('300')
  })

  it('S4028-8-01 off by default: everything passes as it came', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const [alice, bob] = [world.phone('alice', node), world.phone('bob', node)]
    bob.register()
    alice.request('INVITE', BOB, { extra: ['Supported: timer'] })
    bob.respond(bob.requests('INVITE')[0]!, 200)
    expect(bob.requests('INVITE')[0]?.has('session-expires')).toBe(false)
    expect(alice.last().has('session-expires')).toBe(false)
  })
})
