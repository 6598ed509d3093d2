import { describe, expect, it } from 'vitest'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type TestNode,
} from '../../../support/sip-phones.ts'

const HOST = '192.0.2.1'
const BOB = `sip:bob@${DOMAIN}`

/** A browser phone: it does not know its address, and nobody could connect to it. */
function stage(
  alice: 'ws' | 'wss' | 'udp' | 'tcp',
  bob: 'ws' | 'wss' | 'udp' | 'tcp',
): { world: SipWorld; node: TestNode; alice: Phone; bob: Phone } {
  const world = new SipWorld()
  const node = world.node(
    HOST,
    { listeners: allListeners(HOST) },
    new TestAccounts().add('alice').add('bob').add('carol'),
  )
  const phone = (user: string, transport: typeof alice): Phone =>
    world.phone(user, node, {
      transport,
      ...(transport === 'ws' || transport === 'wss' ? { privateHost: `df7jal23ls0d-${user}.invalid` } : {}),
      noRport: true,
    })
  return { world, node, alice: phone('alice', alice), bob: phone('bob', bob) }
}

function sentTo(node: TestNode, flow: number): string[] {
  return node.actions.flatMap((action) =>
    action.kind === 'sendFlow' && action.flow === flow ? [Buffer.from(action.bytes).toString('latin1')] : [],
  )
}

describe('phones on WebSockets (RFC 7118)', () => {
  for (const [from, to] of [
    ['ws', 'wss'],
    ['wss', 'ws'],
    ['wss', 'udp'],
    ['tcp', 'wss'],
  ] as const) {
    it(`S7118-5.1-01 S7118-5.3-01 a call from ${from} to ${to} rings, is answered and ended by the callee`, () => {
      const { node, alice, bob } = stage(from, to)
      expect(alice.registerFully().status).toBe(200)
      expect(bob.registerFully().status).toBe(200)
      const sent = alice.request('INVITE', BOB, { body: 'v=0' })
      const invite = bob.requests('INVITE')[0]!
      expect(invite.topVia.transport).toBe(to.toUpperCase())
      expect(invite.requestUri).toBe(bob.contact.slice(1, -1))
      const [nearBob = '', nearAlice = ''] = invite.values('record-route')
      for (const [route, via] of [
        [nearBob, to],
        [nearAlice, from],
      ] as const) {
        expect(route).toMatch(/^<sip:/)
        if (via === 'ws' || via === 'wss') expect(route).toContain(';transport=ws;lr>')
      }
      bob.respond(invite, 180)
      bob.respond(invite, 200)
      alice.inDialog('ACK', sent, alice.responses('INVITE', 200)[0]!)
      expect(bob.requests('ACK')).toHaveLength(1)
      bob.fromCallee('BYE', invite)
      alice.respond(alice.requests('BYE')[0]!, 200)
      expect(bob.statuses('BYE')).toEqual([200])
      // Names that end in .invalid are nobody's: nothing was looked up and no connection made.
      expect(node.actions.some(({ kind }) => kind === 'resolve' || kind === 'openFlow')).toBe(false)
    })
  }

  it('S7118-5.3-01 no received is added to the Via of a WebSocket, asked for or not', () => {
    const { world, node, alice } = stage('ws', 'ws')
    alice.register()
    expect(alice.last().topVia.raw).not.toContain('received')
    const asking = world.phone('carol', node, { transport: 'wss', privateHost: 'x.invalid' })
    asking.register()
    expect(asking.last().topVia.raw).toMatch(/;rport$/)
  })

  it('S7118-5.3-01 a request to a host that ends in .invalid is answered, and nobody is asked where that is', () => {
    const { node, alice } = stage('ws', 'ws')
    alice.register()
    alice.request('INVITE', 'sip:bob@df7jal23ls0d.invalid;transport=ws')
    expect(alice.last().status).toBe(404)
    alice.request('MESSAGE', 'sip:bob@df7jal23ls0d.invalid')
    expect(alice.last().status).toBe(404)
    expect(node.actions.some(({ kind }) => kind === 'resolve' || kind === 'openFlow')).toBe(false)
  })

  it('S7118-5-01 a message needs no Content-Length; on a stream behind it gets one', () => {
    const { alice, bob } = stage('ws', 'tcp')
    alice.register()
    bob.register()
    const text = [
      `MESSAGE ${BOB} SIP/2.0`,
      `Via: ${alice.via('z9hG4bKnolength')}`,
      'Max-Forwards: 70',
      `From: <sip:${alice.aor}>;tag=1`,
      `To: <${BOB}>`,
      'Call-ID: no-length',
      'CSeq: 1 MESSAGE',
      'Content-Type: text/plain',
      '',
      'hello',
    ].join('\r\n')
    alice.sendRaw(text)
    const message = bob.requests('MESSAGE')[0]!
    expect(Buffer.from(message.body).toString()).toBe('hello')
    expect(message.header('content-length')).toBe('5')
  })

  it('S7118-5-01 one SIP message a WebSocket message: what follows the body is not read', () => {
    const { alice, bob } = stage('ws', 'udp')
    alice.register()
    bob.register()
    const options = (callId: string): string =>
      [
        `OPTIONS ${BOB} SIP/2.0`,
        `Via: ${alice.via(`z9hG4bK${callId}`)}`,
        'Max-Forwards: 70',
        `From: <sip:${alice.aor}>;tag=1`,
        `To: <${BOB}>`,
        `Call-ID: ${callId}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n')
    alice.sendRaw(options('one') + options('two'))
    expect(bob.requests('OPTIONS').map(({ callId }) => callId)).toEqual(['one'])
    alice.sendRaw(options('half').slice(0, 60))
    alice.sendRaw(options('three'))
    expect(bob.requests('OPTIONS').map(({ callId }) => callId)).toEqual(['one', 'three'])
  })

  it('S7118-5-01 what makes no sense is answered and the WebSocket stays', () => {
    const { node, alice } = stage('ws', 'ws')
    alice.register()
    const before = alice.received.length
    for (const text of ['nonsense', '\u0000'.repeat(40), `OPTIONS ${BOB} SIP/2.0\r\n\r\n`])
      alice.sendRaw(text)
    alice.sendRaw(
      `OPTIONS ${BOB} SIP/2.0\r\nVia: ${alice.via('z9hG4bKcut')}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <${BOB}>\r\n` +
        'Call-ID: cut\r\nCSeq: 1 OPTIONS\r\nContent-Length: 900\r\n\r\nshort',
    )
    expect(alice.received.slice(before).map(({ status }) => status)).toEqual([400])
    expect(alice.unreadable.every((text) => text.startsWith('SIP/2.0 400 '))).toBe(true)
    expect(node.core.instruments.sipMalformed.get('syntax|ws')).toBe(4)
    expect(alice.closedFlows).toEqual([])
    alice.request('OPTIONS', `sip:${DOMAIN}`)
    expect(alice.last().status).toBe(200)
  })

  it('S7118-5-01 is a reliable transport: nothing is sent twice', () => {
    const { world, node, alice, bob } = stage('udp', 'ws')
    bob.register()
    alice.request('INVITE', BOB)
    world.advance(10_000)
    expect(bob.requests('INVITE')).toHaveLength(1)
    expect(sentTo(node, bob.flow).filter((text) => text.startsWith('INVITE'))).toHaveLength(1)
  })

  it('S7118-6-01 S5626-5.4-01 double CRLF is answered with one', () => {
    const { alice } = stage('wss', 'wss')
    alice.register()
    const before = alice.received.length
    alice.sendRaw('\r\n\r\n')
    expect(alice.pongs).toBe(1)
    alice.sendRaw('\r\n')
    expect(alice.pongs).toBe(1)
    expect(alice.received).toHaveLength(before)
  })

  it('S7118-5.3-01 S5626-7-03 a phone whose WebSocket is gone is not called any more, and a response to it is dropped', () => {
    const { world, node, alice, bob } = stage('tcp', 'ws')
    alice.register()
    bob.register()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    bob.disconnect()
    world.advance(5_000)
    expect(alice.last().status).toBe(408)
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
    world.advance(31_000)
    expect(node.core.bindings(`bob@${DOMAIN}`)).toHaveLength(0)
    expect(node.actions.some(({ kind }) => kind === 'openFlow')).toBe(false)
  })
})
