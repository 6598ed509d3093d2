/** What the runs of broken messages have found (test/property/sip-mutation.test.ts, `npm run soak:mutation`), one test each. */
import { describe, expect, it } from 'vitest'
import { JOINED_MAX } from '../../../../src/sip/proxy/called-users.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

function setUp(): { world: SipWorld; node: TestNode; alice: Phone; bob: Phone } {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node, { transport: 'tcp' })
  const bob = world.phone('bob', node, { transport: 'tcp' })
  alice.register()
  bob.register()
  return { world, node, alice, bob }
}

describe('found by broken messages', () => {
  it('S-20 E57 an answer that has lost the Vias below ours is no answer: nobody waits for ever', () => {
    const { world, node, alice, bob } = setUp()
    for (const method of ['MESSAGE', 'INVITE']) {
      alice.request(method, BOB)
      const request = bob.requests(method)[0]!
      const via = request.headers('via')[0]!
      const lines = [
        'SIP/2.0 200 OK',
        `Via: ${via}`,
        ...(['from', 'to', 'call-id', 'cseq'] as const).map(
          (name) => `${name}: ${request.header(name) ?? ''}`,
        ),
        'Content-Length: 0',
      ]
      bob.sendRaw(`${lines.join('\r\n')}\r\n\r\n`)
    }
    expect(node.core.instruments.sipMalformed.get('invalid|tcp')).toBe(2)
    world.advance(300_000)
    expect(alice.statuses('INVITE')).toEqual([100, 408])
    expect(Object.fromEntries(node.core.snapshot().transactions)).toEqual({
      ict: 0,
      ist: 0,
      nict: 0,
      nist: 0,
    })
  })

  it('S-21 a REGISTER rings for the latest calls of its user, not for hundreds of them', () => {
    const { world, node, alice, bob } = setUp()
    for (let i = 0; i < 50; i++) {
      alice.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[i]!, 180)
    }
    const second = world.phone('bob', node, { port: 5070 })
    second.register()
    const calls = (phone: Phone) => phone.requests('INVITE').map((request) => request.callId)
    expect(calls(second)).toEqual(calls(bob).slice(-JOINED_MAX))
    // One of them is answered there, as a call that came after it would be.
    second.respond(second.requests('INVITE')[0]!, 200)
    expect(alice.last().status).toBe(200)
  })
})
